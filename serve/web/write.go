package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"github.com/creditmill/creditmill/money"
)

//go:embed templates
var templateFiles embed.FS

// templateNames are the pages; each is shown within the frame.
var templateNames = []string{
	"sign-in", "failed", "overview", "invoices", "customers", "customer", "charge", "loads", "load", "margin", "prices",
	"reconcile", "audit",
}

// parsed are the pages by name, each within the frame.
func parsed(names []string) map[string]*template.Template {
	frame := template.Must(template.New("frame").Funcs(functions).ParseFS(templateFiles,
		"templates/frame.html", "templates/parts.html"))
	byName := map[string]*template.Template{}
	for _, name := range names {
		byName[name] = template.Must(template.Must(frame.Clone()).ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return byName
}

var functions = template.FuncMap{
	"money": func(minor int64, code string) string { return money.Displayed(code).Format(minor) },
	"signed": func(minor int64, code string) string {
		if minor > 0 {
			return "+" + money.Displayed(code).Format(minor)
		}
		return money.Displayed(code).Format(minor)
	},
	"figure":  figure,
	"grouped": func(n any) string { return money.GroupDigits(fmt.Sprint(n)) },
	"day":     func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
	"instant": func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"clock":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	"short":   func(id string) string { return id[:min(len(id), 12)] },
	"segment": segment,
	"plural":  plural,
	"plural64": func(n uint64, noun string) string {
		if n == 1 {
			return "1 " + noun
		}
		return money.GroupDigits(strconv.FormatUint(n, 10)) + " " + noun + "s"
	},
	"size":  size,
	"words": func(text string) string { return strings.ToLower(strings.ReplaceAll(text, "_", " ")) },
}

// figure groups the digits of a decimal text; what is none stays as it is, and a missing one is not known.
func figure(value any) string {
	text := ""
	switch value := value.(type) {
	case nil:
		return "unknown"
	case string:
		text = value
	case *string:
		if value == nil {
			return "unlimited"
		}
		text = *value
	case *decimal.Decimal:
		if value == nil {
			return "unknown"
		}
		text = value.String()
	default:
		text = fmt.Sprint(value)
	}
	number, err := decimal.NewFromString(text)
	if err != nil || strings.ContainsAny(text, "eE") {
		return text
	}
	return money.Grouped(number)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return money.GroupDigits(strconv.Itoa(n)) + " " + noun + "s"
}

func itoa(n int) string { return strconv.Itoa(n) }

func size(bytes uint64) string {
	switch {
	case bytes < 1<<10:
		return fmt.Sprintf("%d B", bytes)
	case bytes < 1<<20:
		return fmt.Sprintf("%d KiB", bytes>>10)
	case bytes < 1<<30:
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d GiB", bytes>>30)
}

// frame is what every page has.
type frame struct {
	Title string
	// Active is the address of the page in the menu.
	Active             string
	Menu               []page
	User, Role, CSRF   string
	Proxied            bool
	Account            string
	Live, AccountKnown bool
	Notice             notice
	Content            any
}

// answer writes the page's template.
func (v *view) answer(status int, title string, content any) {
	v.app.render(v, status, v.template(), title, content)
}

// template is named after the first part of the path, in the singular for one of a list.
func (v *view) template() string {
	name := strings.SplitN(strings.TrimPrefix(v.page.Path, "/"), "/", 2)
	switch {
	case name[0] == "{$}":
		return "overview"
	case len(name) == 2:
		return strings.TrimSuffix(name[0], "s")
	}
	return name[0]
}

// render writes a page for somebody who is signed in.
func (a *app) render(v *view, status int, name, title string, content any) {
	account, live, known := a.config.Account(v.r.Context())
	a.write(v.w, status, name, frame{
		Title: title, Active: "/" + strings.SplitN(strings.Trim(v.page.Path, "/{$}"), "/", 2)[0],
		Menu: menu(v.session.token.Role), User: v.session.token.Name, Role: v.session.token.Role, CSRF: v.session.csrf,
		Proxied: v.session.proxied, Account: account, Live: live, AccountKnown: known, Notice: v.session.told(),
		Content: content,
	})
}

// failure is why a page cannot be shown.
type failure struct {
	Status       int
	Reason, Home string
}

// fail answers a page that says what is wrong.
func (a *app) fail(w http.ResponseWriter, r *http.Request, session *session, status int, reason string) {
	content := failure{Status: status, Reason: reason}
	if session == nil {
		a.write(w, status, "failed", frame{Title: http.StatusText(status), Content: content})
		return
	}
	content.Home = home(session.token.Role)
	a.render(&view{app: a, w: w, r: r, session: session}, status, "failed", http.StatusText(status), content)
}

// write writes a page once it is whole.
func (a *app) write(w http.ResponseWriter, status int, name string, content frame) {
	var page bytes.Buffer
	if err := a.templates[name].ExecuteTemplate(&page, "frame", content); err != nil {
		a.config.Log.Error().Err(err).Str("page", name).Msg("page_failed")
		http.Error(w, "The page cannot be written. The log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(visible(page.Bytes())) // whoever asked may be gone
}

// visible writes out what would not be seen, or would turn the direction of what stands around it: control characters,
// marks of direction, and characters of no width. html/template has taken care of markup.
func visible(page []byte) []byte {
	if bytes.IndexFunc(page, hidden) < 0 && utf8.Valid(page) {
		return page
	}
	shown := make([]byte, 0, len(page)+64)
	for _, r := range string(page) {
		if hidden(r) {
			shown = fmt.Appendf(shown, `\u%04x`, r)
			continue
		}
		shown = utf8.AppendRune(shown, r)
	}
	return shown
}

func hidden(r rune) bool {
	return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
