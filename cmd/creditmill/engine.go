package main

import (
	"fmt"
	"io"

	"github.com/creditmill/creditmill/warehouse"
	"github.com/spf13/cobra"
)

func newEngineCommand(a *app) *cobra.Command {
	var flags engineFlags
	command := &cobra.Command{
		Use:   "engine",
		Short: "Hold the embedded ClickHouse open for other clients and print how to reach it",
		Long: "engine starts the embedded ClickHouse (or joins the running one), migrates it, prints how to reach it, " +
			"and keeps it running until Ctrl-C. Other creditmill commands on the same directory join it.\n\n" +
			"The user analyst may read the views (v_…) and nothing else: give that address to SQL editors. " +
			"The user creditmill may do everything in the warehouse: keep its password to yourself. Neither can reach " +
			"files or addresses outside of it.\n\n" +
			"With --listen analysts, and nobody else, are let in from elsewhere as well, at fixed ports: by the native " +
			"protocol and by HTTP, with TLS where a certificate is given. Off loopback it has to be.",
		Example: "  creditmill engine\n  creditmill engine --http\n" +
			"  creditmill engine --listen 0.0.0.0 --tls-cert cert.pem --tls-key key.pem",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error { return a.runEngine(command, flags) },
	}
	command.Flags().BoolVar(&flags.http, "http", false,
		"open ClickHouse's HTTP interface, too, as long as this runs; on loopback")
	command.Flags().StringVar(&flags.listen, "listen", "", "let analysts in at this address of the machine")
	command.Flags().IntVar(&flags.nativePort, "native-port", defaultNativePort, "port of the native protocol for --listen")
	command.Flags().IntVar(&flags.httpPort, "http-port", defaultHTTPPort, "port of HTTP for --listen")
	command.Flags().StringVar(&flags.cert, "tls-cert", "", "file of the TLS certificate for --listen")
	command.Flags().StringVar(&flags.key, "tls-key", "", "file of its key")
	command.AddCommand(newEngineInstallCommand(a))
	return command
}

// engineFlags are those of engine.
type engineFlags struct {
	http                 bool
	listen, cert, key    string
	nativePort, httpPort int
}

// engineResult is the JSON of the verb. The addresses hold passwords: printing them is what the verb is for.
type engineResult struct {
	Warehouse string                     `json:"warehouse"`
	Version   string                     `json:"version"`
	DSN       string                     `json:"dsn"`
	Analyst   warehouse.AnalystAddresses `json:"analyst"`
	// Listen are the addresses of --listen; null without it.
	Listen *engineListen `json:"listen"`
}

// engineListen is where analysts are let in from elsewhere.
type engineListen struct {
	Native string `json:"native"` // host and port
	HTTP   string `json:"http"`
	TLS    bool   `json:"tls"`
}

func (a *app) runEngine(command *cobra.Command, flags engineFlags) error {
	place, err := flags.place()
	if err != nil {
		return err
	}
	w, err := a.warehouseAsItIs(command.Context())
	if err != nil {
		return err
	}
	if !w.Embedded() {
		return usagef("hold engine open: %s is a server, which runs by itself; "+
			"engine is for --warehouse embedded:DIR", w.DSN())
	}
	analyst := w.AnalystAddresses()
	var opened *openDoor
	if place != nil {
		there, err := place.open(w)
		if err != nil {
			return err
		}
		opened = &there
	}
	if flags.http {
		if analyst.HTTP, err = w.OpenHTTP(command.Context()); err != nil {
			return err
		}
	}
	result := engineResult{Warehouse: w.DSN(), Version: w.Version(), DSN: w.FullDSN(), Analyst: analyst}
	fromElsewhere := "closed; open it with: creditmill engine --listen ADDRESS"
	if opened != nil {
		native, overHTTP := opened.addresses()
		result.Listen = &engineListen{
			Native: opened.native.Addr().String(), HTTP: overHTTP, TLS: opened.tls != nil,
		}
		fromElsewhere = fmt.Sprintf("native %s, %s (user %s, password %s)", native, overHTTP, analyst.User, analyst.Password)
	}
	err = a.print(result, func(out io.Writer) error {
		overHTTP := "closed; open it with: creditmill engine --http"
		if flags.http {
			overHTTP = fmt.Sprintf("%s (user %s, password %s)", analyst.HTTP, analyst.User, analyst.Password)
		}
		_, err := fmt.Fprintf(out, "ClickHouse %s runs on %s\n\n"+
			"  full access   %s\n"+
			"  views only    %s\n"+
			"  views, HTTP   %s\n"+
			"  from outside  %s\n\n"+
			"Ctrl-C stops it, unless another command still uses it.\n",
			w.Version(), w.DSN(), result.DSN, analyst.DSN, overHTTP, fromElsewhere)
		return err
	})
	if err != nil {
		return err
	}
	if opened != nil {
		return opened.serve(command.Context(), a, w)
	}
	return w.HoldEngine(command.Context(), flags.http)
}

// place is where --listen lets analysts in; nil without it.
func (f engineFlags) place() (*doorPlace, error) {
	secured, err := readTLS(f.cert, f.key)
	if err != nil {
		return nil, err
	}
	if f.listen == "" {
		if secured != nil {
			return nil, usagef("engine: --tls-cert is for --listen")
		}
		return nil, nil
	}
	place := doorPlace{host: f.listen, nativePort: f.nativePort, httpPort: f.httpPort, tls: secured}
	return &place, place.check()
}
