// Package stripe is the client of one Stripe account: its key and mode, the transport that paces requests and lets no
// write pass that was not announced, the lists that are whole or an error, and what Stripe's objects say.
//
// It knows customers, subscriptions, items, invoices and Checkout sessions. It never knows what a charge is, what a
// plan holds or what the ledger says: whoever asks it concludes from its answers.
package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"
)

var (
	// ErrCredentials is returned when Stripe refuses the key or a permission is missing; the run stops.
	ErrCredentials = errors.New("Stripe refuses the key") //nolint:staticcheck // a name
	// ErrSetting is returned when a key or base URL cannot be used as it is.
	ErrSetting = errors.New("Stripe setting is wrong") //nolint:staticcheck // a name
	// ErrMode is returned for an object of the other mode than the key's.
	ErrMode = errors.New("it is of the other mode")
)

// Config says how Stripe is reached.
type Config struct {
	// Key is a secret or restricted key. Required; it is never logged.
	Key string
	// BaseURL is https://api.stripe.com (also when empty) or a loopback address. Nothing else is talked to.
	BaseURL string
	// Live allows a live key, and a live key needs it.
	Live bool
	// ReadOnly refuses every request but GET before it leaves.
	ReadOnly bool
	// Now is the clock of the send guard; Sleep waits for the pace. Both required.
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
	// Limits are the paces that are kept. Where Account and Endpoint are 0 they are a little below Stripe's own, on
	// loopback there is no limit.
	Limits Limits
	// NoRetries switches stripe-go's own repeats of a request off; they are 2 otherwise.
	NoRetries bool
	// Transport carries the requests. Nil: a transport of its own with the usual timeouts.
	Transport http.RoundTripper
	// Log takes stripe-go's messages. Zero value: nothing is logged.
	Log zerolog.Logger
}

// Client is a client of one account. It is safe for concurrent use.
type Client struct {
	// Livemode is the key's mode; every object that Stripe returns must have the same.
	Livemode bool

	api  *client.API
	key  string
	Now  func() time.Time
	skew *skew
}

const (
	stripeURL      = "https://api.stripe.com"
	requestTimeout = 30 * time.Second
	// Stripe takes 100 requests a second of an account and 25 of an endpoint, and 25 of an account with a test key. What
	// leaves here evenly arrives less so.
	accountLive, accountTest, endpointMost = 96, 24, 24
)

// New makes a client. ErrSetting says that the key or the URL may not be used.
func New(config Config) (*Client, error) {
	livemode, err := keyMode(config.Key)
	if err != nil {
		return nil, err
	}
	if livemode && !config.Live {
		return nil, fmt.Errorf("use a live key: it charges customers; give --live to do so: %w", ErrSetting)
	}
	base, loopback, err := checkBaseURL(config.BaseURL)
	if err != nil {
		return nil, err
	}
	if livemode && loopback {
		return nil, fmt.Errorf("use a live key with %s: give a test key: %w", base, ErrSetting)
	}
	limits := config.Limits
	if !loopback {
		account := accountTest
		if livemode {
			account = accountLive
		}
		limits.Account, limits.Endpoint = cmp.Or(limits.Account, account), cmp.Or(limits.Endpoint, endpointMost)
	}
	carrier := config.Transport
	if carrier == nil {
		carrier = http.DefaultTransport.(*http.Transport).Clone()
	}
	guarded := &transport{
		base: carrier, readOnly: config.ReadOnly, now: config.Now,
		paces: newPaces(limits, config.Now, config.Sleep), skew: &skew{},
	}
	retries := int64(2)
	if config.NoRetries {
		retries = 0
	}
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		EnableTelemetry: stripe.Bool(false),
		HTTPClient: &http.Client{
			Transport: guarded, Timeout: requestTimeout,
			// A redirected POST would be a request that nobody announced.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		LeveledLogger:     stripeLog{config.Log},
		MaxNetworkRetries: &retries,
		URL:               &base,
	})
	api := client.New(config.Key, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})
	return &Client{Livemode: livemode, api: api, key: config.Key, Now: config.Now, skew: guarded.skew}, nil
}

// keyMode tells live keys from test keys.
func keyMode(key string) (livemode bool, err error) {
	for _, prefix := range []string{"sk_", "rk_"} {
		switch {
		case strings.HasPrefix(key, prefix+"live_"):
			return true, nil
		case strings.HasPrefix(key, prefix+"test_"):
			return false, nil
		}
	}
	return false, fmt.Errorf("read Stripe key: it begins with none of sk_test_, rk_test_, sk_live_, rk_live_: %w",
		ErrSetting)
}

