package main

import (
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// chromiumNames are what the browser's program is called.
var chromiumNames = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// scriptPage opens a page in headless Chromium as a person would, after its script has run, and puts what the browser
// then holds into stdout:
//
//	page FILE HASH
//
// The hash, such as #q=acme, is what the page was left with. Without a browser there is no test of the page, so a
// missing one is a failure.
func scriptPage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: page FILE HASH")
	}
	browser := ""
	for _, name := range chromiumNames {
		if found, err := exec.LookPath(name); err == nil {
			browser = found
			break
		}
	}
	if browser == "" {
		ts.Fatalf("no Chromium to look at the page with; install it with: apt-get install chromium")
	}
	ts.Check(ts.Exec(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
		"--no-first-run", "--log-level=3", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--window-size=1280,900", "--user-data-dir="+filepath.Join(ts.MkAbs("."), ".browser"), "--dump-dom",
		"file://"+ts.MkAbs(args[0])+args[1]))
	if dom := ts.ReadFile("stdout"); !strings.Contains(dom, "</html>") {
		ts.Fatalf("the browser shows nothing: %q", dom)
	}
}
