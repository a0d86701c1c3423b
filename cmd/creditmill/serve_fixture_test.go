package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/creditmill/creditmill/invoice/stripefake"
	"github.com/creditmill/creditmill/serve"
)

// served is a mill that answers HTTP, with a token for each role.
type served struct {
	*testing.T
	directory, url string
	fake           *stripefake.Server
	tokens         map[string]string
	now            func() time.Time
	stop           func()
}

// serveSeed serves the seed's price book from an empty folder, beside a Stripe whose clock is that of the program.
func serveSeed(t *testing.T, from time.Time) *served {
	t.Helper()
	s := &served{T: t, directory: t.TempDir(), tokens: map[string]string{}}
	var fake *stripefake.Server
	fake, err := stripefake.New(stripefake.Config{
		Now: func() time.Time { return from }, Date: func() time.Time { return fake.Now() },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.fake = fake
	s.now = fake.Now
	stripe := httptest.NewServer(fake)
	t.Cleanup(stripe.Close)
	fake.SetPublic(stripe.URL)
	fake.AddPrice("price_pro", "usd", 10000)
	t.Setenv("CREDITMILL_STRIPE_KEY", "sk_test_serve")
	t.Setenv(webhookSecretKey, "whsec_serve")
	catalog, err := os.ReadFile(filepath.Join("..", "..", "testdata", "catalogs", "seed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("catalog.yaml", string(catalog))
	s.write("creditmill.yaml", fmt.Sprintf(
		"catalog: catalog.yaml\nstripe: {base_url: %q}\ninvoice: {approval: required}\n", stripe.URL))
	for _, role := range serve.Roles {
		s.tokens[role] = strings.TrimSpace(s.creditmill("token", "create", role+"-1", "--role", role, "--quiet"))
	}
	s.start()
	return s
}

func (s *served) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.directory, name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

func (s *served) read(name string) string {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.directory, name))
	if err != nil {
		s.Fatal(err)
	}
	return string(text)
}

// quoted is a text as JSON has it.
func quoted(text string) string {
	encoded, _ := json.Marshal(text) // a string can always be written
	return string(encoded)
}

func (s *served) app(stderr io.Writer) (*app, *bytes.Buffer) {
	var stdout bytes.Buffer
	a := newApp(strings.NewReader(""), &stdout, stderr)
	a.now = s.now
	return a, &stdout
}

// creditmill runs a command while nothing is served.
func (s *served) creditmill(args ...string) string {
	s.Helper()
	var stderr bytes.Buffer
	a, stdout := s.app(&stderr)
	root := newRootCommand(a)
	root.SetArgs(append([]string{"--config", filepath.Join(s.directory, "creditmill.yaml")}, args...))
	command, err := root.ExecuteContextC(s.Context())
	if code := a.finish(s.Context(), command, err); code != exitOK {
		s.Fatalf("creditmill %s: exit %d\n%s", strings.Join(args, " "), code, &stderr)
	}
	return stdout.String()
}

// lockedBuffer is written and read at once.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends.
func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)

// start serves until stop, or the test's end.
func (s *served) start() {
	s.Helper()
	var stderr lockedBuffer
	a, _ := s.app(&stderr)
	root := newRootCommand(a)
	root.SetArgs([]string{"--config", filepath.Join(s.directory, "creditmill.yaml"), "serve", "--listen", "127.0.0.1:0"})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	go func() {
		command, err := root.ExecuteContextC(ctx)
		done <- a.finish(context.Background(), command, err)
	}()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if code := <-done; code != exitOK {
			s.Errorf("serve: exit %d\n%s", code, &stderr)
		}
	})
	s.Cleanup(s.stop)
	for s.url = ""; s.url == ""; time.Sleep(10 * time.Millisecond) {
		if found := listening.FindStringSubmatch(stderr.String()); found != nil {
			s.url = "http://" + found[1]
		}
		select {
		case code := <-done:
			s.Fatalf("serve ended with %d\n%s", code, &stderr)
		default:
		}
	}
}

// answered is an answer.
type answered struct {
	status int
	header http.Header
	body   string
}

// ask sends a request with the token of a role; empty for none.
func (s *served) ask(role, method, path, body string) answered {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if role != "" {
		request.Header.Set("Authorization", "Bearer "+s.tokens[role])
	}
	return s.send(request)
}

func (s *served) send(request *http.Request) answered {
	s.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	got := answered{response.StatusCode, response.Header, string(text)}
	wantShape(s, request, got)
	return got
}

// want is ask, whose answer must have a status; its JSON is read into a value where one is given.
func (s *served) want(status int, role, method, path, body string, into any) answered {
	s.Helper()
	got := s.ask(role, method, path, body)
	if got.status != status {
		s.Fatalf("%s %s as %s: %d, want %d\n%s", method, path, role, got.status, status, got.body)
	}
	if into != nil {
		if err := json.Unmarshal([]byte(got.body), into); err != nil {
			s.Fatalf("%s %s: %v in %s", method, path, err, got.body)
		}
	}
	return got
}

func row(id, at, customer, model string, tokens int) string {
	return fmt.Sprintf(`{"event_id":%q,"occurred_at":%q,"customer_id":%q,"model":%q,"input_tokens":%d}`, id, at, customer,
		model, tokens)
}

// hook sends an event of Stripe.
func (s *served) hook(kind string, object any) answered {
	s.Helper()
	payload, err := json.Marshal(map[string]any{
		"id": "evt_1", "object": "event", "type": kind, "livemode": false, "data": map[string]any{"object": object},
	})
	if err != nil {
		s.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.url+"/v1/stripe/webhook",
		bytes.NewReader(payload))
	if err != nil {
		s.Fatal(err)
	}
	request.Header.Set("Stripe-Signature", webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{
		Payload: payload, Secret: "whsec_serve", Timestamp: s.now(),
	}).Header)
	return s.send(request)
}
