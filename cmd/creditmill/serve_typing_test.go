package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/creditmill/creditmill/serve"
)

// until waits until a script answers true; a page that is being left answers nothing.
func (p *person) until(script string) {
	p.Helper()
	var err error
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var is bool
		if is, err = chromedp.Run(p.ctx, chromedp.Evaluate[bool]("!!("+script+")")); is {
			return
		}
	}
	p.Fatalf("%s: %v\n%.900s", script, err, told[string](p, `document.querySelector("main").innerText`))
}

// keys presses keys one after another.
func (p *person) keys(keys string) {
	p.Helper()
	p.do(chromedp.KeyEvent(keys))
}

// tabTo presses Tab until an element has the focus, which must be seen there.
func (p *person) tabTo(selector string) {
	p.Helper()
	for range 80 {
		p.keys(kb.Tab)
		if told[bool](p, `document.activeElement.matches('`+selector+`')`) {
			if outline := told[string](p, `getComputedStyle(document.activeElement).outlineStyle`); outline == "none" {
				p.Errorf("%s has the focus and it cannot be seen", selector)
			}
			return
		}
	}
	p.Fatalf("Tab does not come to %s", selector)
}

// TestWebByKeyboard signs in, filters, opens a charge, a day of it, releases it and signs out without a pointer.
func TestWebByKeyboard(t *testing.T) {
	s := serveScene(t)
	p := s.atBrowser()
	p.looksAt(1440, "light")
	p.do(chromedp.Navigate(s.url + "/invoices"))
	p.keys(s.tokens[serve.RoleApprover] + kb.Enter)
	p.until(`location.pathname === "/invoices"`)
	p.keys(kb.Tab)
	if !told[bool](p, `document.activeElement.matches(".skip")`) {
		t.Error("the first stop is not the way past the menu")
	}
	p.keys(kb.Enter)
	p.tabTo(`input[type="search"]`)
	p.keys("gam")
	p.until(`document.querySelectorAll("tr.charge").length === 1 && location.search === "?q=gam"`)
	if !told[bool](p, `document.activeElement.matches('input[type="search"]') && document.activeElement.value === "gam"`) {
		t.Error("the list takes the focus away")
	}
	p.tabTo("tr.charge .who a")
	p.keys(kb.Enter)
	p.until(`location.pathname.startsWith("/charges/") && document.readyState === "complete"`)
	p.tabTo(`form[action$="/release"] input[name="reason"]`)
	p.keys("agreed by phone")
	p.tabTo("summary")
	p.keys(kb.Enter)
	p.until(`document.querySelector("details").open`)
	p.do(chromedp.Focus(`form[action$="/release"] input[name="reason"]`))
	p.keys(kb.Enter)
	p.until(`document.querySelector(".notice")?.innerText === "Released by approver-1."`)
	p.tabTo(`form[action="/sign-out"] button`)
	p.keys(kb.Enter)
	p.until(`location.pathname === "/sign-in"`)
}

