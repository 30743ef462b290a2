// SPDX-License-Identifier: Apache-2.0

package known

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

var now = time.Date(2014, 8, 14, 9, 30, 0, 0, time.UTC)

const whole = `models: [dior, armani]
release: fix-1
cause: package
text:
  en: It stops at 40 % on a changed system.
  zh-Hans: 系统被改动过的手机会停在 40%。
link: https://help.example.org/known?issue=3#why
since: 2014-08-12
who: service
`

func TestParse(t *testing.T) {
	k, err := Parse([]byte(whole), now)
	if err != nil {
		t.Fatal(err)
	}
	want := fleet.KnownIssue{Models: []string{"armani", "dior"}, Release: "fix-1", Subject: fleet.KnownCause, Value: "package",
		Text: []fleet.KnownText{{Lang: "en", Text: "It stops at 40 % on a changed system."},
			{Lang: "zh-Hans", Text: "系统被改动过的手机会停在 40%。"}},
		Link: "https://help.example.org/known?issue=3#why", Since: now.Truncate(24*time.Hour).AddDate(0, 0, -2), Who: fleet.KnownService}
	if fmt.Sprint(k) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", k, want)
	}
	k, err = Parse([]byte("{class: leak, text: {en: x}, who: nobody}"), now)
	if err != nil || len(k.Models) > 0 || k.Release != "" || k.Link != "" || !k.Since.Equal(now.Truncate(24*time.Hour)) {
		t.Errorf("of every model: %+v, %v", k, err)
	}
}

// TestParseRefuses: each of these is the whole text with one thing wrong, and the fault names it.
func TestParseRefuses(t *testing.T) {
	with := func(old, new string) string {
		if !strings.Contains(whole, old) {
			t.Fatalf("%q is not in it", old)
		}
		return strings.Replace(whole, old, new, 1)
	}
	link := "https://help.example.org/known?issue=3#why"
	en := "It stops at 40 % on a changed system."
	for name, tt := range map[string]struct{ text, fault string }{
		"nothing":                   {"", "empty"},
		"no YAML":                   {"models: [", "cannot be read"},
		"two documents":             {whole + "---\n" + whole, "more than one"},
		"an unknown field":          {whole + "until: 2014-09-01\n", "until"},
		"too long":                  {whole + strings.Repeat("#", MaxSource), "bytes long"},
		"no subject":                {with("cause: package\n", ""), "none of them"},
		"two subjects":              {whole + "class: leak\n", "cause, class"},
		"an unknown cause":          {with("package", "weather"), "weather"},
		"an unknown progress":       {with("cause: package", "progress: done"), "done"},
		"a class that is none":      {with("cause: package", "class: Leak!"), "Leak!"},
		"a model that is none":      {with("dior", "Mi 3"), "Mi 3"},
		"a model twice":             {with("dior", "armani"), "twice"},
		"a release that is none":    {with("fix-1", "Fix 1"), "Fix 1"},
		"no English":                {with("  en: "+en+"\n", ""), "text.en is missing"},
		"an empty text":             {with(en, `"  "`), "text.en is missing"},
		"an empty other text":       {with("系统被改动过的手机会停在 40%。", `""`), "text.zh-Hans has 0"},
		"a language that is none":   {with("zh-Hans:", "Chinese:"), "Chinese"},
		"a text that is too long":   {with(en, strings.Repeat("x", MaxText+1)), "501 letters"},
		"a letter that turns":       {with(en, `"a\u202Eb"`), "U+202E"},
		"a letter of no width":      {with(en, `"a\u200Bb"`), "U+200B"},
		"an isolate":                {with(en, `"a\u2067b"`), "U+2067"},
		"two paragraphs":            {with(en, `"a\n\nb"`), "U+000A"},
		"a separator of paragraphs": {with(en, `"a\u2029b"`), "U+2029"},
		"a plain link":              {with("https://", "http://"), "https://"},
		"a script":                  {with(link, "javascript:alert(1)"), "https://"},
		"a link without a host":     {with(link, "https:///known"), "no host"},
		"a link without slashes":    {with(link, "https:help.example.org"), "https://"},
		"somebody's name":           {with("help.example", "mei:secret@help.example"), "user"},
		"a link with a space":       {with(link, `"https://help.example.org/a b"`), "space"},
		"a link that turns":         {with(link, `"https://help.example.org/\u202Egro"`), "nobody sees"},
		"a link that is too long":   {with(link, link+strings.Repeat("x", MaxLink)), "bytes"},
		"a day that is none":        {with("2014-08-12", "yesterday"), "yesterday"},
		"a day to come":             {with("2014-08-12", "2014-08-15"), "yet to come"},
		"long ago":                  {with("2014-08-12", "0001-01-01"), "0001"},
		"somebody else":             {with("service", "support"), "owner, service, engineers, nobody"},
		"nobody named":              {with("who: service\n", ""), "who"},
	} {
		_, err := Parse([]byte(tt.text), now)
		if err == nil || !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: %v; wanted one about %q", name, err, tt.fault)
		}
	}
	_, err := Parse([]byte("{models: [Mi 3], cause: x, class: y, text: {en: \"a\\u202Eb\"}, link: http://u@h, since: x, who: x}"), now)
	for _, part := range []string{"Mi 3", "cause, class", `the cause is "x"`, "U+202E", "https://", "user", "since", "who"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("all at once: %q is not in %v", part, err)
		}
	}
	if n := strings.Count(fmt.Sprint(err), "\n") + 1; n != 8 {
		t.Errorf("%d faults: %v", n, err)
	}
}

