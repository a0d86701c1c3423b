package serve

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// uploadsFolder holds uploads until they are whole, beside the segments of the spool.
const uploadsFolder = "uploads"

// upload loads a log. It is on disk before its turn to write comes, so that a slow client keeps nobody waiting, and one
// that goes away leaves nothing.
func upload(s *Server, w http.ResponseWriter, r *http.Request, by call) {
	given, err := parameters(r, by.route)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	name := given["name"]
	if name == "" || strings.ContainsAny(name, "/\\") {
		refuse(w, http.StatusBadRequest, "give name=, a file name without folders, such as 2026-10.jsonl.gz")
		return
	}
	file, err := s.receive(w, r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error()+"; nothing of it was loaded")
		return
	}
	defer func() { _ = errors.Join(file.Close(), os.Remove(file.Name())) }() // the next start removes what is left
	release, err := s.config.Exclusive(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "another request or job writes")
		return
	}
	defer release()
	defer s.written.Add(1)
	s.conclude(w, s.config.Commands.Load(r.Context(), name, given["source"], file))
}

// receive writes the body to a file. A client may take as long as it likes, but not pause for longer than slowest.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (*os.File, error) {
	folder := filepath.Join(s.config.Spool.config.Directory, uploadsFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of uploads: %w", err)
	}
	file, err := os.CreateTemp(folder, "*.part")
	if err != nil {
		return nil, fmt.Errorf("make file of upload: %w", err)
	}
	body := pausing{body: r.Body, next: func() {
		// A server of a test has no deadlines.
		_ = http.NewResponseController(w).SetReadDeadline(s.config.Wall().Add(slowest))
	}}
	if _, err = io.Copy(file, body); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the upload was cut short: %w", err), file.Close(), os.Remove(file.Name()))
	}
	return file, nil
}

// pausing gives each read of a body its own deadline.
type pausing struct {
	body io.Reader
	next func()
}

// Read reads what comes next.
func (p pausing) Read(into []byte) (int, error) {
	p.next()
	return p.body.Read(into)
}
