package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/creditmill/creditmill/serve"
)

// view is one request for a page.
type view struct {
	app     *app
	w       http.ResponseWriter
	r       *http.Request
	session *session
	page    page
}

// problem is why the API refused.
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Error is the detail.
func (p *problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// ask asks the API as who reads the page, and reads its JSON into a value where one is given.
func (v *view) ask(method, target string, body, into any) (serve.Answer, error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return serve.Answer{}, err
		}
		sent = bytes.NewReader(text)
	}
	answer := v.app.api.Ask(v.w, v.r, v.session.token, method, target, sent)
	if answer.Status >= http.StatusMultipleChoices {
		refused := &problem{Status: answer.Status, Title: http.StatusText(answer.Status)}
		// What is no problem document, such as a redirect to a cleaner path, has the status alone.
		_ = json.Unmarshal(answer.Body, refused)
		return answer, refused
	}
	if into == nil {
		return answer, nil
	}
	return answer, json.Unmarshal(answer.Body, into)
}

// read is ask for a page that cannot be without the answer: where there is none, it says why and returns false.
func (v *view) read(target string, into any) bool {
	_, err := v.ask(http.MethodGet, target, nil, into)
	if err != nil {
		v.failed(err)
		return false
	}
	return true
}

// failed answers a page that says why there is none.
func (v *view) failed(err error) {
	status := http.StatusInternalServerError
	if refused := (*problem)(nil); errors.As(err, &refused) && refused.Status >= http.StatusBadRequest {
		status = refused.Status
	}
	v.app.fail(v.w, v.r, v.session, status, sentence(err.Error()))
}

// may tells whether the reader may call an endpoint.
func (v *view) may(method, path string) bool { return serve.May(v.session.token.Role, method, path) }

// genuine checks a form's token: without it the form is not of this app.
func (v *view) genuine(token string) bool {
	if same(token, v.session.csrf) {
		return true
	}
	v.app.fail(v.w, v.r, v.session, http.StatusForbidden,
		"This form is not from a page of your session, so nothing was done. Go back, reload the page and send it again.")
	return false
}

// act does what a form asks for, and returns to a page that says what came of it.
func (v *view) act(method, target string, body any, back string, done func(serve.Answer) notice) {
	answer, err := v.ask(method, target, body, nil)
	switch partial := answer.Header.Get("Creditmill-Partial"); {
	case err != nil:
		v.session.tell(notice{Text: sentence(err.Error()), Bad: true})
	case partial != "":
		v.session.tell(notice{Text: strings.TrimSpace(done(answer).Text + " " + sentence(partial)), Bad: true})
	default:
		v.session.tell(done(answer))
	}
	http.Redirect(v.w, v.r, local(back), http.StatusSeeOther)
}

// sentence is an error's text as one.
func sentence(text string) string {
	if text == "" {
		return text
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// query encodes pairs of names and values; those without a value are left out.
func query(pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	return values.Encode()
}

// address is a path with ids in the places of its parts, and a query.
func address(path string, pairs ...string) string {
	if encoded := query(pairs...); encoded != "" {
		return path + "?" + encoded
	}
	return path
}

// addressWith is a path with a query of values, of which pairs set some otherwise.
func addressWith(path string, values map[string]string, pairs []string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	var list []string
	for name, value := range values {
		list = append(list, name, value)
	}
	return address(path, list...)
}

// segment is an id as a part of a path. A browser takes dots alone for folders even where they are encoded.
func segment(id string) string { return url.PathEscape(id) }