// FuzzParse: what is taken is within its bounds, has one subject and text in English, and leads nowhere but to a page.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("{progress: installed, text: {en: x, fr: y}, who: owner, link: 'https://a/'}"))
	f.Add([]byte("class: leak\ntext: {en: \"\\u202E\"}\nwho: nobody"))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := Parse(text, now)
		if err != nil {
			return
		}
		if !slices.Contains(fleet.KnownSubjects, k.Subject) || k.Value == "" || !slices.Contains(fleet.KnownWhos, k.Who) ||
			k.Since.After(now) || len(k.Models) > MaxModels || len(k.Link) > MaxLink {
			t.Errorf("%+v", k)
		}
		english := false
		for _, one := range k.Text {
			english = english || one.Lang == English
			if one.Text == "" || len([]rune(one.Text)) > MaxText || strings.ContainsFunc(one.Text, unseen) {
				t.Errorf("%s: %q", one.Lang, one.Text)
			}
		}
		if !english || k.Link != "" && !strings.HasPrefix(strings.ToLower(k.Link), "https://") {
			t.Errorf("%+v", k)
		}
	})
}

// rule is a known issue with its number.
func rule(id int64, subject fleet.KnownSubject, value, release string, models ...string) fleet.KnownIssue {
	return fleet.KnownIssue{ID: id, Subject: subject, Value: value, Release: release, Models: models}
}

// crowd is an installation of each kind on two models and under two releases, so often as its place says.
func crowd() (all []fleet.Installation) {
	classes := []fleet.Class{"leak", "proven", "unpatched", "contradictory"}
	causes := append(slices.Clone(report.Causes), "")
	n := 0
	for _, model := range []string{"armani", "dior"} {
		for _, release := range []string{"a", "b"} {
			for _, progress := range report.ProgressValues {
				for _, cause := range causes {
					if progress != report.ProgressFailed && cause != "" {
						continue
					}
					for _, class := range classes {
						n++
						for range n % 4 {
							all = append(all, fleet.Installation{Model: model, Release: release, Channel: "stable", Progress: progress,
								Cause: cause, Verdict: class})
						}
					}
				}
			}
		}
	}
	return all
}

// cellsOf counts as the store does.
func cellsOf(all []fleet.Installation) (cells []fleet.Counts) {
	for _, i := range all {
		at := slices.IndexFunc(cells, func(c fleet.Counts) bool { return c.Model == i.Model && c.Release == i.Release })
		if at < 0 {
			at = len(cells)
			cells = append(cells, fleet.Counts{Model: i.Model, Release: i.Release, Channel: i.Channel, Figures: fleet.NewFigures()})
		}
		f := cells[at].Figures
		f.Verdicts[i.Verdict]++
		f.Progress[i.Progress]++
		if i.Cause != "" {
			f.Causes[i.Cause]++
		}
		cells[at].Installations++
	}
	return cells
}

func isBad(c fleet.Class) bool { return c == "leak" || c == "contradictory" }

// TestCountsAreTheInstallations: whatever is known, the figures count each installation under the issues that its own page
// tells, each once on its axis, and every column adds up.
func TestCountsAreTheInstallations(t *testing.T) {
	all := crowd()
	cells := cellsOf(all)
	cause, progress, class := fleet.KnownCause, fleet.KnownProgress, fleet.KnownClass
	for name, issues := range map[string][]fleet.KnownIssue{
		"nothing":              nil,
		"one cause":            {rule(1, cause, "package", "")},
		"a part, then a whole": {rule(1, cause, "package", "a", "armani"), rule(2, progress, "failed", "")},
		"a whole, then a part": {rule(1, progress, "failed", ""), rule(2, cause, "package", "a", "armani")},
		"the same twice":       {rule(1, class, "leak", ""), rule(4, class, "leak", ""), rule(9, class, "leak", "a")},
		"both questions":       {rule(1, class, "leak", ""), rule(2, progress, "running", ""), rule(3, cause, "build", "b", "dior")},
		"other models":         {rule(1, cause, "package", "", "cancro"), rule(2, class, "leak", "c")},
		"all of them": {rule(1, progress, "known", ""), rule(2, progress, "downloading", ""), rule(3, progress, "installed", ""),
			rule(4, progress, "running", ""), rule(5, progress, "failed", ""), rule(6, class, "proven", "", "armani", "dior")},
	} {
		for _, release := range []string{"a", "b"} {
			countsAre(t, name+" under "+release, issues, release, all, cells)
		}
	}
}

