// SPDX-License-Identifier: Apache-2.0

package recount_test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/server/fleet"
	"landed/server/published"
	"landed/server/recount"
	"landed/server/settle"
)

var at = time.Date(2014, 8, 31, 12, 0, 0, 0, time.UTC)

// state is one of an installation of armani under release one.
func state(ref string, class fleet.Class, kind fleet.Kind, change func(*fleet.Installation)) fleet.Installation {
	i := fleet.Installation{Ref: report.Reference(ref), Release: "one", Current: true, Model: "armani", Channel: "stable",
		Progress: report.ProgressRunning, Verdict: class, Kind: kind, Before: effect.NotSeen, First: at, Last: at}
	if change != nil {
		change(&i)
	}
	return i
}

// TestNumbers: of states follow the numbers that a page shows, those of the whole fleet with whoever has not met the release.
func TestNumbers(t *testing.T) {
	count := recount.NewCounter(at, tally.Schema)
	for _, i := range []fleet.Installation{
		state("A", "off", effect.Good, func(i *fleet.Installation) { i.Admitted, i.Counted = at, true }),
		state("B", "leak", effect.Bad, nil),
		state("C", effect.Unpatched, effect.Unjudged, func(i *fleet.Installation) {
			i.Progress, i.Last = report.ProgressKnown, at.AddDate(0, 0, -30)
		}),
		state("D", effect.Unpatched, effect.Unjudged, func(i *fleet.Installation) {
			i.Progress, i.Last = report.ProgressInstalled, at.AddDate(0, 0, -4)
		}),
		state("E", "leak", effect.Bad, func(i *fleet.Installation) { i.Quarantined = true }),
		state("F", "off", effect.Good, func(i *fleet.Installation) { i.Release = "old" }),
	} {
		count.Add(i)
	}
	one := published.Release{Packages: []fleet.Package{{Model: "armani"}}}
	one.Name = "one"
	f := count.Figures()
	own := recount.Own(one, f.OfRelease("one", "armani"))
	for name, want := range map[string]int64{"installations": 4, "proven": 1, "opposite": 1, "judged": 2, "lost": 1, "counted.proven": 1,
		"counted.installations": 1, "quarantined.installations": 1, "quarantined.opposite": 1, "verdicts.unpatched": 1, "unmet": 0,
		"kinds.unjudged": 2, "progress.running": 2, "silent_for.of": 4, "silent_for.14": 1, "silent_for.28": 1, "silent_for.56": 0,
		"silent_for.counted.of": 1, "silent_for.counted.14": 0, "silent_for.quarantined.of": 1} {
		if own[name] != want {
			t.Errorf("%s is %d, wanted %d", name, own[name], want)
		}
	}
	if all := recount.Whole(one, f.Of("armani")); all["installations"] != 5 || all["unmet"] != 1 ||
		all["proven_earlier"] != 1 || all["proven"] != 1 || all["silent_for.of"] != 5 || all["silent_for.28"] != 1 {
		t.Errorf("of the whole fleet: %v", all)
	}
	maintained := recount.Figures{Cells: slices.Clone(f.Cells), Totals: slices.Clone(f.Totals)}
	for n := range maintained.Cells {
		maintained.Cells[n].Heard, maintained.Cells[n].Counted.Heard, maintained.Cells[n].Quarantined.Heard = nil, nil, nil
	}
	if own := recount.Own(one, maintained.OfRelease("one", "armani")); own["silent_for.of"] != 0 {
		t.Errorf("nobody looked, and it says %v", own)
	}
	maintained.HearFigures(f)
	if again := recount.Own(one, maintained.OfRelease("one", "armani")); !maps.Equal(own, again) {
		t.Errorf("with what was counted again it says\n%v, wanted\n%v", again, own)
	}
}

