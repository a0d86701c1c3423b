package web

import (
	"context"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"github.com/creditmill/creditmill/schemas"
	"github.com/creditmill/creditmill/serve"
)

//go:embed assets
var assets embed.FS

// Config is what the pages are made with. Without UserHeader people sign in with a token; the rest is required.
type Config struct {
	// UserHeader is the header in which a proxy names who is signed in: the name of a token, whose role counts. Only
	// from loopback and Trusted it is believed. Empty: none is.
	UserHeader string
	// Trusted are the networks of proxies.
	Trusted []netip.Prefix
	// Catalog is the price book in force.
	Catalog func() (*schemas.Catalog, error)
	// Account says whose Stripe account charges go to, and whether they are real money; known is false without a key.
	Account func(context.Context) (account string, live, known bool)
	// Sources are the ids that an upload can name, the default first.
	Sources []string
	// Now is the clock of figures, Wall that of sessions; they differ in tests.
	Now, Wall func() time.Time
	Log       zerolog.Logger
}

// app is the web app.
type app struct {
	config   Config
	api      *serve.Server
	sessions *sessions
	limiter  *limiter
	plans    *plans

	templates map[string]*template.Template // of the pages, by name
}

// Mount adds the pages to a server.
func Mount(server *serve.Server, config Config) {
	a := &app{
		config: config, api: server, sessions: newSessions(config.Wall), limiter: newLimiter(config.Wall), plans: &plans{},
		templates: parsed(templateNames), // here, for every command is this program, and only serve has pages
	}
	files, err := fs.Sub(assets, "assets")
	if err != nil {
		panic("web: " + err.Error()) // the folder is embedded
	}
	server.Handle("GET /assets/", http.StripPrefix("/assets/", a.framed(cached(http.FileServerFS(files)))))
	server.Handle("GET /sign-in", a.framed(http.HandlerFunc(a.showSignIn)))
	server.Handle("POST /sign-in", a.framed(a.limited(http.HandlerFunc(a.signIn))))
	server.Handle("POST /sign-out", a.framed(a.limited(http.HandlerFunc(a.signOut))))
	for _, page := range pages() {
		server.Handle(page.Method+" "+page.Path, a.framed(a.guarded(page)))
	}
}

const (
	// formMost bounds a form, of which a proposed catalog is the largest.
	formMost = 4 << 20
	// slowest is how long a form may take to come in.
	slowest = 30 * time.Second
)

// framed gives every answer the headers by which a browser runs and loads nothing but what is embedded here.
func (a *app) framed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; "+
			"frame-ancestors 'none'; object-src 'none'")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		if a.secure(r) {
			header.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// cached lets a browser keep what is embedded for a while.
func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=300")
		next.ServeHTTP(w, r)
	})
}

// limited bounds the size of a form and how long it may take.
func (a *app) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, formMost)
		// A server of a test has no deadlines.
		_ = http.NewResponseController(w).SetReadDeadline(a.config.Wall().Add(slowest))
		next.ServeHTTP(w, r)
	})
}

// guarded lets those see a page who are signed in and whose role may.
func (a *app) guarded(page page) http.Handler {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := a.session(w, r)
		switch {
		case err != nil:
			a.fail(w, r, nil, http.StatusServiceUnavailable, "The tokens cannot be read now. Try again in a moment.")
			return
		case session == nil:
			a.toSignIn(w, r)
			return
		case !page.open(session.token.Role):
			a.fail(w, r, session, http.StatusForbidden, "The role "+session.token.Role+" may not see or do this.")
			return
		}
		view := &view{app: a, w: w, r: r, session: session, page: page}
		if page.Method == http.MethodPost && !page.upload && !view.genuine(r.PostFormValue(csrfField)) {
			return
		}
		page.show(view)
	})
	if page.Method == http.MethodPost && !page.upload {
		return a.limited(handler)
	}
	return handler
}
