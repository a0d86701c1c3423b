package stripefake

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// incoming is a request with its parameters taken apart.
type incoming struct {
	method, path, body, key, secret, version string
	params                                   form
}

const maxBodyBytes = 1 << 20

func readIncoming(r *http.Request) (incoming, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBodyBytes))
	if err != nil {
		return incoming{}, fmt.Errorf("read body: %w", err)
	}
	in := incoming{
		method: r.Method, path: strings.TrimSuffix(r.URL.Path, "/"), body: string(body),
		key: r.Header.Get("Idempotency-Key"), version: r.Header.Get("Stripe-Version"),
		secret: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "),
	}
	text := in.body
	if r.Method == http.MethodGet || r.Method == http.MethodDelete {
		text = r.URL.RawQuery
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return incoming{}, fmt.Errorf("read parameters: %w", err)
	}
	in.params = form(values)
	return in, nil
}

// form holds parameters under Stripe's bracket names, such as metadata[charge_id] and items[0][price].
type form url.Values

func (f form) get(name string) string { return url.Values(f).Get(name) }

func (f form) has(name string) bool { return url.Values(f).Has(name) }

// unknown returns the first parameter whose first part is in none of names.
func (f form) unknown(names string) (string, bool) {
	allowed := strings.Fields(names + " expand")
	for _, name := range slices.Sorted(maps.Keys(f)) {
		top, _, _ := strings.Cut(name, "[")
		if !slices.Contains(allowed, top) {
			return name, true
		}
	}
	return "", false
}

// object returns the entries of name[…] by their key.
func (f form) object(name string) map[string]string {
	entries := map[string]string{}
	for key := range f {
		if rest, ok := strings.CutPrefix(key, name+"["); ok {
			entries[strings.TrimSuffix(rest, "]")] = f.get(key)
		}
	}
	return entries
}

// integer reads an optional whole number.
func (f form) integer(name string) (int64, *answer) {
	if !f.has(name) || f.get(name) == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(f.get(name), 10, 64)
	if err != nil {
		out := invalidParam(name, "Invalid integer: "+f.get(name))
		return 0, &out
	}
	return n, nil
}

// metadata checks Stripe's limits: 50 keys of 40 characters, values of 500.
func (f form) metadata(name string) (map[string]string, *answer) {
	entries := f.object(name)
	refuse := func(message string) (map[string]string, *answer) {
		out := invalidParam("metadata", message)
		return nil, &out
	}
	if len(entries) > 50 {
		return refuse("You may only have up to 50 metadata keys.")
	}
	for key, value := range entries {
		if len(key) > 40 || strings.ContainsAny(key, "[]") || len(value) > 500 {
			return refuse("Metadata key " + key + " or its value is too long.")
		}
	}
	return entries, nil
}
