package creditmill

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	mdLink     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	mdHeading  = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	mdFence    = regexp.MustCompile("(?ms)^```.*?^```")
	notInSlugs = regexp.MustCompile(`[^\p{L}\p{N}\s_-]`)
)

// TestLinks: every link of a page to another page, a file or a heading leads there.
func TestLinks(t *testing.T) {
	pages := map[string]string{}
	for _, name := range sourceFiles(t) {
		if filepath.Ext(name) == ".md" {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			pages[name] = mdFence.ReplaceAllString(string(text), "")
		}
	}
	if len(pages) == 0 {
		t.Fatal("there are no pages")
	}
	for name, text := range pages {
		for _, found := range mdLink.FindAllStringSubmatch(text, -1) {
			link := found[1]
			if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
				continue
			}
			path, anchor, _ := strings.Cut(link, "#")
			target := name
			if path != "" {
				target = filepath.Join(filepath.Dir(name), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", name, link)
				continue
			}
			if anchor != "" && !slugsOf(pages[target])[anchor] {
				t.Errorf("%s links to %s, and %s has no such heading", name, link, target)
			}
		}
	}
}

// slugsOf are the anchors of a page's headings.
func slugsOf(page string) map[string]bool {
	slugs := map[string]bool{}
	for _, heading := range mdHeading.FindAllStringSubmatch(page, -1) {
		slug := notInSlugs.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading[1])), "")
		slugs[strings.ReplaceAll(slug, " ", "-")] = true
	}
	return slugs
}
