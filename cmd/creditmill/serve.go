package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/creditmill/creditmill/invoice"
	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/serve"
	"github.com/creditmill/creditmill/serve/web"
	"github.com/creditmill/creditmill/warehouse"
)

// serveFlags are those of serve.
type serveFlags struct {
	listen, cert, key string
	proxies           []string
	live              bool
}

const (
	defaultListen    = "127.0.0.1:8377"
	webhookSecretKey = "CREDITMILL_STRIPE_WEBHOOK_SECRET" //nolint:gosec // the name of the variable
)

func newServeCommand(a *app) *cobra.Command {
	var flags serveFlags
	command := &cobra.Command{
		Use:   "serve",
		Short: "Answer HTTP, and run the scheduled jobs",
		Long: "serve does all that run does, and answers HTTP: who may use more, usage as it happens, uploads, balances, " +
			"previews, approvals, Stripe's webhooks. Answers are the JSON of the commands; /openapi.json describes them, " +
			"docs/api.md walks through them. Requests need a token: see creditmill token. A browser gets the pages of " +
			"docs/web.md at the same address.\n\n" +
			"Off loopback it takes --tls-cert and --tls-key, or --trusted-proxy with the network of a proxy that ends TLS. " +
			"CREDITMILL_STRIPE_WEBHOOK_SECRET is the secret of Stripe's webhook endpoint. SIGTERM or Ctrl-C lets requests end " +
			"and loads what was accepted.",
		Example: "  creditmill token create gateway-1 --role gateway\n  creditmill serve\n" +
			"  creditmill serve --listen 0.0.0.0:8377 --live \\\n    --tls-cert cert.pem --tls-key key.pem",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return a.runServe(command.Context(), flags) },
	}
	command.Flags().StringVar(&flags.listen, "listen", defaultListen, "address and port")
	command.Flags().StringVar(&flags.cert, "tls-cert", "", "file of the TLS certificate")
	command.Flags().StringVar(&flags.key, "tls-key", "", "file of its key")
	command.Flags().StringSliceVar(&flags.proxies, "trusted-proxy", nil,
		"network of a proxy that ends TLS, such as 10.0.0.0/8")
	command.Flags().BoolVar(&flags.live, "live", false, "let jobs and requests post with a live Stripe key")
	return command
}

func (a *app) runServe(ctx context.Context, flags serveFlags) error {
	listener, err := flags.open()
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // Serve has closed it
	w, err := a.warehouseAsItIs(ctx)
	if err != nil {
		return err
	}
	ctx, release, err := w.LockFor(ctx, warehouse.RunLock)
	if err != nil {
		return err
	}
	defer release()
	mill := newMill(a)
	spool, err := serve.OpenSpool(serve.SpoolConfig{
		Directory: a.spoolDirectory(), Load: mill.loadSegment, Gone: mill.gone, Now: a.now, Log: a.log,
		MostBytes: int64(a.config.Serve.SpoolBytes),
	})
	if err != nil {
		return err
	}
	mill.live = newLiveAnswers(mill, spool)
	config := serve.Config{
		Warehouse: w, Commands: mill, Spool: spool, Answers: answers, Exclusive: mill.turn, Live: flags.live, Now: a.now,
		Wall: a.wall, Log: a.log, RequestsPerSecond: a.config.Serve.Requests,
	}
	if config.Webhook, err = a.webhook(mill, spool, flags.live); err != nil {
		return err
	}
	var analysts *openDoor
	if a.config.Serve.SQL != nil && *a.config.Serve.SQL {
		place, err := flags.door(a.config.Serve)
		if err != nil {
			return err
		}
		opened, err := place.open(w)
		if err != nil {
			return err
		}
		native, overHTTP := opened.addresses()
		a.note("analysts: native on %s, %s", native, overHTTP)
		analysts = &opened
	}
	a.note("listening on %s", listener.Addr())
	server, err := serve.New(config)
	if err != nil {
		return err
	}
	web.Mount(server, a.pages(flags))
	return a.serveUntil(ctx, w, mill, spool, listener, server, analysts, flags.live)
}

