// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/report"
	"landed/manifests/report/v1"
	"landed/server/fleet"
	"landed/server/known"
)

// know writes a known issue down, as [known.Parse] reads it, and gives its number.
func (h *fixture) know(source string) (id int64) {
	h.t.Helper()
	k, err := known.Parse([]byte(source), now)
	if err != nil {
		h.t.Fatal(err)
	}
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		if k.ID, err = tx.KnownIssues().Next(ctx); err != nil {
			return err
		}
		k.By, k.At = "mei", now
		return tx.KnownIssues().Put(ctx, k)
	})
	return k.ID
}

// endIssue withdraws a known issue.
func (h *fixture) endIssue(id int64) {
	h.t.Helper()
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		k, err := tx.KnownIssues().Get(ctx, id)
		if err != nil {
			return err
		}
		k.Ended, k.EndedBy, k.EndedReason = now, "bo", "mended"
		return tx.KnownIssues().Put(ctx, k)
	})
}

const stops = `models: [armani]
cause: package
text: {en: It stops at 40 % on a changed system. A service centre puts the official one back., zh-Hans: 系统被改动过的手机会停在 40%。}
link: https://help.example.org/known?issue=1&more
since: 2014-08-12
who: service`

// failing is a fleet in which some failed, with one of them.
func failing(t testing.TB) (*fixture, handset) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani", "dior")
	h.roll("armani", nil)
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1), failed(2, report.PhaseInstall, 20))
	for device, n := range map[string]int{"armani": 5, "dior": 3} {
		i := h.state(device, unpatched, beforeActive, report.ProgressFailed)
		i.Cause = report.CausePackage
		h.move(n, nil, i)
		i.Cause = report.CauseStorage
		h.move(n+1, nil, i)
		h.count(device, 10, confirmedOff, beforeActive)
		h.count(device, 2, leak, beforeActive)
	}
	return h, hs
}

func (h *fixture) read(path string, into any) {
	h.t.Helper()
	if w := h.get(path); w.Code != 200 {
		h.t.Fatalf("%s answers %d", path, w.Code)
	} else if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		h.t.Fatal(err)
	}
}

// TestKnownIssueIsTold: from the moment it is written, and no longer than it holds.
func TestKnownIssueIsTold(t *testing.T) {
	h, hs := failing(t)
	page := "/installations/" + hs.ref.String()
	if v := h.installation(hs); len(v.Issues) > 0 || strings.Contains(h.get(page).Body.String(), "Known issue") {
		t.Errorf("before anything is known: %+v", v.Issues)
	}
	id := h.know(stops)
	h.know("{cause: package, text: {en: The second is not told.}, who: owner}")
	h.know("{class: unpatched, text: {en: It waits.}, who: nobody}")
	v := h.installation(hs)
	if len(v.Issues) != 2 || v.Issues[0].ID != id || v.Issues[1].Value != "unpatched" || !v.Issues[0].Now || v.Issues[0].Acts != "service" ||
		v.Issues[1].Acts != "" || v.Issues[0].Since != "2014-08-12" || v.Issues[0].Lang != "en" {
		t.Errorf("told: %+v", v.Issues)
	}
	steps := ""
	for _, s := range v.Advice.Do {
		steps += s.Code + " "
	}
	if !strings.Contains(steps, "known.service remedy.") || !strings.Contains(v.Tell, "We know of this issue.") {
		t.Errorf("steps %s; %s", steps, v.Tell)
	}
	for tag, want := range map[string][]string{
		"en": {`<span class="text" lang="en" dir="auto">It stops at 40` + "\u00a0%",
			`href="https://help.example.org/known?issue=1&amp;more"`,
			"Known since 2014-08-12.", "A service centre has to act.", "It waits."},
		"zh-Hans": {`<span class="text" lang="zh-Hans" dir="auto">系统被改动过`, "已知问题", `lang="en" dir="auto">It waits.`},
		"zh-Hant": {`<span class="text" lang="en" dir="auto">It stops at 40` + "\u00a0%", "已知問題"},
	} {
		body := h.get("/" + tag + page).Body.String()
		for _, part := range want {
			if !strings.Contains(body, part) {
				t.Errorf("%s: %q is not on the page", tag, part)
			}
		}
		if strings.Contains(body, "The second is not told.") {
			t.Errorf("%s: two are told of one question", tag)
		}
	}
	golden(t, "installation-known.html", h.get("/en"+page).Body.Bytes())
	h.endIssue(id)
	if v := h.installation(hs); len(v.Issues) != 2 || v.Issues[0].Text != "The second is not told." {
		t.Errorf("once it ended: %+v", v.Issues)
	}
}

