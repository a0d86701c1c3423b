package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/creditmill/creditmill/serve"
)

// clock is one that a test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// TestSessionsExpire: a session ends eight hours after it was last used, and a day after it began.
func TestSessionsExpire(t *testing.T) {
	c := &clock{time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)}
	all := newSessions(c.now)
	one := all.open(serve.Token{Name: "anna"}, "key", false)
	for range 3 {
		c.at = c.at.Add(7 * time.Hour)
		if all.find(one.id) == nil {
			t.Fatal("it ended while it was used")
		}
	}
	c.at = c.at.Add(4 * time.Hour)
	if all.find(one.id) != nil {
		t.Error("it goes on for more than a day")
	}
	other := all.open(serve.Token{}, "key", false)
	c.at = c.at.Add(8*time.Hour + time.Second)
	if all.find(other.id) != nil {
		t.Error("it goes on though nobody used it")
	}
}

// TestSessionsAreBounded: the one that was not used for longest makes room.
func TestSessionsAreBounded(t *testing.T) {
	c := &clock{time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)}
	all := newSessions(c.now)
	oldest := all.open(serve.Token{}, "key", false)
	c.at = c.at.Add(time.Second)
	second := all.open(serve.Token{}, "key", false)
	c.at = c.at.Add(time.Second)
	for range mostSessions {
		all.open(serve.Token{}, "key", false)
	}
	if len(all.byID) > mostSessions || all.find(oldest.id) != nil || all.find(second.id) != nil {
		t.Errorf("%d sessions", len(all.byID))
	}
}

// TestLimiter: ten wrong tokens in a quarter of an hour are enough, for that address only.
func TestLimiter(t *testing.T) {
	c := &clock{time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)}
	l := newLimiter(c.now)
	for i := range attemptsMost {
		if wait := l.wait("a"); wait != 0 {
			t.Fatalf("waits %s after %d", wait, i)
		}
		l.wrong("a")
	}
	if l.wait("a") != attemptsIn || l.wait("b") != 0 {
		t.Errorf("a waits %s, b %s", l.wait("a"), l.wait("b"))
	}
	c.at = c.at.Add(attemptsIn + time.Second)
	if l.wait("a") != 0 {
		t.Error("it waits for ever")
	}
	l.wrong("a")
	if l.wait("a") != 0 {
		t.Error("one more is too many")
	}
}

// TestTrusted: only this machine and named networks say who somebody is, whose address it is, and that TLS ends there.
func TestTrusted(t *testing.T) {
	a := &app{config: Config{UserHeader: "X-User", Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
	for _, test := range []struct{ from, forwarded, user, client string }{
		{"127.0.0.1:1", "", "anna", "127.0.0.1"},
		{"[::1]:1", "198.51.100.7", "anna", "198.51.100.7"},
		{"10.9.8.7:1", "198.51.100.7, 203.0.113.9", "anna", "203.0.113.9"},
		{"[::ffff:10.9.8.7]:1", "2001:db8::1", "anna", "2001:db8::/64"},
		{"192.0.2.1:1", "10.0.0.1", "", "192.0.2.1"},
		{"[2001:db8::2]:1", "", "", "2001:db8::/64"},
		{"nowhere", "", "", "invalid IP"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = test.from
		r.Header.Set("X-User", "anna")
		r.Header.Set("X-Forwarded-Proto", "https")
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if user := a.proxied(r); user != test.user || a.secure(r) != (test.user != "") {
			t.Errorf("%s: %q, secure %t", test.from, user, a.secure(r))
		}
		if client := a.client(r); client != test.client {
			t.Errorf("%s: %s, want %s", test.from, client, test.client)
		}
	}
}

// TestLocal: after the sign-in nobody is sent elsewhere.
func TestLocal(t *testing.T) {
	for given, want := range map[string]string{
		"/audit?x=1": "/audit?x=1", "": "/", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/",
		"/a\r\nb": "/", "/sign-in?next=/": "/", "audit": "/",
	} {
		if got := local(given); got != want {
			t.Errorf("%q: %q", given, got)
		}
	}
}

// TestVisible: what is not seen is written out, and nothing else is changed.
func TestVisible(t *testing.T) {
	for given, want := range map[string]string{
		"<b>é 漢字 🙂\n\t": "<b>é 漢字 🙂\n\t", "a\u202eb": `a\u202eb`, "\x00\x1b\u200b\u2028": `\u0000\u001b\u200b\u2028`,
		"cut \xff": "cut \ufffd",
	} {
		if got := string(visible([]byte(given))); got != want {
			t.Errorf("%q: %q", given, got)
		}
	}
}