// TestCountedUnmet: who runs the release and does not count for it has met it all the same.
func TestCountedUnmet(t *testing.T) {
	for schema, want := range map[int]int64{1: 2, tally.Schema: 1} {
		count := recount.NewCounter(at, schema)
		for n, ref := range []string{"A", "B", "C"} {
			count.Add(state(ref, "off", effect.Good, func(i *fleet.Installation) { i.Admitted, i.Counted = at, n > 0 }))
		}
		count.Add(state("D", "off", effect.Good, func(i *fleet.Installation) { i.Admitted, i.Release = at, "old" }))
		one := published.Release{Packages: []fleet.Package{{Model: "armani"}}}
		one.Name = "one"
		all := recount.Whole(one, count.Figures().Of("armani"))
		if all["unmet"] != 1 || all["counted.unmet"] != want || all["counted.installations"] != 2+want {
			t.Errorf("schema %d: %v", schema, all)
		}
	}
}

// TestDiffer names the first number that differs, and what is missing.
func TestDiffer(t *testing.T) {
	cell := func(model string, n int64, root string) tally.Cell {
		return tally.Cell{Model: model, Release: "one", Numbers: map[string]int64{"judged": n, "proven": 1}, Root: root}
	}
	for wants, tt := range map[string][2][]tally.Cell{
		"": {{cell("a", 1, "x")}, {cell("a", 1, "x")}},
		"release one on model a: judged is 1 in the tally, and 2 follows": {{cell("a", 1, "x")}, {cell("a", 2, "x")}},
		"commits to other reports":                                        {{cell("a", 1, "x")}, {cell("a", 1, "y")}},
		"release one on model b: the tally has nothing":                   {{cell("a", 1, "x")}, {cell("a", 1, "x"), cell("b", 1, "x")}},
		"release one on model b: it is in the tally, and":                 {{cell("a", 1, "x"), cell("b", 1, "x")}, {cell("a", 1, "x")}},
	} {
		err := recount.Differ(tt[0], tt[1])
		if (err == nil) != (wants == "") || err != nil && !strings.Contains(err.Error(), wants) {
			t.Errorf("%v, wanted %q", err, wants)
		}
	}
}

const figures = `"proven_interval":{"low":945,"high":9055,"confidence":95},
	"installations":2,"unmet":0,"running":2,"failed":0,"lost":0,"judged":2,"proven":1,"opposite":0,"proven_earlier":0,
	"opposite_earlier":0,"kinds":{"good":1},"verdicts":{"off":1},"progress":{"running":2},"before":{"not_seen":2},"causes":{},
	"counted":{"installations":0,"unmet":0,"running":0,"failed":0,"lost":0,"judged":0,"proven":0,"opposite":0},
	"quarantined":{"installations":0,"unmet":0,"running":0,"failed":0,"lost":0,"judged":0,"proven":0,"opposite":0}`

const page = `{"models":[{"model":"armani","release":"one",` + figures + `}],"totals":{` + figures + `}}`

func shown() tally.Tally {
	return tally.Tally{Models: []tally.Cell{{Model: "armani", Release: "one", Numbers: map[string]int64{"installations": 2, "running": 2,
		"judged": 2, "proven": 1, "kinds.good": 1, "verdicts.off": 1, "progress.running": 2, "before.not_seen": 2}}}}
}

func TestPage(t *testing.T) {
	if err := recount.Page(shown(), "status.json", []byte(page)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][3]string{
		{`"judged":2`, `"judged":3`, "model armani: judged is 3 on the page, and 2 in the tally"},
		{`"off":1`, `"on":1`, "model armani: verdicts.off is 0 on the page"},
		{`"causes":{}`, `"causes":{"network":1}`, "causes.network is 1"},
		{`"model":"armani"`, `"model":"pisces"`, "model \"pisces\": the tally has nothing"},
		{`"release":"one"`, `"release":"two"`, "stands under release"},
		{`"kinds":{"good":1}`, `"kinds":7`, "kinds"},
		{`"low":945`, `"low":946`, "proven_interval is 946 to 9055 at 95 %, and 945 to 9055"},
		{`"confidence":95`, `"confidence":99`, "at 99 %"},
		{`{"low":945,"high":9055,"confidence":95}`, `null`, "missing"},
		{`"counted":{`, `"counted":{"proven_interval":{"low":1,"high":2,"confidence":95},`, "counted.proven_interval"},
	} {
		text := strings.Replace(page, change[0], change[1], 1)
		if err := recount.Page(shown(), "status.json", []byte(text)); err == nil || !strings.Contains(err.Error(), change[2]) {
			t.Errorf("%s: %v, wanted %q", change[1], err, change[2])
		}
	}
	i := strings.LastIndex(page, `"proven":1`)
	if err := recount.Page(shown(), "status.json", []byte(page[:i]+`"proven":2`+page[i+10:])); err == nil ||
		!strings.HasPrefix(err.Error(), "totals: proven is 2") {
		t.Errorf("another total: %v", err)
	}
	if recount.Page(shown(), "models/armani.json", []byte(page)) == nil {
		t.Error("a page that no tally speaks of passes")
	}
}

