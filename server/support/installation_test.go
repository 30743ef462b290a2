// SPDX-License-Identifier: Apache-2.0

package support

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/manifests"
)

// TestKnownSince: a day that the handset claims and the server cannot have seen is named.
func TestKnownSince(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	stranger, known, before := newHandset(1), newHandset(2), newHandset(3)
	h.install(stranger, notSeen, effectOf(1, 24))
	h.install(known, beforeActive, baseline(1), effectOf(2, 24))
	h.install(before, beforeActive, baseline(1)) // counts 168 hours, of the system before the update
	const longer = "counts 24 hours on the update: longer than the server had known it by then."
	for name, tt := range map[string]struct {
		hs    handset
		since string
		want  bool
	}{
		"first heard of when it had proven all": {stranger, "13 August 2014, 09:30 UTC", true},
		"known for that day":                    {known, "12 August 2014, 09:30 UTC", false},
		"before the update":                     {before, "13 August 2014, 09:30 UTC", false},
	} {
		body := h.get("/installations/" + tt.hs.ref.String()).Body.String()
		if !strings.Contains(body, "The server has known this installation since "+tt.since+".") || strings.Contains(body, longer) != tt.want {
			t.Errorf("%s: wanted since %s, and (%v) that it %q:\n%s", name, tt.since, tt.want, longer, body)
		}
	}
}

// TestWhatChanged: of a report the page shows what the one before did not say, newest first; the
// JSON has every report whole, by sequence.
func TestWhatChanged(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1), effectOf(2, 1), effectOf(3, 24), effectOf(4, 24))
	var got InstallationPage
	if err := json.Unmarshal(h.get("/installations/"+hs.ref.String()+".json").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	watched := func(hours string) string { return "Hours observed: " + hours + "." }
	for i, want := range [][]string{got.Reports[0].Said, nil, {watched("less than 168")}, {}} {
		if want != nil && !cmp.Equal(got.Reports[i].Changed, want) {
			t.Errorf("report %d: changed %q, wanted %q", i+1, got.Reports[i].Changed, want)
		}
		if len(got.Reports[i].Said) < 9 {
			t.Errorf("report %d: said only %q", i+1, got.Reports[i].Said)
		}
	}
	changed := got.Reports[1].Changed
	if len(changed) < 5 || !slices.Contains(changed, watched("less than 24")) || slices.Contains(changed, "What the user chose: nothing on record.") {
		t.Errorf("the update changed %q", changed)
	}
	parts := strings.Split(h.get("/installations/"+hs.ref.String()).Body.String(), `<li class="report"`)[1:]
	for i, tt := range []struct {
		title, words string
		build        bool
	}{
		{"Report 4", "Nothing changed since report 3.", false}, {"Report 3", "New or different since report 2:", false},
		{"Report 2", "New or different since report 1:", true}, {"Report 1", "Running build", true},
	} {
		if !strings.Contains(parts[i], tt.title) || !strings.Contains(parts[i], tt.words) || strings.Contains(parts[i], "Running build") != tt.build || !strings.Contains(parts[i], "/reports/") {
			t.Errorf("in place %d, wanted %s with %q:\n%s", i+1, tt.title, tt.words, parts[i])
		}
	}
}