func checkBaseURL(text string) (base string, loopback bool, err error) {
	if text == "" || strings.TrimSuffix(text, "/") == stripeURL {
		return stripeURL, false, nil
	}
	parsed, err := url.Parse(text)
	if err != nil {
		return "", false, fmt.Errorf("read Stripe base URL %q: %w", text, ErrSetting)
	}
	ip := net.ParseIP(parsed.Hostname())
	if parsed.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", false, fmt.Errorf("use Stripe base URL %q: only %s and loopback addresses are allowed: %w",
			text, stripeURL, ErrSetting)
	}
	return strings.TrimSuffix(text, "/"), true, nil
}

// Account asks which account the key belongs to. A restricted key may not be allowed to know: then it is the expected
// one, which must not be empty.
func (s *Client) Account(ctx context.Context, expected string) (string, error) {
	account, err := s.account(ctx)
	if failure := (*stripe.Error)(nil); errors.As(err, &failure) && failure.HTTPStatusCode == http.StatusForbidden {
		if expected == "" {
			return "", fmt.Errorf("the key may not read its account: set stripe.account to its acct_… id: %w", ErrSetting)
		}
		return expected, nil
	}
	if err != nil {
		return "", Explain("ask Stripe for the account", err)
	}
	if account.ID == "" {
		return "", fmt.Errorf("ask Stripe for the account: the answer has no id")
	}
	if expected != "" && account.ID != expected {
		return "", fmt.Errorf("the key belongs to %s, stripe.account is %s: %w", account.ID, expected, ErrSetting)
	}
	return account.ID, nil
}

func (s *Client) account(ctx context.Context) (*stripe.Account, error) {
	account := &stripe.Account{}
	params := &stripe.Params{Context: ctx}
	err := s.api.Accounts.B.CallRaw(http.MethodGet, "/v1/account", s.key, nil, params, account)
	return account, err
}

// notJSON is how stripe-go (v76.25, stripe.go) tells of an answer that it cannot read.
var notJSON = regexp.MustCompile(`^Couldn't deserialize JSON \(response status: ([0-9]+)`)

// Explain wraps an error of stripe-go, whose text is JSON, in one line.
func Explain(doing string, err error) error {
	var failure *stripe.Error
	if !errors.As(err, &failure) {
		if status := notJSON.FindStringSubmatch(err.Error()); status != nil {
			return fmt.Errorf("%s: Stripe, or what is between, answers %s and not in JSON", doing, status[1])
		}
		return fmt.Errorf("%s: %w", doing, err)
	}
	text := fmt.Sprintf("%s: Stripe answers %d", doing, failure.HTTPStatusCode)
	if failure.Code != "" {
		text += " " + string(failure.Code)
	}
	if failure.Msg != "" {
		text += ": " + failure.Msg
	}
	if failure.HTTPStatusCode == http.StatusUnauthorized || failure.HTTPStatusCode == http.StatusForbidden {
		return fmt.Errorf("%s: %w", text, ErrCredentials)
	}
	return &answered{text, failure}
}

// answered is an error that Stripe answered, in one line.
type answered struct {
	text    string
	failure *stripe.Error
}

func (e *answered) Error() string { return e.text }
func (e *answered) Unwrap() error { return e.failure }

// stripeLog passes stripe-go's messages on, each attempt's: what they come to is told with the charge. They hold no
// secrets: stripe-go redacts errors, and keys are not in them.
type stripeLog struct{ log zerolog.Logger }

func (l stripeLog) Debugf(string, ...any) {}

func (l stripeLog) Infof(string, ...any) {}

func (l stripeLog) Warnf(format string, values ...any) {
	l.log.Debug().Str("detail", fmt.Sprintf(format, values...)).Msg("stripe")
}

// Errorf is a warning here: whether it is an error for the run is decided by the protocol.
func (l stripeLog) Errorf(format string, values ...any) { l.Warnf(format, values...) }

// ClockAhead is how far this machine's clock is ahead of Stripe's, as far as its answers told.
func (s *Client) ClockAhead() time.Duration { return s.skew.get() }

// CheckClock returns ErrClock where this machine's clock is too far from Stripe's.
func (s *Client) CheckClock() error { return s.skew.check() }
