package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// command answers with the JSON of a command. A word in braces of its arguments is a part of the path, a parameter or a
// field of the body; a flag whose value is not given is left out.
func command(args ...string) func(*Server, http.ResponseWriter, *http.Request, call) {
	return func(s *Server, w http.ResponseWriter, r *http.Request, by call) {
		given, err := s.values(r, by)
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		s.run(w, r, filled(args, given))
	}
}

// writing is command for those that change something: one at a time.
func writing(args ...string) func(*Server, http.ResponseWriter, *http.Request, call) {
	read := command(args...)
	return func(s *Server, w http.ResponseWriter, r *http.Request, by call) {
		release, err := s.config.Exclusive(r.Context())
		if err != nil {
			refuse(w, http.StatusServiceUnavailable, "another request or job writes")
			return
		}
		defer release()
		defer s.written.Add(1)
		read(s, w, r, by)
	}
}

// posting is writing for those that send charges: what was accepted is loaded before.
func posting(args ...string) func(*Server, http.ResponseWriter, *http.Request, call) {
	send := writing(args...)
	return func(s *Server, w http.ResponseWriter, r *http.Request, by call) {
		if _, err := s.config.Spool.Flush(r.Context()); err != nil {
			refuse(w, http.StatusServiceUnavailable, "rows that were accepted cannot be loaded: "+err.Error())
			return
		}
		send(s, w, r, by)
	}
}

// oneOf answers the object of a command's list whose field is the path's id.
func oneOf(field string, args ...string) func(*Server, http.ResponseWriter, *http.Request, call) {
	return func(s *Server, w http.ResponseWriter, r *http.Request, _ call) {
		result := s.config.Commands.Run(r.Context(), args...)
		var list []map[string]json.RawMessage
		if status := result.status(); status != http.StatusOK {
			refuse(w, status, result.Message)
			return
		}
		if err := json.Unmarshal(result.JSON, &list); err != nil {
			refuse(w, http.StatusInternalServerError, "the list cannot be read")
			return
		}
		for _, one := range list {
			var id string
			if err := json.Unmarshal(one[field], &id); err == nil && id == r.PathValue("id") {
				answer(w, http.StatusOK, one)
				return
			}
		}
		refuse(w, http.StatusNotFound, "there is no such "+strings.TrimSuffix(field, "_id"))
	}
}

// run runs a command and answers its output.
func (s *Server) run(w http.ResponseWriter, r *http.Request, args []string) {
	s.conclude(w, s.config.Commands.Run(r.Context(), args...))
}

// partialHeader says what a command left out, such as rejected rows or held charges.
const partialHeader = "Creditmill-Partial"

func (s *Server) conclude(w http.ResponseWriter, result Result) {
	status := result.status()
	if status != http.StatusOK {
		refuse(w, status, result.Message)
		return
	}
	if result.Code != 0 {
		w.Header().Set(partialHeader, strings.Map(printable, result.Message))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(result.JSON) // whoever asked may be gone
}

// printable keeps a header on its line.
func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return ' '
	}
	return r
}

