package main

import (
	"net/http"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/creditmill/creditmill/ingest/objects/objectstest"
)

type objectsKey struct{}

// scriptObjects is the object storage of a script, with one bucket, logs:
//
//	objects start           starts it and points the vendor's variables of the environment at it
//	objects put KEY FILE    stores a file
//	objects cut BYTES       the next body ends after so many bytes
//	objects busy COUNT      so many bodies are refused with 503
//	objects expired         every body is refused: the credentials have expired
func scriptObjects(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: objects start|put|cut|busy|expired [ARG...]")
	}
	if args[0] == "start" {
		server, err := objectstest.New("logs")
		ts.Check(err)
		ts.Defer(server.Close)
		*ts.Value(objectsKey{}).(**objectstest.Server) = server
		ts.Setenv("AWS_ENDPOINT_URL", server.URL)
		ts.Setenv("AWS_ACCESS_KEY_ID", "AKIDSCRIPT")
		ts.Setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
		return
	}
	server := *ts.Value(objectsKey{}).(**objectstest.Server)
	switch args[0] {
	case "put":
		ts.Check(server.Put("logs", args[1], []byte(ts.ReadFile(args[2]))))
	case "cut", "busy":
		number, err := strconv.Atoi(args[1])
		ts.Check(err)
		fault := objectstest.Fault{Times: 1, CutAfter: number}
		if args[0] == "busy" {
			fault = objectstest.Fault{Times: number, Status: http.StatusServiceUnavailable, Code: "SlowDown"}
		}
		server.Fail(fault)
	case "expired":
		server.Fail(objectstest.Fault{Times: 1 << 20, Status: http.StatusBadRequest, Code: "ExpiredToken"})
	default:
		ts.Fatalf("objects %s: unknown", args[0])
	}
}
