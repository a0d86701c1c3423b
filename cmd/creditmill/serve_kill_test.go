package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creditmill/creditmill/serve"
)

// killedServer is `creditmill serve` as a process that is killed and begun again at the same address.
type killedServer struct {
	*testing.T
	program *program
	address string
	token   string
	command *exec.Cmd
	stderr  *lockedBuffer
}

func newKilledServer(t *testing.T, p *program) *killedServer {
	t.Helper()
	catalog, err := os.ReadFile(filepath.Join("..", "..", "testdata", "catalogs", "seed.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(p.directory), "catalog.yaml"), catalog, 0o600); err != nil {
		t.Fatal(err)
	}
	token, stderr, code := p.run(t, p.dsn, "token", "create", "g", "--role", serve.RoleGateway, "--quiet")
	if code != exitOK {
		t.Fatalf("token create: exit code %d\n%s", code, stderr)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &killedServer{T: t, program: p, address: listener.Addr().String(), token: strings.TrimSpace(token)}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.command != nil {
			s.command.Process.Kill() //nolint:errcheck // it may have ended
		}
	})
	return s
}

// start begins the process and waits until it listens. It kills itself at a point of a load where one is named.
func (s *killedServer) start(point string) {
	s.Helper()
	s.stderr = &lockedBuffer{}
	s.command = s.program.command(s.T, s.program.dsn, "serve", "--listen", s.address)
	s.command.Stderr = s.stderr
	s.command.Env = append(os.Environ(), crashVariable+"="+point)
	if err := s.command.Start(); err != nil {
		s.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !listening.MatchString(s.stderr.String()); {
		if time.Now().After(deadline) {
			s.Fatalf("serve does not listen\n%s", s.stderr)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// post sends a body until it is answered, or stopped. It returns the status; 0 where there was no answer.
func (s *killedServer) post(ctx context.Context, path, body string) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close() //nolint:errcheck // read only
	_, err = io.Copy(io.Discard, response.Body)
	if err != nil {
		return 0
	}
	return response.StatusCode
}

// killedClient sends rows, each batch until it is acknowledged, and some of them again after that.
type killedClient struct {
	server       *killedServer
	number       int
	random       *rand.Rand
	rows, tokens uint64
	retries      *atomic.Int64
}

// run sends batches until it is stopped; the one at hand is acknowledged before it returns.
func (c *killedClient) run(stop <-chan struct{}) {
	for batch := 0; ; batch++ {
		select {
		case <-stop:
			return
		default:
		}
		var body strings.Builder
		for i := range 1 + c.random.IntN(20) {
			tokens := c.random.IntN(1000)
			body.WriteString(row(fmt.Sprintf("%d-%d-%d", c.number, batch, i), "2026-10-01T10:00:00Z",
				fmt.Sprintf("cus_%d", c.number), "small-model", tokens) + "\n")
			c.rows++
			c.tokens += uint64(tokens)
		}
		for again := c.random.IntN(4) == 0; ; {
			switch status := c.server.post(context.Background(), "/v1/events", body.String()); {
			case status == http.StatusAccepted && again:
				again = false
				continue
			case status == http.StatusAccepted:
			case status == 0, status == http.StatusServiceUnavailable:
				c.retries.Add(1)
				time.Sleep(5 * time.Millisecond)
				continue
			default:
				c.server.Errorf("events: %d", status)
			}
			break
		}
		if batch%8 == 7 { // which has the process load what it accepted
			c.server.post(context.Background(), "/v1/entitled",
				fmt.Sprintf(`{"customer_id":"cus_%d","feature":"small-model"}`, c.number))
		}
	}
}

// serveKillPoints are where a load kills the process by itself; between them it is killed at random.
var serveKillPoints = []string{"", "after-commit", "", "before-commit", "", "after-stream"}

// TestServeKilled kills serve while clients send events, each again until it is acknowledged. In the end every event
// counts once, and none is lost. KILLS says how often, SEED repeats a run.
func TestServeKilled(t *testing.T) {
	kills, seed := number(t, "CREDITMILL_KILLS", 6), number(t, "SEED", uint64(time.Now().UnixNano()))
	t.Logf("CREDITMILL_KILLS=%d SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p, w := newProgram(t)
	s := newKilledServer(t, p)
	s.start("")
	var retries atomic.Int64
	clients, stop := make([]*killedClient, 4), make(chan struct{})
	var group sync.WaitGroup
	for i := range clients {
		clients[i] = &killedClient{
			server: s, number: i, random: rand.New(rand.NewPCG(seed, uint64(i)+1)), retries: &retries,
		}
		group.Go(func() { clients[i].run(stop) })
	}
	itself := 0
	for i := range kills {
		if point := serveKillPoints[int(i)%len(serveKillPoints)]; point != "" {
			itself += s.waitOrKill(10 * time.Second)
		} else {
			s.waitOrKill(time.Duration(random.Int64N(int64(1500 * time.Millisecond))))
		}
		s.start(serveKillPoints[int(i+1)%len(serveKillPoints)])
	}
	s.waitOrKill(0)
	s.start("")
	close(stop)
	group.Wait()
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.command.Wait(); err != nil {
		t.Fatalf("serve: %v\n%s", err, s.stderr)
	}
	var want, got struct{ rows, ids, tokens, conflicts uint64 }
	for _, client := range clients {
		want.rows, want.ids, want.tokens = want.rows+client.rows, want.ids+client.rows, want.tokens+client.tokens
	}
	err := w.Conn().QueryRow(t.Context(), `SELECT (SELECT count() FROM v_events),
		(SELECT uniqExact(event_id) FROM v_events),
		(SELECT sum(input_tokens) FROM v_events), (SELECT countIf(kind = 'conflict') FROM v_duplicates)`).
		Scan(&got.rows, &got.ids, &got.tokens, &got.conflicts)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("counted rows, ids, tokens, conflicts %+v, want %+v", got, want)
	}
	left, err := filepath.Glob(filepath.Join(p.directory, "spool", "segments", "*", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the spool: %v, %v", left, err)
	}
	t.Logf("%d rows; %d kills, %d of them by itself in a load; %d requests were sent again", want.rows, kills, itself,
		retries.Load())
	if retries.Load() == 0 {
		t.Error("no request was cut off by a kill")
	}
}

// waitOrKill waits until the process has killed itself, or kills it after a while. It returns how many killed
// themselves.
func (s *killedServer) waitOrKill(while time.Duration) (itself int) {
	s.Helper()
	ended := make(chan struct{})
	go func() {
		s.command.Wait() //nolint:errcheck // it was killed
		close(ended)
	}()
	select {
	case <-ended:
		itself = 1
	case <-time.After(while):
		s.command.Process.Kill() //nolint:errcheck // it may end at this moment
		<-ended
	}
	if status, is := s.command.ProcessState.Sys().(syscall.WaitStatus); !is || status.Signal() != syscall.SIGKILL {
		s.Fatalf("serve ended by itself\n%s", s.stderr)
	}
	return itself
}
