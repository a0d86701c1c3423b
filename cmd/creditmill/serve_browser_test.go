package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/creditmill/creditmill/serve"
)

// person is somebody before a browser.
type person struct {
	*served
	ctx context.Context
}

// atBrowser opens a browser; without one the test fails.
func (s *served) atBrowser() *person {
	s.Helper()
	program := ""
	for _, name := range chromiumNames {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		s.Fatal("no Chromium to look at the pages with; install it with: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox,
		chromedp.UserDataDir(s.TempDir()), chromedp.Flag("disable-quic", true))
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(s.Context()), options...)
	s.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	s.Cleanup(cancel)
	return &person{s, ctx}
}

// do does what a person does.
func (p *person) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.Fatal(err)
	}
}

// told is what a script in the page answers.
func told[T any](p *person, script string) T {
	p.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatalf("%.80s: %v", script, err)
	}
	return value
}

// signIn types the token of a role.
func (p *person) signIn(role string) {
	p.Helper()
	p.do(chromedp.Navigate(p.url+"/sign-in"), chromedp.SendKeys("input[name=token]", p.tokens[role]+"\r"),
		chromedp.WaitVisible(".who-is"))
}

// looksAt sets the window's width, and the colours that the person likes.
func (p *person) looksAt(width int64, scheme string) {
	p.Helper()
	p.do(chromedp.EmulateViewport(width, 900), func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return chromedp.Void{}, err
	})
}

// webShown are the pages that are looked at, with {acme} and others in the places of charge ids.
var webShown = []string{
	"/", "/invoices", "/invoices?hold=above_max_charge&lines=all", "/customers", "/customers/acme", "/charges/{acme}",
	"/charges/{gamma}", "/margin", "/margin?by=model", "/margin?by=month", "/loads", "/loads/ld_1", "/prices",
	"/reconcile", "/audit",
}

// TestWebPagesInBrowser looks at every page on a phone, a tablet and a desk, in light and in dark: none is wider than
// its window, none loads from elsewhere or breaks the content policy, and axe finds nothing serious. With
// CREDITMILL_SHOTS it keeps pictures.
func TestWebPagesInBrowser(t *testing.T) {
	s := serveScene(t)
	ids := s.charges()
	s.want(http.StatusOK, serve.RoleApprover, "POST", "/v1/charges/"+ids["gamma"]+"/hold",
		`{"reason":"they dispute it"}`, nil)
	p := s.atBrowser()
	axe := readAxe(t)
	p.looksAt(390, "light")
	p.do(chromedp.Navigate(s.url + "/sign-in"))
	p.axe(axe, "/sign-in")
	p.shot("/sign-in", "light", 390)
	p.signIn(serve.RoleAdmin)
	for _, path := range webShown {
		path = strings.NewReplacer("{acme}", ids["acme"], "{gamma}", ids["gamma"]).Replace(path)
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{390, 768, 1440} {
				p.looksAt(width, scheme)
				p.do(chromedp.Navigate(s.url+path), chromedp.WaitReady("main h1"))
				if scrolls := told[int64](p, `document.documentElement.scrollWidth`); scrolls > width {
					t.Errorf("%s at %d: %d wide: %s", path, width, scrolls, told[string](p, widest))
				}
				if broken := told[string](p, policyBroken); broken != "" {
					t.Errorf("%s: %s", path, broken)
				}
				p.shot(path, scheme, width)
				if width == 390 || width == 1440 && scheme == "dark" {
					p.axe(axe, path+" "+scheme)
				}
			}
		}
	}
}

const (
	// widest names what reaches out of the window.
	widest = `[...document.querySelectorAll("main *, .bar *")]
		.filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
		.slice(0, 4).map((e) => e.tagName + "." + e.className).join(" ")`
	// policyBroken names what was loaded from elsewhere, and what the content policy stopped.
	policyBroken = `new Promise((done) => {
		const found = performance.getEntriesByType("resource").map((e) => e.name)
			.filter((n) => !n.startsWith(origin));
		new ReportingObserver((reports) => { found.push(...reports.map((r) => JSON.stringify(r.body))); },
			{types: ["csp-violation"], buffered: true}).observe();
		setTimeout(() => done(found.join(" ")), 20);
	})`
)

func readAxe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatalf("no axe-core to look at the pages with: run make engine: %v", err)
	}
	return string(text)
}

// TestWebProposalInBrowser: the effect of a proposed catalog fits a phone; and axe sees what is wrong.
func TestWebProposalInBrowser(t *testing.T) {
	s := serveScene(t)
	p := s.atBrowser()
	p.looksAt(390, "dark")
	p.signIn(serve.RoleFinance)
	p.do(chromedp.Navigate(s.url + "/prices"))
	told[string](p, `document.querySelector("textarea").value =
		document.querySelector("textarea").value.replace('per_credit: "0.01"', 'per_credit: "0.03"')`)
	p.do(chromedp.Click("#proposal button.primary"))
	p.until(`document.querySelector("h3")?.innerText.startsWith("Effect as of")`)
	if scrolls := told[int64](p, `document.documentElement.scrollWidth`); scrolls > 390 {
		t.Errorf("%d wide: %s", scrolls, told[string](p, widest))
	}
	p.axe(readAxe(t), "the effect")
	p.shot("/proposal", "dark", 390)
	told[bool](p, `document.querySelector("main").append(document.createElement("img")), true`)
	if found := told[string](p, readAxe(t)+axeFound); !strings.Contains(found, "image-alt") {
		t.Errorf("axe does not see a picture without a text: %s", found)
	}
}

// axeFound is what axe finds serious in the page.
const axeFound = `;axe.run({resultTypes: ["violations"]}).then((r) =>
	JSON.stringify(r.violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) =>
	[v.id, v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + n.failureSummary)])))`

// axe looks for what keeps people from using a page.
func (p *person) axe(axe, where string) {
	p.Helper()
	found := told[string](p, axe+axeFound)
	if found != "[]" {
		p.Errorf("%s: %s", where, found)
	}
}

var unsafeInName = regexp.MustCompile(`[^a-z0-9]+`)

// shot keeps a picture of a page in the folder that CREDITMILL_SHOTS names.
func (p *person) shot(path, scheme string, width int64) {
	p.Helper()
	folder := os.Getenv("CREDITMILL_SHOTS")
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.Fatal(err)
	}
	name := unsafeInName.ReplaceAllString(path, "-") + "-" + scheme + "-" + strconv.FormatInt(width, 10) + ".png"
	if err := os.WriteFile(filepath.Join(folder, strings.Trim(name, "-")), picture, 0o600); err != nil {
		p.Fatal(err)
	}
}