// countsAre wants the installations of a release counted as each of them is told.
func countsAre(
	t *testing.T, name string, issues []fleet.KnownIssue, release string, all []fleet.Installation, cells []fleet.Counts,
) {
	t.Helper()
	want, of := map[int64]int64{}, int64(0)
	for _, i := range all {
		if i.Release != release {
			continue
		}
		of++
		told := Of(issues, i)
		if len(told) > 2 || len(told) == 2 && AxisOf(told[0]) == AxisOf(told[1]) {
			t.Fatalf("%s: %d are told of one installation", name, len(told))
		}
		for _, k := range told {
			want[k.ID]++
		}
	}
	counter := CounterOf(issues, release, isBad)
	var models [][]Count
	for _, cell := range cells {
		if cell.Release == release {
			models = append(models, counter.On(cell.Model, cell))
		}
	}
	counts := counter.Together(models...)
	if len(counts) != len(Axes) {
		t.Fatalf("%s: %d axes", name, len(counts))
	}
	for _, c := range counts {
		var bad int64
		for _, e := range c.Explained {
			if e.N != want[e.Issue.ID] || AxisOf(e.Issue) != c.Axis {
				t.Errorf("%s, %s: issue %d explains %d, and is told of %d", name, c.Axis, e.Issue.ID, e.N, want[e.Issue.ID])
			}
			bad += e.Bad
			delete(want, e.Issue.ID)
		}
		if c.By()+c.Bad+c.Rest != of || c.All != of || c.Rest < 0 || c.Bad+bad != c.AllBad {
			t.Errorf("%s, %s: %d and %d and %d of %d, bad %d of %d", name, c.Axis, c.By(), c.Bad, c.Rest, c.All, bad, c.AllBad)
		}
	}
	for id, n := range want {
		t.Errorf("%s: issue %d is told of %d, and not counted", name, id, n)
	}
}

func TestUnexplainedFailures(t *testing.T) {
	cell := fleet.Counts{Model: "armani", Release: "a", Figures: fleet.NewFigures()}
	cell.Installations = 100
	cell.Progress[report.ProgressFailed], cell.Progress[report.ProgressRunning] = 30, 70
	cell.Causes[report.CausePackage], cell.Causes[report.CauseNetwork] = 12, 10 // of 8 no cause is stored
	c := CounterOf([]fleet.KnownIssue{rule(1, fleet.KnownCause, "package", "")}, "a", isBad).On("armani", cell)[0]
	if c.Explained[0].N != 12 || c.Bad != 18 || c.Rest != 70 || c.AllBad != 30 {
		t.Errorf("%+v", c)
	}
}

func TestTouching(t *testing.T) {
	ended := rule(4, fleet.KnownClass, "leak", "")
	ended.Ended = now
	all := []fleet.KnownIssue{rule(1, fleet.KnownClass, "leak", ""), rule(2, fleet.KnownClass, "leak", "b"),
		rule(3, fleet.KnownClass, "leak", "a", "dior"), ended}
	ids := func(some []fleet.KnownIssue) (ids []int64) {
		for _, k := range some {
			ids = append(ids, k.ID)
		}
		return ids
	}
	for want, got := range map[string][]fleet.KnownIssue{
		"[1 4]": Touching(all, "a", "armani"), "[1 3 4]": Touching(all, "a", "armani", "dior"), "[1 2 4]": Touching(all, "b", "dior"),
		"[1 2 3]": Holding(all), "[1]": Holding(Touching(all, "a", "armani")),
	} {
		if fmt.Sprint(ids(got)) != want {
			t.Errorf("%v, wanted %s", ids(got), want)
		}
	}
}

// TestLinesOfModels: a model has a line for each known issue about it, and all of them together each line once, in their order.
func TestLinesOfModels(t *testing.T) {
	ended := rule(5, fleet.KnownClass, "leak", "")
	ended.Ended = now
	c := CounterOf([]fleet.KnownIssue{rule(1, fleet.KnownClass, "leak", "", "dior", "armani"), rule(2, fleet.KnownClass, "leak", ""),
		rule(3, fleet.KnownClass, "leak", "b"), rule(4, fleet.KnownClass, "leak", "a", "dior"), ended}, "a", isBad)
	for want, counts := range map[string][]Count{
		"[1 2]": c.On("armani"), "[1 2 4]": c.Together(c.On("dior"), c.On("armani")), "[2]": c.Together(),
	} {
		var ids []int64
		for _, e := range counts[1].Explained {
			ids = append(ids, e.Issue.ID)
		}
		if fmt.Sprint(ids) != want || len(counts[0].Explained) > 0 {
			t.Errorf("lines %v, wanted %s", ids, want)
		}
	}
}