// statusOf translates exit codes.
func statusOf(code int) int {
	switch code {
	case 0, 3:
		return http.StatusOK
	case 2:
		return http.StatusBadRequest
	case 10, 11, 130:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// values are what a request gives: its path, its parameters, and the fields of its body.
func (s *Server) values(r *http.Request, by call) (map[string]string, error) {
	given, err := parameters(r, by.route)
	if err != nil {
		return nil, err
	}
	given["caller"] = by.caller.Name
	if by.route.now && given["at"] == "" {
		given["at"] = s.config.Now().UTC().Format(time.RFC3339Nano)
	}
	if s.config.Live {
		given["live"] = "true"
	}
	route := by.route
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, tooLarge(err)
	}
	if len(bytes.TrimSpace(body)) > 0 {
		if err := readFields(body, route.Body, given); err != nil {
			return nil, err
		}
	}
	for _, field := range slices.Concat(route.Query, route.Body) {
		if field.Required && given[field.Name] == "" {
			return nil, fmt.Errorf("%s is missing; this takes %s", field.Name, namesOf(slices.Concat(route.Query, route.Body)))
		}
	}
	if inner, found := given["id"]; found { // a field of the body; the path has one, too
		given["id_of_grant"] = inner
	}
	for _, name := range []string{"id", "sha"} {
		if part := r.PathValue(name); part != "" {
			given[name] = part
		}
	}
	return given, nil
}

// parameters are those of a request's query.
func parameters(r *http.Request, route Route) (map[string]string, error) {
	given := map[string]string{}
	for name, list := range r.URL.Query() {
		known := slices.ContainsFunc(route.Query, func(field Field) bool { return field.Name == name })
		if !known || len(list) != 1 {
			return nil, fmt.Errorf("unknown or repeated parameter %q; this takes %s", name, namesOf(route.Query))
		}
		given[name] = list[0]
	}
	return given, nil
}

func isLarge(err error) bool {
	var large *http.MaxBytesError
	return errors.As(err, &large)
}

// tooLarge says why a body could not be read.
func tooLarge(err error) error {
	if isLarge(err) {
		return fmt.Errorf("the body is larger than %d MiB", bodyMost>>20)
	}
	return errors.New("the body was cut short")
}

// readFields reads the fields of a JSON object. Numbers keep their digits.
func readFields(body []byte, fields []Field, given map[string]string) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return errors.New("the body is not a JSON object")
	}
	for name, raw := range object {
		i := slices.IndexFunc(fields, func(field Field) bool { return field.Name == name })
		if i < 0 {
			return fmt.Errorf("unknown field %q; this takes %s", name, namesOf(fields))
		}
		value := strings.TrimSpace(string(raw))
		text := ""
		isText := json.Unmarshal(raw, &text) == nil
		switch {
		case value == "null":
			continue
		case fields[i].Type == "boolean" && (value == "true" || value == "false"),
			fields[i].Type == "number" && !isText && json.Valid(raw) && strings.ContainsRune("-0123456789", rune(value[0])):
			given[name] = value
		case fields[i].Type == "string" && isText, fields[i].Type == "number" && isText:
			given[name] = text
		default:
			return fmt.Errorf("%s must be a %s", name, fields[i].Type)
		}
	}
	return nil
}

func namesOf(fields []Field) string {
	if len(fields) == 0 {
		return "none"
	}
	var names []string
	for _, field := range fields {
		names = append(names, field.Name)
	}
	return strings.Join(names, ", ")
}

// filled puts values in their places.
func filled(args []string, given map[string]string) []string {
	var full []string
	for _, arg := range args {
		before, name, found := strings.Cut(strings.TrimSuffix(arg, "}"), "{")
		switch value := given[name]; {
		case !found:
			full = append(full, arg)
		case value == "" && strings.HasPrefix(before, "--"):
		default:
			full = append(full, before+value)
		}
	}
	return full
}

// entitled answers whether a customer may use more.
func entitled(s *Server, w http.ResponseWriter, r *http.Request, by call) {
	given, err := s.values(r, by)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	result, fromMemory := s.config.Commands.Entitled(r.Context(), Asked{
		Customer: given["customer_id"], Feature: given["feature"], Required: given["required"], Pool: given["pool"],
	})
	s.metrics.entitled(fromMemory)
	s.conclude(w, result)
}

// hooked is what became of an event of Stripe, for people.
type hooked struct {
	Detail string `json:"detail"`
}

// health is alive or ready.
type health struct {
	Status string `json:"status"`
}

// webhook hands an event of Stripe on.
func webhook(s *Server, w http.ResponseWriter, r *http.Request, _ call) {
	if s.config.Webhook == nil {
		refuse(w, http.StatusNotFound, "no webhook secret is configured: set CREDITMILL_STRIPE_WEBHOOK_SECRET")
		return
	}
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, http.StatusBadRequest, tooLarge(err).Error())
		return
	}
	status, detail := s.config.Webhook(r.Context(), payload, r.Header.Get("Stripe-Signature"))
	if status >= http.StatusBadRequest {
		refuse(w, status, detail)
		return
	}
	answer(w, status, hooked{detail})
}

func healthy(_ *Server, w http.ResponseWriter, _ *http.Request, _ call) {
	answer(w, http.StatusOK, health{"alive"})
}

func ready(s *Server, w http.ResponseWriter, r *http.Request, _ call) {
	ctx, cancel := context.WithTimeout(r.Context(), slowest)
	defer cancel()
	if _, _, err := s.keys.find(ctx, ""); err != nil {
		refuse(w, http.StatusServiceUnavailable, "the warehouse does not answer")
		return
	}
	answer(w, http.StatusOK, health{"ready"})
}
