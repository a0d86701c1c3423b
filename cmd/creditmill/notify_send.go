package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/creditmill/creditmill/warehouse"
)

// notifyConfig is where notices go.
type notifyConfig struct {
	URL   string // of a webhook that takes JSON; it is a secret; empty: nothing is sent
	Shape string // json or slack; empty: json
	// UsageMissingAfter is how old the newest event may be; 0: a day.
	UsageMissingAfter time.Duration
}

const (
	// notifyURLKey is the variable that sets notify.url.
	notifyURLKey = "CREDITMILL_NOTIFY_URL"

	shapeJSON, shapeSlack = "json", "slack"
	// noticesAtOnce are sent in one request.
	noticesAtOnce = 100
	// sendingLasts bounds one request.
	sendingLasts = 10 * time.Second
)

// notify sends the notices of what a job left that were not sent before. One that cannot be sent is tried again after
// the next job; the job itself is done.
func (a *app) notify(ctx context.Context, w *warehouse.Warehouse, job string) {
	if a.config.Notify.URL == "" {
		return
	}
	sent, err := a.sendNotices(ctx, w, job)
	switch {
	case err != nil:
		a.log.Error().Err(err).Int("sent", sent).Msg("notices_not_sent")
		a.note("notices were not sent: %v", err)
	case sent > 0:
		a.log.Info().Int("sent", sent).Msg("notices_sent")
	}
}

func (a *app) sendNotices(ctx context.Context, w *warehouse.Warehouse, job string) (sent int, err error) {
	all, err := a.noticesAfter(ctx, w, job)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	var kinds []string
	for _, each := range all {
		if !slices.Contains(kinds, each.Kind) {
			kinds = append(kinds, each.Kind)
		}
	}
	before, err := warehouse.Select[notice](ctx, w, "notices/sent.sql", warehouse.Params{"kinds": kinds})
	if err != nil {
		return 0, err
	}
	known := make(map[[3]string]bool, len(before))
	for _, each := range before {
		known[each.key()] = true
	}
	all = slices.DeleteFunc(all, func(n notice) bool { return known[n.key()] })
	for some := range slices.Chunk(all, noticesAtOnce) {
		if err := a.sendSome(ctx, some); err != nil {
			return sent, err
		}
		if err := a.recordNotices(ctx, w, some); err != nil {
			return sent, err
		}
		sent += len(some)
	}
	return sent, nil
}

func (a *app) recordNotices(ctx context.Context, w *warehouse.Warehouse, all []notice) error {
	var kinds, subjects, abouts []string
	for _, each := range all {
		kinds, subjects, abouts = append(kinds, each.Kind), append(subjects, each.Subject), append(abouts, each.About)
	}
	return w.Exec(ctx, "notices/record.sql", warehouse.Params{
		"kinds": kinds, "subjects": subjects, "abouts": abouts, "sent_at": a.now().UTC(),
	})
}

// webhookClient follows no redirect: what it leads to has taken nothing.
var webhookClient = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// sendSome posts notices. No error names the address, which is a secret.
func (a *app) sendSome(ctx context.Context, all []notice) error {
	body, err := noticeBody(a.config.Notify.Shape, all)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendingLasts)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.config.Notify.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("send notices: notify.url is no address")
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := webhookClient.Do(request)
	if failed, is := errors.AsType[*url.Error](err); is {
		err = failed.Err
	}
	if err != nil {
		return fmt.Errorf("send notices to notify.url: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // it is read only
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)); err != nil {
		return fmt.Errorf("send notices to notify.url: %w", err)
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("send notices to notify.url: it answers %s", response.Status)
	}
	return nil
}

// noticeBody is what a webhook takes: {"source": "creditmill", "notices": […]}, or Slack's {"text": …}.
func noticeBody(shape string, all []notice) ([]byte, error) {
	if shape != shapeSlack {
		return json.Marshal(struct {
			Source  string   `json:"source"`
			Notices []notice `json:"notices"`
		}{"creditmill", all})
	}
	lines := make([]string, 0, len(all))
	for _, each := range all {
		// These three are all that Slack gives a meaning to.
		lines = append(lines, strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(each.Text))
	}
	return json.Marshal(map[string]string{"text": strings.Join(lines, "\n")})
}
