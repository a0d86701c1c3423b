package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/serve"
)

// apiStep is a part of docs/api.md: commands of a shell with what they answer, or a comment that tells what happens
// then.
var apiStep = regexp.MustCompile("(?s)```sh\n(.*?)```|<!-- then: ([^\n]*) -->\n")

// apiRoles say whose token a command of the page is sent with, by what is in it.
var apiRoles = []struct{ part, role string }{
	{"/v1/entitled", serve.RoleGateway},
	{"/v1/events", serve.RoleGateway},
	{"/attach", serve.RoleAdmin},
	{"/preview", serve.RoleFinance},
	{"/approve", serve.RoleApprover},
	{"/post", serve.RoleApprover},
	{"/explain", serve.RoleFinance},
}

// apiPage walks docs/api.md.
type apiPage struct {
	*served
	link     string // to pay for Pro
	commands int
	// real are the hash and the id that stand in the page as examples.
	real *strings.Replacer
}

// TestAPIPage runs the commands of docs/api.md, by sh and curl, against a server, and compares what is answered with
// what the page says.
func TestAPIPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := &apiPage{served: serveSeed(t, time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)), real: strings.NewReplacer()}
	for _, step := range apiStep.FindAllStringSubmatch(string(text), -1) {
		if step[2] != "" {
			p.then(step[2])
			continue
		}
		answer := ""
		for _, command := range regexp.MustCompile(`(?m)^(?:api |# )`).Split(step[1], -1)[1:] {
			at := strings.Index(step[1], command)
			if strings.HasPrefix(step[1][at-2:], "# ") {
				wantParts(t, answer, strings.TrimSpace(command))
				continue
			}
			answer = p.run("api " + command)
		}
	}
	if p.commands < 8 {
		t.Errorf("%d commands, want 8", p.commands)
	}
}

// wantParts looks for what the page shows of an answer: parts in this order, … between them.
func wantParts(t *testing.T, answer, shown string) {
	t.Helper()
	rest := answer
	for part := range strings.SplitSeq(shown, "…") {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Errorf("answered %swant %s", answer, shown)
			return
		}
		rest = after
	}
}

// run runs a command as the page has it, but for the address, and what differs each time.
func (p *apiPage) run(command string) string {
	p.Helper()
	p.commands++
	role := ""
	for _, each := range apiRoles {
		if strings.Contains(command, each.part) {
			role = each.role
			break
		}
	}
	command = p.real.Replace(strings.ReplaceAll(command, "http://127.0.0.1:8377", p.url))
	shell := exec.CommandContext(p.Context(), "sh", "-c",
		`api() { curl -sS --fail-with-body -H "Authorization: Bearer $TOKEN" "$@"; }`+"\n"+command)
	shell.Env = append(os.Environ(), "TOKEN="+p.tokens[role])
	output, err := shell.CombinedOutput()
	if err != nil {
		p.Fatalf("%s: %v\n%s", command, err, output)
	}
	var known struct {
		URL     string `json:"checkout_url"`
		PlanSHA string `json:"plan_sha"`
		Charges []struct {
			ID string `json:"charge_id"`
		} `json:"charges"`
	}
	if json.Unmarshal(output, &known) == nil && known.URL != "" {
		p.link = known.URL
	}
	if strings.Contains(command, "/preview") {
		if len(known.Charges) != 1 {
			p.Fatalf("%s", output)
		}
		p.real = strings.NewReplacer("c844341b5edf", known.PlanSHA, "oc_k43njx6yiii3hp7a6wjtge7x43", known.Charges[0].ID)
	}
	return string(output)
}

// then lets happen what a comment of the page says.
func (p *apiPage) then(action string) {
	p.Helper()
	switch action {
	case "acme pays":
		paid, err := p.fake.Complete(p.link[strings.LastIndex(p.link, "/")+1:])
		if err != nil {
			p.Fatal(err)
		}
		if got := p.hook("customer.subscription.created", paid); got.status != http.StatusOK {
			p.Fatalf("%+v", got)
		}
	case "acme uses 20,000 credits, and the period ends":
		p.fake.Advance(24 * time.Hour)
		p.want(http.StatusAccepted, serve.RoleGateway, "POST", "/v1/events",
			row("b1", "2026-10-06T09:00:00Z", "acme", "large-model", 4000), nil)
		p.want(http.StatusOK, serve.RoleGateway, "POST", "/v1/entitled", ofAcme, nil)
		p.fake.Advance(30 * 24 * time.Hour)
		p.fake.Advance(20 * time.Minute)
	default:
		p.Fatalf("what is %q?", action)
	}
}
