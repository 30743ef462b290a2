// SPDX-License-Identifier: Apache-2.0

//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"landed/manifests/report"
	"landed/manifests/tally"
)

// tallyKilled REF: waits until an installation stands in the newest tally, and for the tally after that; whoever does the periodic
// work, and so took it, is killed at once.
func tallyKilled(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tally-killed REF")
	}
	r := replicasOf(ts)
	ref, err := report.ParseReference(args[0])
	ts.Check(err)
	r.await(ts, "the installation stands in a tally", func() error {
		_, err := fetched(r.living(true)[0].url + "/tally/installations/" + string(ref) + ".json")
		return err
	})
	r.looping(ts)
	before, err := newestTally(r.living(true)[0])
	ts.Check(err)
	r.await(ts, "another tally", func() error {
		if now, err := newestTally(r.living(true)[0]); err != nil || now.Number == before.Number {
			return fmt.Errorf("it is still number %d, %w", now.Number, err)
		}
		return nil
	})
	for _, one := range r.living(true) {
		if slices.Contains(metrics(ts, one.url), `landed_lease_held{lease="loop"} 1`) {
			r.kill(one, os.Kill)
			ts.Logf("%s was killed after it took tally %d", one.name, before.Number+1)
			return
		}
	}
	ts.Fatalf("nobody has the loop\n%s", r.logs(ts))
}

// sameTally REF: verify-status passes against each server that lives, for the owner and with all reports, and every door of the newest
// tally answers the same bytes at each.
func sameTally(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: same-tally REF")
	}
	r := replicasOf(ts)
	ref, err := report.ParseReference(args[0])
	ts.Check(err)
	for _, one := range r.living(true) {
		ts.Check(ts.Exec("otactl", "verify-status", one.url, "--installation", string(ref), "--root", ts.MkAbs("root.json")))
		if said := ts.ReadFile("stdout"); !strings.Contains(said, "Recount: all") ||
			!strings.Contains(said, "Owner: your newest report") {
			ts.Fatalf("verify-status says of %s:\n%s", one.name, said)
		}
	}
	r.await(ts, "every door of one tally", func() error { return r.sameDoors(ts, ref) }) // another tally may come meanwhile
}

func (r *replicas) sameDoors(ts *testscript.TestScript, ref report.Reference) error {
	all := r.living(true)
	before, err := newestTally(all[0])
	if err != nil {
		return err
	}
	paths := []string{"/tally.json", "/tally/evidence.jsonl", "/tally/installations/" + string(ref) + ".json"}
	for n := range before.Number {
		paths = append(paths, "/tuf/metadata/"+tally.Name(n+1))
	}
	for _, p := range before.Pages {
		paths = append(paths, "/"+p.Path+"?as_of=tally", "/tuf/metadata/"+tally.PageName(before.Number, p.Path))
	}
	var differ []string
	for _, path := range paths {
		var want []byte
		for _, one := range all {
			text, err := fetched(one.url + path)
			if want == nil {
				want = text
			}
			if err != nil || !bytes.Equal(text, want) {
				differ = append(differ, fmt.Sprintf("%s at %s: %d bytes, %v; elsewhere %d", path, one.name, len(text), err, len(want)))
			}
		}
	}
	after, err := newestTally(all[0])
	switch {
	case err != nil:
		return err
	case after.Number != before.Number:
		return fmt.Errorf("tally %d came meanwhile", after.Number)
	case len(differ) > 0:
		ts.Fatalf("of tally %d differ:\n%s\n%s", before.Number, strings.Join(differ, "\n"), r.logs(ts))
	}
	ts.Logf("%d doors of tally %d are the same at %s", len(paths), before.Number, words(all))
	return nil
}

func newestTally(one *replica) (tally.Tally, error) {
	text, err := fetched(one.url + "/tally.json")
	if err != nil {
		return tally.Tally{}, err
	}
	return tally.Unsigned(text)
}

func fetched(url string) ([]byte, error) {
	resp, err := (&http.Client{Timeout: 20 * time.Second}).Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s is answered %s", url, resp.Status)
	}
	return text, err
}
