// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/server/otactl/client"
)

// Whatever a server answers, neither the words for people nor the JSON for programs command the terminal.
func TestAnswersAreHarmless(t *testing.T) {
	const evil = "x\x1b[2J\u202e\u2028\ny"
	at := client.Package{Name: evil, SHA256: evil, Model: evil, Variant: evil, Channel: evil, By: evil, Known: true,
		Build: manifests.Build{Incremental: evil}, PreBuilds: []string{evil},
		Findings: otapkg.Findings{{Code: evil, Level: evil, Message: evil, Fix: evil}}}
	r := client.Rollout{ID: evil, Release: evil, Model: evil, Channel: evil, Packages: []string{evil}, State: evil, By: evil, Held: evil,
		Stages: []client.Stage{{Soak: evil}}, Counts: &client.Counts{Figures: client.Figures{Verdicts: map[string]int64{evil: 1}}}}
	var out bytes.Buffer
	p := &printer{out: &out, err: &out}
	(&packages{out: p}).sayStored(at)
	(&packages{out: p}).sayRefused(evil, problem{Error: &client.Error{Code: evil, Detail: evil, Findings: at.Findings}})
	(&releases{out: p}).sayApprovals([]client.Package{{Name: evil, Findings: otapkg.Findings{{Level: otapkg.Approve, Message: evil}}}})
	(&rollouts{out: p}).sayRollout(r)
	(&signing{out: p}).sayResponse(signed{File: evil, Change: &client.Change{State: evil,
		Roles: []client.ChangeRole{{Role: evil, Need: 1, SignedBy: []string{evil}, Missing: []string{evil}}}}})
	p.table(packageTable([]client.Package{at}))
	p.table(trustTable(client.TrustStatus{Expires: map[string]time.Time{evil: {}}}))
	p.text("# x\x1b[2J\u202e\u2028 y")
	p.finish(&client.Error{Status: 422, Code: evil, Detail: evil, Findings: at.Findings})
	p.json = true
	p.finish(&client.Error{Status: 422, Code: evil, Detail: evil, Findings: at.Findings})
	if text := out.String(); strings.ContainsAny(text, "\x1b\u202e\u2028") || strings.Contains(text, "\ny") ||
		!strings.Contains(text, "\\u001b[2J\\u202e\\u2028\\ny") {
		t.Errorf("printed %q", text)
	}
}

var prints = regexp.MustCompile(`fmt\.F?[Pp]rint(ln|f)?\(|json\.NewEncoder|os\.Std(out|err)`)

// All that is printed goes through the printer, which makes it harmless.
func TestOnlyThePrinterPrints(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "printer.go" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if prints.MatchString(line) && !strings.Contains(line, "fmt.Fprintf(&b,") {
				t.Errorf("%s prints past the printer: %s", file, strings.TrimSpace(line))
			}
		}
	}
}
