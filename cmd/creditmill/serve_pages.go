package main

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/serve/web"
)

// pages are the settings of the web app.
func (a *app) pages(flags serveFlags) web.Config {
	config := web.Config{
		UserHeader: a.config.Serve.UserHeader, Trusted: slices.Clone(a.config.Serve.Trusted),
		Catalog: (&catalogSeen{app: a}).look,
		Account: (&accountSeen{app: a}).look, Sources: []string{defaultSource}, Now: a.now, Wall: a.wall, Log: a.log,
	}
	for _, text := range flags.proxies {
		if network, err := netip.ParsePrefix(text); err == nil { // open has looked at it
			config.Trusted = append(config.Trusted, network.Masked())
		}
	}
	sources, _ := schemas.ParseSources(a.config.File, a.config.Text) // whoever loads is told of its problems
	for _, source := range sources {
		if !slices.Contains(config.Sources, source.ID) {
			config.Sources = append(config.Sources, source.ID)
		}
	}
	return config
}

// catalogSeen remembers the price book until its file changes, as each command reads it again.
type catalogSeen struct {
	app    *app
	mu     sync.Mutex
	parsed *schemas.Catalog
}

func (s *catalogSeen) look() (*schemas.Catalog, error) {
	text, err := os.ReadFile(s.app.config.Catalog)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parsed != nil && bytes.Equal(s.parsed.Text, text) {
		return s.parsed, nil
	}
	parsed, err := parseCatalog(s.app.config.Catalog, text)
	if err != nil {
		return nil, err
	}
	s.parsed = parsed
	return parsed, nil
}

// accountSeen remembers whose account the Stripe key opens.
type accountSeen struct {
	app     *app
	mu      sync.Mutex
	account string
	live    bool
	askedAt time.Time
}

// accountAsked is how long Stripe is left alone after it did not say whose account it is.
const accountAsked = time.Minute

// look asks Stripe once. Without a key, or an answer, it is not known.
func (s *accountSeen) look(ctx context.Context) (account string, live, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.app.wall()
	if s.account != "" || !s.askedAt.IsZero() && now.Sub(s.askedAt) < accountAsked {
		return s.account, s.live, s.account != ""
	}
	s.askedAt = now
	client, err := s.app.previewClient()
	if err != nil || client == nil {
		return "", false, false
	}
	ctx, cancel := context.WithTimeout(ctx, accountWait)
	defer cancel()
	if account, err = client.Account(ctx, s.app.config.Stripe.Account); err != nil {
		s.app.log.Warn().Err(err).Msg("stripe_account_unknown")
		return "", false, false
	}
	s.account, s.live = account, client.Livemode
	return s.account, s.live, true
}

// accountWait is how long a page waits for Stripe to say whose account it is.
const accountWait = 5 * time.Second