// TestPageSilence holds what a page says of silence against a tally that says it; one of schema 1 does not.
func TestPageSilence(t *testing.T) {
	of := shown()
	of.Schema, of.AsOf = tally.Silence, at
	for name, n := range map[string]int64{"silent_for.of": 2, "silent_for.14": 1, "silent_for.counted.of": 1} {
		of.Models[0].Numbers[name] = n
	}
	whole := strings.Replace(page, `{"models"`, `{"silent_for":{"at":"2014-08-31T12:00:00Z","of":2,"14":1,"28":0,"56":0,
		"counted":{"of":1,"14":0,"28":0,"56":0},"quarantined":{"of":0,"14":0,"28":0,"56":0}},"models"`, 1)
	if err := recount.Page(of, "status.json", []byte(whole)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][3]string{
		{`"14":1`, `"14":2`, "silent_for.14 is 2 on the page, and 1 in the tally"},
		{`"of":1,`, `"of":0,`, "silent_for.counted.of is 0 on the page"},
		{`12:00:00Z`, `11:00:00Z`, "silent_for is of"},
		{`"silent_for"`, `"silence"`, "silent_for.14 is 0 on the page"},
		{`"56":0`, `"84":7`, "silent_for.84 is 7 on the page"},
		{`"counted":{"of"`, `"counted":7,"more":{"of"`, "silent_for.counted"},
	} {
		text := []byte(strings.Replace(whole, change[0], change[1], 1))
		if err := recount.Page(of, "status.json", text); err == nil || !strings.Contains(err.Error(), change[2]) {
			t.Errorf("%s: %v, wanted %q", change[1], err, change[2])
		}
		of.Schema = 1
		before := of.Models[0].Numbers
		of.Models[0].Numbers = shown().Models[0].Numbers
		if err := recount.Page(of, "status.json", text); err != nil {
			t.Errorf("%s, against a tally that does not say it: %v", change[1], err)
		}
		of.Schema, of.Models[0].Numbers = tally.Silence, before
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(page))
	f.Add([]byte(`{"silent_for":{"at":"2014-08-31T12:00:00Z","of":2,"counted":{"of":1}}` + "," + page[1:]))
	of := shown()
	of.Schema = tally.Silence
	f.Fuzz(func(_ *testing.T, text []byte) { _ = recount.Page(of, "status.json", text) })
}

// FuzzRun: whatever stands in a file of evidence, what is not signed at its end is not counted.
func FuzzRun(f *testing.F) {
	var text bytes.Buffer
	header := recount.NewHeader(1, make([]byte, tally.KeySize), published.Releases{}, nil, settle.Control{}, at)
	if err := recount.Write(&text, header); err != nil {
		f.Fatal(err)
	}
	f.Add(text.Bytes())
	f.Add(append(text.Bytes(), `{"reference":"A","reports":[{"n":1,"at":0,"id":"","seq":1,"envelope":"{}"}]}`...))
	f.Add(append(text.Bytes(), `{"sha256":"","keyid":"","sig":""}`...))
	f.Fuzz(func(t *testing.T, text []byte) {
		if done, err := recount.Run(context.Background(), tally.Tally{Number: 1, AsOf: at}, nil, bytes.NewReader(text)); err == nil {
			t.Errorf("%s is counted: %+v", text, done)
		}
	})
}
