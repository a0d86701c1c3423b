package web

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// nonceCookie is the half of the sign-in form's token that the browser keeps: nobody has a session yet.
	nonceCookie = "creditmill_sign_in"
	// attemptsMost are how many wrong tokens an address may try in attemptsIn.
	attemptsMost = 10
	attemptsIn   = 15 * time.Minute
	// addressesMost bounds how many addresses are remembered.
	addressesMost = 100_000
)

// limiter counts wrong tokens by address.
type limiter struct {
	now       func() time.Time
	mu        sync.Mutex
	byAddress map[string]*attempts
}

type attempts struct {
	count int
	until time.Time
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, byAddress: map[string]*attempts{}}
}

// wait is how long an address has to wait; 0: it need not.
func (l *limiter) wait(address string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.byAddress[address]
	if one == nil || one.count < attemptsMost {
		return 0
	}
	return max(one.until.Sub(l.now()), 0)
}

// wrong counts a wrong token.
func (l *limiter) wrong(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if len(l.byAddress) >= addressesMost {
		for other, one := range l.byAddress {
			if now.After(one.until) {
				delete(l.byAddress, other)
			}
		}
	}
	one := l.byAddress[address]
	if one == nil || now.After(one.until) {
		if one == nil && len(l.byAddress) >= addressesMost {
			return
		}
		one = &attempts{until: now.Add(attemptsIn)}
		l.byAddress[address] = one
	}
	one.count++
}

// signInPage is what the form shows.
type signInPage struct {
	Next, CSRF, Problem string
	Proxied             bool
}

func (a *app) showSignIn(w http.ResponseWriter, r *http.Request) {
	if session, err := a.session(w, r); err == nil && session != nil {
		http.Redirect(w, r, local(r.URL.Query().Get("next")), http.StatusSeeOther)
		return
	}
	a.signInForm(w, r, http.StatusOK, r.URL.Query().Get("next"), "")
}

func (a *app) signInForm(w http.ResponseWriter, r *http.Request, status int, next, problem string) {
	nonce := random()
	http.SetCookie(w, a.cookie(r, nonceCookie, nonce, int(time.Hour/time.Second)))
	a.write(w, status, "sign-in", frame{Title: "Sign in", Content: signInPage{
		Next: local(next), CSRF: nonce, Problem: problem, Proxied: a.proxied(r) != "",
	}})
}

// toSignIn sends who is not signed in to the form, and back to the page after it.
func (a *app) toSignIn(w http.ResponseWriter, r *http.Request) {
	target := "/sign-in"
	if r.Method == http.MethodGet {
		target += "?" + query("next", r.URL.RequestURI())
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	next := r.PostFormValue("next")
	nonce, err := r.Cookie(nonceCookie)
	if err != nil || !same(nonce.Value, r.PostFormValue(csrfField)) {
		a.signInForm(w, r, http.StatusForbidden, next, "The form was too old, or cookies are blocked. Try again.")
		return
	}
	address := a.client(r)
	if wait := a.limiter.wait(address); wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(wait/time.Second)+1))
		a.signInForm(w, r, http.StatusTooManyRequests, next, fmt.Sprintf("%d wrong tokens came from your address. "+
			"Try again in %d minutes.", attemptsMost, int((wait+time.Minute-1)/time.Minute)))
		return
	}
	token, key, found, err := a.api.Holder(r.Context(), strings.TrimSpace(r.PostFormValue("token")))
	if err != nil {
		a.signInForm(w, r, http.StatusServiceUnavailable, next, "The tokens cannot be read now. Try again in a moment.")
		return
	}
	if !found {
		a.limiter.wrong(address)
		a.config.Log.Warn().Str("address", address).Msg("sign_in_refused")
		a.signInForm(w, r, http.StatusUnauthorized, next, "No valid token reads like this. It may be revoked or expired.")
		return
	}
	a.begin(w, r, token, key, false)
	http.Redirect(w, r, local(next), http.StatusSeeOther)
}

func (a *app) signOut(w http.ResponseWriter, r *http.Request) {
	session, err := a.session(w, r)
	if err == nil && session != nil && same(session.csrf, r.PostFormValue(csrfField)) {
		a.sessions.end(session.id)
		http.SetCookie(w, a.cookie(r, sessionCookie, "", -1))
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

// local is an address of this app; that of the first page where a link leads elsewhere.
func local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") ||
		strings.HasPrefix(next, "/sign-in") {
		return "/"
	}
	return next
}