// TestKnownIssuesAreCountedApart: on the pages of models and releases, in every form, and every column adds up.
func TestKnownIssuesAreCountedApart(t *testing.T) {
	h, _ := failing(t)
	id := h.know(stops)
	h.know("{progress: failed, release: " + releaseName + ", models: [dior], text: {en: It needs room.}, who: owner}")
	h.know("{class: leak, text: {en: A copied image.}, who: engineers}")
	gone := h.know("{cause: build, text: {en: This is over.}, who: owner}")
	h.endIssue(gone)
	h.know("{cause: build, release: another, text: {en: This is elsewhere.}, who: owner}")
	var armani ModelPage
	var all ReleasePage
	h.read("/models/armani.json", &armani)
	h.read("/releases/"+releaseName+".json", &all)
	for _, tt := range []struct {
		name    string
		is      *Known
		figures Figures
		want    string
	}{
		{"armani", armani.Known, armani.Figures, "[1:5/5 |6 +12 =23] [3:2/2 |0 +21 =23]"},
		{"all", all.Known, all.Totals, "[1:5/5 2:7/7 |6 +24 =42] [3:4/4 |0 +38 =42]"},
	} {
		got := ""
		for _, c := range tt.is.Counts {
			sum, bad := c.Unexplained+c.Others, c.Unexplained
			got += "["
			for _, e := range c.Explained {
				got += fmt.Sprintf("%d:%d/%d ", e.ID, e.Installations, e.Bad)
				sum, bad = sum+e.Installations, bad+e.Bad
			}
			got += fmt.Sprintf("|%d +%d =%d] ", c.Unexplained, c.Others, c.Installations)
			if sum != c.Installations || bad != c.Bad {
				t.Errorf("%s: %d explained or not, %d bad of %+v", tt.name, sum, bad, c)
			}
		}
		if strings.TrimSpace(got) != tt.want {
			t.Errorf("%s: %s, wanted %s", tt.name, got, tt.want)
		}
		if c := tt.is.Counts; c[0].Bad != tt.figures.Failed || c[1].Bad != tt.figures.Kinds["bad"] || len(tt.is.Ended) != 1 {
			t.Errorf("%s: %+v beside %+v", tt.name, tt.is, tt.figures)
		}
	}
	if all.Known.Ended[0].Until != "2014-08-14" || all.Known.Issues[0].ID != id {
		t.Errorf("ended: %+v", all.Known)
	}
	rows := h.csv("/releases/" + releaseName + ".csv")
	for _, r := range rows {
		want := map[string][4]string{"armani": {"5", "6", "2", "0"}, "dior": {"7", "0", "2", "0"}}[r["model"]]
		if got := [4]string{r["failed_explained"], r["failed_unexplained"], r["bad_explained"], r["bad_unexplained"]}; got != want {
			t.Errorf("%s: %v, wanted %v", r["model"], got, want)
		}
	}
	var lines []string
	for _, r := range h.csv("/models/armani.csv") {
		if strings.HasPrefix(r["of"], "known_") {
			lines = append(lines, r["of"]+" "+r["key"]+" "+r["count"]+"/"+r["whole"])
		}
	}
	if want := []string{"known_progress issue-1 5/23", "known_progress unexplained 6/23", "known_progress others 12/23",
		"known_verdict issue-3 2/23", "known_verdict unexplained 0/23", "known_verdict others 21/23"}; !slices.Equal(lines, want) {
		t.Errorf("%v", lines)
	}
	for _, tag := range []string{"en", "zh-Hans", "zh-Hant"} {
		for _, path := range []string{"/models/armani", "/releases/" + releaseName, "/releases/" + releaseName + "/report"} {
			body := h.get("/" + tag + path).Body.String()
			if !strings.Contains(body, `id="issue-1"`) || strings.Contains(body, "This is elsewhere.") {
				t.Errorf("%s in %s has not what is known", path, tag)
			}
		}
		golden(t, "model-known."+tag+".html", h.get("/"+tag+"/models/armani").Body.Bytes())
	}
}

