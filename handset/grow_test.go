// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/handset/handsettest"
	"landed/manifests"
	"landed/manifests/tufrepo"
)

func logger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// fromTheFuture makes the feed one that a later program writes: new members wherever there can be some, new files, and
// a newer form of the offers beside the one of today.
func (r *rig) fromTheFuture(inCustom string, inOffers ...func(string) string) {
	r.offer.RawCustom = r.rawCustom(inCustom)
	r.server.AlterOffers = func(text []byte) []byte {
		s := string(text)
		for _, change := range append(inOffers, put(`"model"`, `"log":{"origin":"x"}`), put(`"rollout"`, `"deltas":[1]`),
			put(`"path"`, `"sha512":"00"`)) {
			s = change(s)
		}
		return []byte(s)
	}
	r.server.Alter = func(role string, signed map[string]any) {
		signed["x-of-the-future"] = map[string]any{"a": []int{1}}
		targets, _ := signed["targets"].(map[string]any)
		for path, target := range targets {
			target.(map[string]any)["x-size"] = 7
			if path == r.offer.Package.Path {
				target.(map[string]any)["custom"] = r.offer.RawCustom
			}
		}
		file := map[string]any{"length": 1, "hashes": map[string]any{"sha256": strings.Repeat("0", 64)}}
		switch role {
		case "armani-offers":
			targets["offers/armani/stable.v2.json"] = file
		case "armani":
			targets["builds/armani/deltas.json"] = file
		}
	}
	r.offered()
}

// put adds members before the first one of that name.
func put(before, members string) func(string) string {
	return func(s string) string { return strings.Replace(s, before, members+","+before, 1) }
}

// Who looks from outside stands in the feed, where a handset neither looks for files of theirs nor misses them.
func TestFeedWithObservers(t *testing.T) {
	r := waiting(t)
	for _, role := range []string{tufrepo.Observers, tufrepo.Witnesses, tufrepo.WitnessesOf("armani")} {
		keys := tufrepo.RoleKeys{Threshold: 1, Keys: []tufrepo.Key{handsettest.KeyOf(role).Key()}}
		r.server.Outsiders = append(r.server.Outsiders, tufrepo.OutsiderKeys{Role: role, Who: keys})
	}
	r.offered()
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Errorf("patched %v, refusal %v", r.patched(), refusal)
	}
}

// Whatever a later program adds, today's handset updates from its feed.
func TestFeedOfTheFuture(t *testing.T) {
	r := waiting(t)
	r.fromTheFuture(`"proof":{"index":9007199254740993},"schema":1,"must_understand":["build","effect"]`)
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Errorf("got %v: %s", refusal, r.client.store.mem.Reason)
	}
}

// What it must understand and does not, it waits for: it refuses nothing, reports no failure, says what it needs, and
// updates when the feed is one that it can read, or its program one that can read the feed.
func TestFeedThatNeedsANewerProgram(t *testing.T) {
	for name, tc := range map[string]struct {
		custom string
		offers func(string) string
		needs  string
	}{
		"a member of the document":    {`"proof":1`, put(`"model"`, `"must_understand":["log"]`), `"log" in the offers document`},
		"a member of the offer":       {`"proof":1`, put(`"rollout"`, `"must_understand":["deltas"]`), `"deltas" in the offer`},
		"a member of the custom part": {`"proof":1,"must_understand":["proof"]`, nil, `"proof" in the custom part`},
		"a custom part of version 7":  {`"schema":7`, nil, "version 7 of the custom part"},
		"a document of version 7": {`"proof":1`, func(s string) string { return strings.Replace(s, `"schema": 1`, `"schema": 7`, 1) },
			"version 7 of the offers document"},
	} {
		t.Run(name, func(t *testing.T) {
			r := waiting(t)
			change := func(s string) string { return s }
			if tc.offers != nil {
				change = tc.offers
			}
			r.fromTheFuture(tc.custom, change)
			for range 3 {
				if refusal := r.step(); refusal != nil || r.client.State() != Idle || r.patched() {
					t.Fatalf("got %v, %s", refusal, r.client.State())
				}
				r.pass(14 * time.Hour)
			}
			if st, err := r.client.Status(); err != nil || !strings.Contains(st.Reason, tc.needs) {
				t.Errorf("it says: %s (%v); wanted %s", st.Reason, err, tc.needs)
			}
			want := []string{"1 baseline known 0h"} // of what was signed before, when it could read that
			if diff := cmp.Diff(want, kinds(r.server.Reports())); diff != "" {
				t.Errorf("it reported %s", diff)
			}
			r.step()
			r.open() // perhaps a newer program: it does not leave it at 304
			r.client.Hurry()
			conditional := false
			r.server.Bend = func(_ http.ResponseWriter, req *http.Request) bool {
				conditional = conditional || req.Header.Get("If-None-Match") != ""
				return false
			}
			if r.step(); conditional {
				t.Error("a restarted program asked only if anything has changed")
			}
			r.server.Alter, r.server.AlterOffers, r.offer.RawCustom = nil, nil, nil
			r.pass(14 * time.Hour)
			r.offered()
			if refusal := r.step(); refusal != nil || !r.patched() {
				t.Errorf("afterwards: %v, %s", refusal, r.client.store.mem.Reason)
			}
		})
	}
}

// Each way round: what a newer client kept is what both roles said, all of it.
func TestUnknownMembersAreKept(t *testing.T) {
	r := waiting(t)
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool { // packages are out of reach
		if strings.HasSuffix(req.URL.Path, ".zip") {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	r.fromTheFuture(`"proof":{"index":9007199254740993}`)
	r.step()
	var state struct {
		Offer struct{ Custom json.RawMessage }
	}
	if err := json.Unmarshal(readFile(t, r.dir+"/client/"+stateFile), &state); err != nil {
		t.Fatal(err)
	}
	if !manifests.SameJSON(state.Offer.Custom, r.offer.RawCustom) {
		t.Errorf("kept: %s", state.Offer.Custom)
	}
	r.server.Bend = nil
	r.open()
	r.pass(25 * time.Hour)
	if refusal := r.step(); refusal != nil || !r.patched() {
		t.Errorf("got %v", refusal)
	}
}
