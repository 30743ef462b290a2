// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// rules are a rules file of Prometheus.
type rules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For    string
			Labels, Annotations map[string]string
		}
	}
}

const rulesFile = "../docs/operate/alerts.yml"

var (
	metricName = regexp.MustCompile(`\b(?:landed|go|process)_[a-z0-9_]+\b`)
	selector   = regexp.MustCompile(`\b((?:landed|go|process)_[a-z0-9_]+)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)"([^"]*)"`)
	heading    = regexp.MustCompile("(?m)^\\| `(Landed[A-Za-z]+)` \\| (page|ticket) \\| ([^|]+) \\| ([^|]+) \\|$")
)

// Each rule speaks of what a scrape has, labels and their values too, and the page says of each what to do.
func TestAlertRules(t *testing.T) {
	file, err := os.Open(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all rules
	d := yaml.NewDecoder(file)
	d.KnownFields(true)
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/operate/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, m := range heading.FindAllStringSubmatch(string(page), -1) {
		told[m[1]] = m[2]
	}
	w := newWatched(t)
	w.come(1)
	w.metrics()
	has := scraped(series(w.metrics()))
	for _, g := range all.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Annotations["summary"] == "" || told[r.Alert] != r.Labels["severity"] {
				t.Errorf("%q: severity %q, told as %q in alerts.md, summary %q", r.Alert, r.Labels["severity"], told[r.Alert],
					r.Annotations["summary"])
			}
			delete(told, r.Alert)
			has.holds(t, r.Alert, r.Expr)
		}
	}
	if len(told) > 0 {
		t.Errorf("alerts.md tells of alerts that there are not: %v", told)
	}
	if tool, err := exec.LookPath("promtool"); err == nil {
		if out, err := exec.Command(tool, "check", "rules", filepath.FromSlash(rulesFile)).CombinedOutput(); err != nil {
			t.Errorf("promtool: %v\n%s", err, out)
		}
	}
}

// scrape is what a scrape has: by name, the series with their labels.
type scrape map[string][]map[string]string

func scraped(all []string) scrape {
	s := scrape{}
	for _, one := range all {
		name, labels, _ := strings.Cut(strings.TrimSuffix(one, "}"), "{")
		of := map[string]string{}
		for _, m := range matcher.FindAllStringSubmatch(labels, -1) {
			of[m[1]] = m[3]
		}
		s[name] = append(s[name], of)
	}
	return s
}

// holds wants an expression to speak of nothing else. Which code a report failed by is not in the scrape of a server that
// nothing failed on.
func (s scrape) holds(t *testing.T, alert, expr string) {
	t.Helper()
	names := metricName.FindAllString(expr, -1)
	if len(names) == 0 {
		t.Errorf("%s asks for nothing: %s", alert, expr)
	}
	for _, name := range names {
		if len(s[name]) == 0 {
			t.Errorf("%s speaks of %s, which no scrape has", alert, name)
		}
	}
	for _, sel := range selector.FindAllStringSubmatch(expr, -1) {
		for _, m := range matcher.FindAllStringSubmatch(sel[2], -1) {
			if !slices.ContainsFunc(s[sel[1]], func(labels map[string]string) bool {
				value, ok := labels[m[1]]
				return ok && (m[2] != "=" || value == m[3] || slices.Contains(notYet, m[1]+"="+m[3]))
			}) {
				t.Errorf("%s: no series of %s has %s", alert, sel[1], m[0])
			}
		}
	}
	if n := strings.Count(expr, "(") - strings.Count(expr, ")"); n != 0 {
		t.Errorf("%s: %d parentheses are left open", alert, n)
	}
}

// notYet are labels that come with a fault.
var notYet = []string{"code=internal", "status=5xx"}
