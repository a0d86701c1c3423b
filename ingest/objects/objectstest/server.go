// Package objectstest is an S3 server in the process of a test, with the faults of a network before it. The server is
// gofakes3, which takes any credentials and overlooks If-Match on reading; DESIGN.md of ingest says what follows.
package objectstest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Server is a running server. Its methods may be called while it is read from.
type Server struct {
	*httptest.Server
	backend *s3mem.Backend

	mutex  sync.Mutex
	faults []*Fault
	bodies int
}

// Fault is what goes wrong with the next bodies that are read.
type Fault struct {
	Times int
	// Written: with the next that are written, instead; such a fault has a Status, or is done Then.
	Written bool
	// Status is answered instead, with Code as the service's word for it.
	Status int
	Code   string
	// CutAfter ends the connection after so many bytes of the body.
	CutAfter int
	// Then is done before the fault: an object may be written.
	Then func()
}

// New starts a server with one empty bucket.
func New(bucket string) (*Server, error) {
	backend := s3mem.New()
	if err := backend.CreateBucket(bucket); err != nil {
		return nil, fmt.Errorf("make bucket: %w", err)
	}
	s := &Server{backend: backend}
	fake := gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server()
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(fake, w, r) }))
	return s, nil
}

// Put stores an object.
func (s *Server) Put(bucket, key string, data []byte) error {
	_, err := s.backend.PutObject(bucket, key, map[string]string{}, bytes.NewReader(data), int64(len(data)), nil)
	return err
}

// Delete removes an object.
func (s *Server) Delete(bucket, key string) error {
	_, err := s.backend.DeleteObject(bucket, key)
	return err
}

// Keys are the names of all objects of a bucket.
func (s *Server) Keys(bucket string) ([]string, error) {
	listed, err := s.backend.ListBucket(bucket, nil, gofakes3.ListBucketPage{})
	if err != nil {
		return nil, fmt.Errorf("list bucket: %w", err)
	}
	keys := make([]string, len(listed.Contents))
	for i, object := range listed.Contents {
		keys[i] = object.Key
	}
	return keys, nil
}

// Fail makes the next bodies go wrong.
func (s *Server) Fail(fault Fault) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.faults = append(s.faults, &fault)
}

// Bodies is how often a body was asked for.
func (s *Server) Bodies() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.bodies
}

func (s *Server) serve(fake http.Handler, w http.ResponseWriter, r *http.Request) {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if r.Method != http.MethodGet && r.Method != http.MethodPut || key == "" {
		fake.ServeHTTP(w, r)
		return
	}
	fault := s.next(r.Method == http.MethodPut)
	if fault.Then != nil {
		fault.Then()
	}
	switch {
	case fault.Status > 0:
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(fault.Status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>refused for the test</Message></Error>", fault.Code)
	case fault.CutAfter > 0:
		fake.ServeHTTP(&cutWriter{ResponseWriter: w, left: fault.CutAfter}, r)
	default:
		fake.ServeHTTP(w, r)
	}
}

// next takes one of the faults that are left.
func (s *Server) next(written bool) Fault {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !written {
		s.bodies++
	}
	for _, fault := range s.faults {
		if fault.Times > 0 && fault.Written == written {
			fault.Times--
			return *fault
		}
	}
	return Fault{}
}

// cutWriter ends the connection within the body.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (c *cutWriter) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	if _, err := c.ResponseWriter.Write(p[:c.left]); err == nil {
		http.NewResponseController(c.ResponseWriter).Flush() //nolint:errcheck // the connection ends anyway
	}
	panic(http.ErrAbortHandler)
}
