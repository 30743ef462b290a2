// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// judge-all REFERENCE RULES: every report of an installation, fetched as it was signed, is judged by otasign against
// the effect document RULES; the class must be the one that its page shows. The newest is left as report.json.
func judgeAll(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: judge-all REFERENCE RULES")
	}
	var page struct {
		Reports []struct {
			Seq      int64
			Verdict  string
			Envelope string
		}
	}
	ts.Check(json.Unmarshal(fetch(ts, "/installations/"+args[0]+".json"), &page))
	classes := map[string]bool{}
	for _, r := range page.Reports {
		ts.Check(os.WriteFile(ts.MkAbs("report.json"), fetch(ts, r.Envelope), 0o644))
		run(ts, "otasign", "judge", "--release", args[1], "--report", "report.json", "--json")
		var judged struct{ Class string }
		ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &judged))
		if judged.Class != r.Verdict {
			ts.Fatalf("report %d: otasign says %s, the page %s", r.Seq, judged.Class, r.Verdict)
		}
		classes[r.Verdict] = true
	}
	if len(classes) < 2 {
		ts.Fatalf("%d reports of %d classes show little", len(page.Reports), len(classes))
	}
}

func fetch(ts *testscript.TestScript, path string) []byte {
	resp, err := http.Get(ts.Getenv("OTACTL_URL") + path)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode != http.StatusOK {
		ts.Fatalf("GET %s: %s\n%s", path, resp.Status, body)
	}
	return body
}