// TestWebUploadByPointer chooses two files: each has its progress, and the list shows them without a new page.
func TestWebUploadByPointer(t *testing.T) {
	s := serveSeed(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	p := s.atBrowser()
	p.signIn(serve.RoleUploader)
	p.do(chromedp.Navigate(s.url + "/loads"))
	var files []string
	for i, text := range []string{row("u1", "2026-11-01T10:00:00Z", "acme", "small-model", 10), "{}\n"} {
		s.write(fmt.Sprintf("up%d.jsonl", i), text)
		files = append(files, filepath.Join(s.directory, fmt.Sprintf("up%d.jsonl", i)))
	}
	p.do(chromedp.SetUploadFiles("#upload input[type=file]", files))
	p.do(chromedp.Click("#upload button.primary"))
	p.until(`document.querySelectorAll("main table tbody tr").length === 2`)
	told := told[string](p, `document.getElementById("progress").innerText`)
	for _, want := range []string{"up0.jsonl: 1 rows loaded as ld_1.", "up1.jsonl"} {
		if !strings.Contains(told, want) {
			t.Errorf("%q, want %q", told, want)
		}
	}
}

// TestWebPrint: the charges begin on the first sheet of paper, and what is for the screen alone is not printed.
func TestWebPrint(t *testing.T) {
	s := serveScene(t)
	p := s.atBrowser()
	p.signIn(serve.RoleApprover)
	p.do(chromedp.Navigate(s.url+"/invoices"), func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return chromedp.Void{}, err
	}, chromedp.EmulateViewport(690, 1017)) // A4 within its margins
	if top := told[float64](p, `document.querySelector("tr.charge").getBoundingClientRect().bottom`); top > 1017 {
		t.Errorf("the first charge ends at %g, the sheet at 1017", top)
	}
	const forms = `[".bar", ".filter", ".actions", ".tools"].some((s) => document.querySelector(s)?.offsetHeight > 0)`
	if told[bool](p, forms) {
		t.Error("forms are printed")
	}
}

// TestWebManyCharges filters 20,000 charges: a page has a hundred, and no script keeps the page for 200 ms.
func TestWebManyCharges(t *testing.T) {
	const customers = 20000
	s := serveSeed(t, time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC))
	s.stop()
	var list, log strings.Builder
	list.WriteString("customer_id,product,starts_at,stripe_customer,stripe_subscription\n")
	for i := range customers {
		name := fmt.Sprintf("customer-%05d", i)
		fmt.Fprintf(&list, "%s,pro,2026-10-01,cus_%05d,sub_%05d\n", name, i, i)
		log.WriteString(row(name, "2026-10-09T10:00:00Z", name, "medium-model", 10100+i) + "\n")
	}
	s.write("customers.csv", list.String())
	s.write("log.jsonl", log.String())
	s.creditmill("customers", "import", filepath.Join(s.directory, "customers.csv"))
	s.creditmill("load", filepath.Join(s.directory, "log.jsonl"))
	s.creditmill("aggregate")
	s.start()
	p := s.atBrowser()
	p.looksAt(1440, "light")
	p.signIn(serve.RoleFinance)
	p.do(chromedp.Navigate(s.url+"/invoices"), chromedp.WaitReady("tr.charge"))
	got := told[string](p, `document.getElementById("found").innerText`)
	if !strings.HasPrefix(got, "20,000 charges, $") || !strings.HasSuffix(got, "1 to 100 shown") {
		t.Fatal(got)
	}
	const watched = `window.longest = 0; new PerformanceObserver((list) => { for (const each of list.getEntries())
		window.longest = Math.max(window.longest, each.duration); }).observe({entryTypes: ["longtask"]}); true`
	told[bool](p, watched)
	for typed, count := range map[string]string{"customer-1999": "10", "cus_1": "10,000"} {
		began := time.Now()
		told[string](p, `document.querySelector('input[type="search"]').value = ""`)
		p.do(chromedp.SendKeys(`input[type="search"]`, typed))
		p.until(`document.getElementById("found").innerText.startsWith("` + count + ` of 20,000 charges")`)
		t.Logf("%s: %d ms from the first key to the list, %s ms of script to show it", typed,
			time.Since(began).Milliseconds(), told[string](p, `document.getElementById("list").dataset.scriptMs`))
	}
	if longest := told[float64](p, `window.longest`); longest >= 200 {
		t.Errorf("the page was busy for %g ms", longest)
	}
	b := s.browse().signIn(serve.RoleFinance)
	began := time.Now()
	if got := b.get("/invoices.xlsx"); got.status != http.StatusOK {
		t.Errorf("%d", got.status)
	} else {
		t.Logf("XLSX of %d bytes in %d ms", len(got.body), time.Since(began).Milliseconds())
	}
	if folder := os.Getenv("CREDITMILL_SHOTS"); folder != "" {
		p.shot("/many", "light", 1440)
	}
}