// TestKnownIssueOfOthers: of other causes, models and releases nothing is told.
func TestKnownIssueOfOthers(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	hs := newHandset(2)
	h.install(hs, beforeActive, []v1.Body{baseline(1), effectOf(2, 30)}...)
	h.know("{cause: package, text: {en: x}, who: owner}")
	h.know("{progress: running, models: [dior], text: {en: x}, who: owner}")
	h.know("{progress: running, release: another, text: {en: x}, who: owner}")
	if v := h.installation(hs); len(v.Issues) > 0 {
		t.Errorf("told: %+v", v.Issues)
	}
	id := h.know("{progress: running, release: " + releaseName + ", text: {en: It runs hot.}, who: nobody}")
	if v := h.installation(hs); len(v.Issues) != 1 || v.Issues[0].ID != id || v.Issues[0].Text != "It runs hot." {
		t.Errorf("told: %+v", v.Issues)
	}
}

// ignorant is a store that counts who asks it for known issues.
type ignorant struct {
	fleet.Viewer
	asked int
}

type ignorantTx struct {
	fleet.Tx
	of *ignorant
}

func (i *ignorant) View(ctx context.Context, fn func(fleet.Tx) error) error {
	return i.Viewer.View(ctx, func(tx fleet.Tx) error { return fn(ignorantTx{tx, i}) })
}

func (t ignorantTx) KnownIssues() fleet.KnownIssues {
	t.of.asked++
	return t.Tx.KnownIssues()
}

// TestKnownIssuesAreReadWhereTheyAreTold: once, and never for the front page.
func TestKnownIssuesAreReadWhereTheyAreTold(t *testing.T) {
	h, hs := failing(t)
	h.know(stops)
	store := &ignorant{Viewer: h.store}
	h.english = true // what is counted is what the test asks for
	h.show(store, nil)
	for path, want := range map[string]int{"/": 0, "/releases": 0, "/series.json": 0, "/models/armani": 1,
		"/releases/" + releaseName: 1, "/installations/" + hs.ref.String(): 1} {
		store.asked = 0
		if w := h.get(path); w.Code != 200 || store.asked != want {
			t.Errorf("%s answers %d and asks %d times, wanted %d", path, w.Code, store.asked, want)
		}
	}
}

// TestEndedIssuesAreBounded: a page has the last of its own, and others' do not take their place.
func TestEndedIssuesAreBounded(t *testing.T) {
	h, _ := failing(t)
	first := h.know("{class: leak, models: [armani], text: {en: x}, who: owner}")
	h.endIssue(first)
	for range endedShown + 1 {
		h.endIssue(h.know("{class: leak, models: [dior], text: {en: x}, who: owner}"))
	}
	var armani, dior ModelPage
	h.read("/models/armani.json", &armani)
	h.read("/models/dior.json", &dior)
	if e := armani.Known.Ended; len(e) != 1 || e[0].ID != first {
		t.Errorf("of armani: %+v", e)
	}
	if e := dior.Known.Ended; len(e) != endedShown || e[0].ID != first+2 {
		t.Errorf("of dior: %d, the first %+v", len(e), e[0])
	}
}

// BenchmarkKnown is the page of a release of 200 models, and the front page, while 200 known issues hold that each name all models.
func BenchmarkKnown(b *testing.B) {
	h := largeFleet(b, known.MaxModels)
	h.english = true
	var devices []string
	for _, m := range h.lineup.Models() {
		devices = append(devices, m.Device)
	}
	of := strings.Join(devices, ", ")
	for i := range known.MaxStanding {
		h.know(fmt.Sprintf("{models: [%s], %s, text: {en: x}, who: owner}", of, []string{"cause: package", "class: leak"}[i%2]))
	}
	for name, path := range map[string]string{"release": "/releases/" + releaseName + ".json", "front": "/status.json"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				h.support.kept.forget()
				if w := h.get(path); w.Code != 200 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
