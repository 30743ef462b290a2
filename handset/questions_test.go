// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/offers"
)

// manifestFetches counts how often a file of the offline role is asked for that is no package.
func (r *rig) manifestFetches() *int {
	n := new(int)
	r.server.Bend = func(_ http.ResponseWriter, req *http.Request) bool {
		if strings.HasPrefix(req.URL.Path, "/tuf/targets/builds/") && strings.HasSuffix(req.URL.Path, ".json") {
			*n++
		}
		return false
	}
	return n
}

// TestManifestIsReadByANewerProgram: the folder is one that an older program left, which did not understand the
// manifest and asked nothing since. The newer one asks, at its first poll, though the feed is as it was.
func TestManifestIsReadByANewerProgram(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.offered()
	r.step()
	r.client.store.mem.Ask = probe.Ask{} // but AskOf is the hash of it, and Validator that of the timestamp
	if err := r.client.store.save(); err != nil || r.client.store.mem.AskOf == "" || r.client.store.mem.Validator == "" {
		t.Fatalf("%v, the manifest %q, the timestamp %q", err, r.client.store.mem.AskOf, r.client.store.mem.Validator)
	}
	r.open()
	fetched := r.manifestFetches()
	r.client.Hurry()
	r.step()
	if answers := r.client.asked.answers(); *fetched != 1 || answers["state"].String() != "off" {
		t.Errorf("fetched %d times, answers %v", *fetched, answers)
	}
}

// TestManifestIsNotFetchedAgain by the program that could not read it, however often the feed changes; each program
// that is started tries it once.
func TestManifestIsNotFetchedAgain(t *testing.T) {
	for name, member := range map[string]string{"not understood": `"kind":"set","name":"state"`,
		"for a newer program": `"must_understand":["of"],"of":1,"name":"state"`} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.withManifest(func(m *manifests.Manifest) []byte {
				return []byte(strings.Replace(string(m.Bytes()), `"name":"state"`, member, 1))
			})
			r.offer.Share = 0
			fetched := r.manifestFetches()
			for start := 1; start <= 2; start++ {
				for range 3 {
					r.offered() // a whole poll
					r.step()
					r.pass(14 * time.Hour)
				}
				if *fetched != start {
					t.Errorf("%d programs fetched it %d times", start, *fetched)
				}
				r.open()
			}
		})
	}
}

// TestManifestThatNeedsANewerProgram: as for an offer that says so itself, the handset waits. It installs nothing,
// refuses nothing, reports no failure and says what it needs.
func TestManifestThatNeedsANewerProgram(t *testing.T) {
	for name, tc := range map[string]struct{ old, now, needs string }{
		"must_understand at its top": {`{`, `{"must_understand":["proof"],"proof":1,`, `"proof" in the release manifest`},
		"must_understand in a probe": {`"name":"state"`, `"must_understand":["of"],"of":1,"name":"state"`,
			`"of" in the release manifest`},
		"a later version": {`"schema":2`, `"schema":7`, "version 7 of the release manifest"},
	} {
		t.Run(name, func(t *testing.T) {
			r := waiting(t)
			r.withManifest(func(m *manifests.Manifest) []byte {
				return []byte(strings.Replace(string(m.Bytes()), tc.old, tc.now, 1))
			})
			r.offered()
			for range 3 {
				if refusal := r.step(); refusal != nil || r.client.State() != Idle || r.patched() {
					t.Fatalf("got %v, %s", refusal, r.client.State())
				}
				r.pass(14 * time.Hour)
				r.open()
			}
			if st, err := r.client.Status(); err != nil || !strings.Contains(st.Reason, tc.needs) || r.client.store.mem.Needs == "" {
				t.Errorf("it says: %s (%v); wanted %s", st.Reason, err, tc.needs)
			}
			if got := kinds(r.server.Reports()); len(got) != 1 || got[0] != "1 baseline known 0h" { // of what was signed before
				t.Errorf("it reported %v", got)
			}
		})
	}
}

// TestOlderOfferBehindAManifest that needs a newer program: it applies, for it can be the one that brings that program.
// Afterwards the handset waits on it, asks for neither manifest again, and answers what the one that it runs asks.
func TestOlderOfferBehindAManifest(t *testing.T) {
	r := newRig(t)
	custom := r.offer.Custom
	custom.Release, custom.Counter = "later", 2
	custom.Build.UTC++
	custom.Build.Fingerprint = strings.Replace(custom.Build.Fingerprint, "H46.0", "H48.0", 1)
	text := []byte(`{"schema":2,"must_understand":["proof"],"proof":1}`)
	custom.Manifest = r.server.AddTarget("armani", "builds/armani/later.json", text).SHA256
	later := r.server.Add(custom, "later", append(r.content, 0))
	fetched := r.manifestFetches()
	for range 3 {
		r.server.Offers["armani"] = []offers.Offer{later, r.offer}
		r.server.Publish()
		if refusal := r.step(); refusal != nil || !r.patched() || r.client.State() != Observing {
			t.Fatalf("got %v, %s", refusal, r.client.State())
		}
		r.pass(14 * time.Hour)
	}
	if r.step(); *fetched != 2 || !strings.Contains(r.client.store.mem.Needs, `"proof"`) || r.said()["state"] != "off" {
		t.Errorf("%d fetches, needs %s, answered %v", *fetched, r.client.store.mem.Needs, r.said())
	}
}
