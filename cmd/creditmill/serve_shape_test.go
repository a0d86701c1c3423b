package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/creditmill/creditmill/serve"
)

// describedAPI validates answers by /openapi.json.
var describedAPI = sync.OnceValues(func() (validator.Validator, error) {
	description, err := serve.Description(answers)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(description)
	if err != nil {
		return nil, err
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	made, mistakes := validator.NewValidator(document)
	if len(mistakes) > 0 {
		return nil, mistakes[0]
	}
	return made, nil
})

// wantShape wants the JSON of the API's answer to have the shape that its description says.
func wantShape(t testing.TB, request *http.Request, got answered) {
	t.Helper()
	if kind := got.header.Get("Content-Type"); !strings.HasPrefix(request.URL.Path, "/v1/") || kind != "application/json" {
		return
	}
	described, err := describedAPI()
	if err != nil {
		t.Fatal(err)
	}
	_, mistakes := described.ValidateHttpResponse(request, &http.Response{
		StatusCode: got.status, Header: got.header, Body: io.NopCloser(bytes.NewReader([]byte(got.body))), Request: request,
	})
	for _, mistake := range mistakes {
		var details []string
		for _, detail := range mistake.SchemaValidationErrors {
			details = append(details, detail.KeywordLocation+": "+detail.Reason)
		}
		t.Errorf("%s %s is not as described: %s\n%s\n%s", request.Method, request.URL.Path, mistake.Reason,
			strings.Join(details, "\n"), got.body)
	}
}
