package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/creditmill/creditmill/serve"
)

const (
	sessionCookie = "creditmill_session"
	csrfField     = "csrf"
	// sessionLasts is how long a session lasts that nobody uses, sessionLongest how long any does.
	sessionLasts   = 8 * time.Hour
	sessionLongest = 24 * time.Hour
	// mostSessions bounds the memory of sessions: the one that was not used for longest makes room.
	mostSessions = 10_000
)

// session is somebody who is signed in. It lives in memory: a restart ends it.
type session struct {
	id, key, csrf string
	token         serve.Token
	proxied       bool
	made, used    time.Time
	mu            sync.Mutex
	// notice is shown once, on the next page.
	notice notice
}

// notice tells what an action did.
type notice struct {
	Text string
	Bad  bool
}

func (s *session) tell(n notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notice = n
}

func (s *session) told() notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.notice
	s.notice = notice{}
	return n
}

// sessions are those that are open.
type sessions struct {
	now  func() time.Time
	mu   sync.Mutex
	byID map[string]*session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, byID: map[string]*session{}}
}

func (s *sessions) open(token serve.Token, key string, proxied bool) *session {
	now := s.now()
	one := &session{id: random(), key: key, csrf: random(), token: token, proxied: proxied, made: now, used: now}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byID) >= mostSessions {
		s.sweep(now)
	}
	s.byID[one.id] = one
	return one
}

// sweep ends what has expired, or else the session that was not used for longest.
func (s *sessions) sweep(now time.Time) {
	var oldest *session
	for id, one := range s.byID {
		if one.expired(now) {
			delete(s.byID, id)
		} else if oldest == nil || one.used.Before(oldest.used) {
			oldest = one
		}
	}
	if oldest != nil && len(s.byID) >= mostSessions {
		delete(s.byID, oldest.id)
	}
}

func (s *session) expired(now time.Time) bool {
	return now.Sub(s.used) > sessionLasts || now.Sub(s.made) > sessionLongest
}

func (s *sessions) find(id string) *session {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.byID[id]
	if one == nil {
		return nil
	}
	if one.expired(now) {
		delete(s.byID, id)
		return nil
	}
	one.used = now
	return one
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

func random() string {
	var bytes [32]byte
	_, _ = rand.Read(bytes[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(bytes[:])
}

// session finds who asks: nil for nobody. A token that was revoked or has expired ends its sessions.
func (a *app) session(w http.ResponseWriter, r *http.Request) (*session, error) {
	var one *session
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		one = a.sessions.find(cookie.Value)
	}
	user := a.proxied(r)
	if one != nil && (one.proxied && one.token.Name != user || !one.proxied && user != "" && one.token.Name != user) {
		a.sessions.end(one.id)
		one = nil
	}
	if one != nil {
		token, found, err := a.api.Still(r.Context(), one.key)
		if err != nil || found && token.Role == one.token.Role {
			return one, err
		}
		a.sessions.end(one.id)
	}
	if user == "" {
		return nil, nil
	}
	token, key, found, err := a.api.Named(r.Context(), user)
	if err != nil || !found {
		return nil, err
	}
	return a.begin(w, r, token, key, true), nil
}

// begin opens a session and gives the browser its cookie.
func (a *app) begin(w http.ResponseWriter, r *http.Request, token serve.Token, key string, proxied bool) *session {
	one := a.sessions.open(token, key, proxied)
	http.SetCookie(w, a.cookie(r, sessionCookie, one.id, int(sessionLongest/time.Second)))
	a.config.Log.Info().Str("name", token.Name).Str("role", token.Role).Bool("proxied", proxied).Msg("signed_in")
	return one
}

// cookie is one that no script reads and no other site sends.
func (a *app) cookie(r *http.Request, name, value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: a.secure(r),
		SameSite: http.SameSiteStrictMode,
	}
}

// proxied is whom a proxy names; empty where there is none, or where it is not trusted.
func (a *app) proxied(r *http.Request) string {
	if a.config.UserHeader == "" || !a.trusted(r) {
		return ""
	}
	return r.Header.Get(a.config.UserHeader)
}

// trusted tells whether a request comes from this machine or from a proxy that is named.
func (a *app) trusted(r *http.Request) bool {
	from := peer(r)
	if from.IsLoopback() {
		return true
	}
	for _, network := range a.config.Trusted {
		if network.Contains(from) {
			return true
		}
	}
	return false
}

// peer is the address at the other end of the connection; the zero address where it has none.
func peer(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap()
}

// client is whose sign-in attempts are counted: the peer, or the last one that a trusted proxy was asked by.
func (a *app) client(r *http.Request) string {
	from := peer(r)
	if a.trusted(r) {
		list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		if last, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])); err == nil {
			from = last.Unmap()
		}
	}
	if from.Is6() { // whoever has one address of a network has all of them
		if network, err := from.Prefix(64); err == nil {
			return network.String()
		}
	}
	return from.String()
}

// secure tells whether the browser's connection is encrypted.
func (a *app) secure(r *http.Request) bool {
	return r.TLS != nil || a.trusted(r) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