// serveUntil answers and runs jobs until one of them ends, and then lets the others end.
func (a *app) serveUntil(ctx context.Context, w *warehouse.Warehouse, mill *mill, spool *serve.Spool,
	listener net.Listener, server *serve.Server, analysts *openDoor, live bool,
) error {
	jobs, err := a.jobs(live)
	if err != nil {
		return err
	}
	for i := range jobs {
		run, bills := jobs[i].run, slices.Contains(billingJobs, jobs[i].name)
		jobs[i].run = func(ctx context.Context) error {
			if bills { // what was accepted counts
				if _, err := spool.Flush(ctx); err != nil {
					return err
				}
			}
			free, err := mill.turn(ctx)
			if err != nil {
				return err
			}
			defer free()
			return run(ctx)
		}
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	spooling, stopSpool := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSpool()
	go mill.live.watch(working)
	ended := make(chan error, 4)
	go func() { ended <- server.Serve(working, listener) }()
	spooled := make(chan error, 1)
	go func() { spooled <- spool.Run(spooling) }()
	parts := 1
	if analysts != nil {
		parts++
		go func() { ended <- analysts.serve(working, a, w) }()
	}
	if scheduled(jobs) {
		parts++
		go func() { ended <- a.keepRunning(working, w, jobs) }()
	}
	first := <-ended
	stop()
	for range parts - 1 {
		first = errors.Join(first, <-ended)
	}
	stopSpool() // nobody appends any more
	return errors.Join(first, <-spooled, lost(ctx))
}

// billingJobs are the jobs that send charges.
var billingJobs = []string{"renewals", "invoice"}

func scheduled(jobs []job) bool {
	for _, each := range jobs {
		if each.schedule != nil {
			return true
		}
	}
	return false
}

// open listens. Off loopback it takes TLS, or a proxy that is trusted with it.
func (f serveFlags) open() (net.Listener, error) {
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return nil, usagef("read --listen %q: want an address and a port such as %s", f.listen, defaultListen)
	}
	for _, network := range f.proxies {
		if _, _, err := net.ParseCIDR(network); err != nil {
			return nil, usagef("read --trusted-proxy %q: want a network such as 10.0.0.0/8", network)
		}
	}
	loopback := onLoopback(host)
	secured, err := readTLS(f.cert, f.key)
	if err != nil {
		return nil, err
	}
	if !loopback && secured == nil && len(f.proxies) == 0 {
		return nil, usagef("serve on %s: tokens would pass over the network in the clear; give --tls-cert and --tls-key, or "+
			"--trusted-proxy with the network of a proxy that ends TLS", f.listen)
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	if secured == nil {
		return trusting(listener, loopback, f.proxies), nil
	}
	secured.NextProtos = []string{"h2", "http/1.1"}
	return tls.NewListener(listener, secured), nil
}

// door is where analysts are let in: beside the API, with the same certificate.
func (f serveFlags) door(config serveConfig) (doorPlace, error) {
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return doorPlace{}, err // open has looked at it
	}
	secured, err := readTLS(f.cert, f.key)
	if err != nil {
		return doorPlace{}, err
	}
	place := doorPlace{
		host: host, nativePort: cmp.Or(config.SQLNativePort, defaultNativePort),
		httpPort: cmp.Or(config.SQLHTTPPort, defaultHTTPPort), tls: secured,
	}
	return place, place.check()
}

// trustedListener takes connections of some networks, and of this machine, only.
type trustedListener struct {
	net.Listener
	networks []*net.IPNet
}

// trusting leaves connections alone that no proxy made, where one is named.
func trusting(listener net.Listener, loopback bool, proxies []string) net.Listener {
	if loopback {
		return listener
	}
	t := trustedListener{Listener: listener}
	for _, text := range proxies {
		_, network, _ := net.ParseCIDR(text) // open has looked at it
		t.networks = append(t.networks, network)
	}
	return t
}

// Accept closes connections of others at once.
func (t trustedListener) Accept() (net.Conn, error) {
	for {
		conn, err := t.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // as the listener returns it
		}
		address, isTCP := conn.RemoteAddr().(*net.TCPAddr)
		for _, network := range t.networks {
			if isTCP && (network.Contains(address.IP) || address.IP.IsLoopback()) {
				return conn, nil
			}
		}
		_ = conn.Close() // nobody who is known
	}
}

// spoolDirectory is where accepted events wait: where the config says, beside the data of an embedded warehouse, else
// beside the config.
func (a *app) spoolDirectory() string {
	if a.config.Serve.Spool != "" {
		return a.config.Serve.Spool
	}
	if folder, embedded := strings.CutPrefix(a.config.Warehouse, "embedded:"); embedded {
		folder, _, _ = strings.Cut(folder, "?")
		return filepath.Join(folder, "spool")
	}
	return filepath.Join(filepath.Dir(a.config.File), "creditmill-spool")
}

// leftInSpool is the usage that serve accepted and did not load within the time that this usually takes: it is down, or
// cannot.
func (a *app) leftInSpool() ([]plan.Gap, error) {
	begun, err := serve.Left(a.spoolDirectory(), a.now().Add(-spoolPatience))
	if err != nil || begun.IsZero() {
		return nil, err
	}
	reason := fmt.Sprintf("rows that serve accepted since %s are not loaded: start it, or see spool_not_loaded in its "+
		"log; or give --accept-gaps", begun.Format(time.RFC3339))
	return []plan.Gap{{Until: begun, Reason: reason}}, nil
}

// spoolPatience is how long rows may wait in the spool before somebody is told.
const spoolPatience = 2 * time.Minute

// webhook answers what Stripe sends; nil without a secret.
func (a *app) webhook(mill *mill, spool *serve.Spool, live bool) (
	func(context.Context, []byte, string) (int, string), error,
) {
	secret := os.Getenv(webhookSecretKey)
	if secret == "" {
		return nil, nil
	}
	client, err := a.stripeClient(live, false)
	if err != nil {
		return nil, err
	}
	hooks := invoice.NewWebhooks(invoice.WebhookConfig{
		Secret: secret, Livemode: client.Livemode, Now: a.now, Log: a.log,
		Renew: func(ctx context.Context) (drafts []invoice.Renewal, err error) {
			if _, err := spool.Flush(ctx); err != nil {
				return nil, err
			}
			err = mill.alone(ctx, func(one *app) error {
				drafts, _, err = one.renew(ctx, live)
				return err
			})
			return drafts, err
		},
		Sync: func(ctx context.Context) error {
			return mill.alone(ctx, func(one *app) error {
				err := one.runSync(ctx, true)
				var partial *partialError
				if errors.As(err, &partial) { // what a person must decide is not Stripe's to send again
					return nil
				}
				return err
			})
		},
	})
	return func(ctx context.Context, payload []byte, signature string) (int, string) {
		answer := hooks.Handle(ctx, payload, signature)
		return answer.Status, answer.Detail
	}, nil
}

// turnLasts is how long a request waits for others that write.
const turnLasts = time.Minute
