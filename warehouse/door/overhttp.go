package door

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// handOn are the only headers of ClickHouse that the engine is told: none of them says who asks.
var handOn = map[string]bool{
	"X-Clickhouse-Format": true, "X-Clickhouse-Database": true, "X-Clickhouse-Timezone": true,
}

const (
	userHeader     = "X-Clickhouse-User"
	passwordHeader = "X-Clickhouse-Key" //nolint:gosec // a name
	headersOfTheDB = "X-Clickhouse-"
)

// loginParameters are those of an address that say who asks, or as what.
var loginParameters = []string{"user", "password", "quota_key", "role"}

// proxy passes requests of the analyst on.
func (d *door) proxy() http.Handler {
	passing := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "engine"})
			r.Out.Host = r.Out.URL.Host
			d.sign(r.Out)
		},
		// A connection is of one request: one that is kept may be to an engine that has ended.
		Transport: &http.Transport{
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d.config.HTTP(ctx) },
			DisableKeepAlives: true,
		},
		FlushInterval: -1, // progress and rows go on as they come
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			refuse(w, http.StatusServiceUnavailable, codeNetwork, "the engine does not answer; try again in a moment")
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Before an answer that has not read the body, net/http reads on to its end: not for longer than a login may take.
		_ = http.NewResponseController(w).SetReadDeadline(d.config.Wall().Add(slowestLogin))
		switch {
		case r.URL.Path != "/" && r.URL.Path != "/ping":
			http.NotFound(w, r)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodPost && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD, POST")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		case r.URL.Path == "/ping" && r.URL.RawQuery == "" && r.Method != http.MethodPost:
			_, _ = io.WriteString(w, "Ok.\n") // the door is open; whoever asks may be gone
			return
		}
		user, password := loginOf(r)
		if !d.lets(user, password) {
			d.config.Refused(remoteOf(r), user)
			w.Header().Set("WWW-Authenticate", `Basic realm="creditmill analyst"`)
			refuse(w, http.StatusUnauthorized, codeWrongLogin, refusedText(user))
			return
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		passing.ServeHTTP(w, r)
	})
}

// loginOf is the login of a request: by its headers, by HTTP's own way, or in its address, in this order. A request
// that gives several is none of the analyst unless the first is.
func loginOf(r *http.Request) (user, password string) {
	if user := r.Header.Get(userHeader); user != "" {
		return user, r.Header.Get(passwordHeader)
	}
	if user, password, given := r.BasicAuth(); given {
		return user, password
	}
	query := r.URL.Query()
	return query.Get("user"), query.Get("password")
}

// sign takes from a request whatever says who asks, and signs it with the analyst's login.
func (d *door) sign(r *http.Request) {
	for name := range r.Header {
		if strings.HasPrefix(name, headersOfTheDB) && !handOn[name] {
			r.Header.Del(name)
		}
	}
	for _, name := range []string{"Authorization", "Cookie", "Origin", "Forwarded"} {
		r.Header.Del(name)
	}
	query := r.URL.Query()
	for _, name := range loginParameters {
		query.Del(name)
	}
	r.URL.RawQuery = query.Encode()
	r.Header.Set(userHeader, d.config.User)
	r.Header.Set(passwordHeader, d.config.Password)
}

// remoteOf is where a request comes from, as the connection has it.
func remoteOf(r *http.Request) net.Addr {
	address, err := net.ResolveTCPAddr("tcp", r.RemoteAddr)
	if err != nil {
		return &net.TCPAddr{}
	}
	return address
}

// refuse answers an error as ClickHouse does.
func refuse(w http.ResponseWriter, status int, code int32, text string) {
	w.Header().Set("X-Clickhouse-Exception-Code", strconv.Itoa(int(code)))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "Code: "+strconv.Itoa(int(code))+". DB::Exception: "+text+"\n") // whoever asks may be gone
}
