// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/effect"
	"landed/manifests/release"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
)

// judgeFlags are what is judged, and what is known beside it.
type judgeFlags struct {
	releases         []string
	report, language string
	last, now        string
	cloned, asJSON   bool
}

// judging is the command that says what a report proves.
type judging struct{ term *terminal }

func (j *judging) command() *cobra.Command {
	var f judgeFlags
	c := &cobra.Command{
		Use:   "judge --release FILE --report FILE",
		Short: "Say what a report proves, by the rules that were signed",
		Long: "Computes from an effect document and one report the class that the status page shows, and why. The\n" +
			"effect document is a target of the feed, builds/MODEL/RELEASE.effect.json; name those of other releases\n" +
			"too: builds of later ones count as well if they keep the effect, and what a build of an earlier one\n" +
			"does is judged under its own. The report is the signed envelope. Nothing\n" +
			"else is read, and nothing is asked of a server. Whether two handsets use one key, and how long a\n" +
			"handset has been silent, no report can say: tell it with --cloned, --last and --now.\n" +
			"Exit code 0, whatever the class; 2: something could not be read.",
		Example: "  otasign judge --release feed/targets/builds/armani/0f3c….fix.effect.json --report report.json\n" +
			"  otasign judge --release fix.effect.json,second.effect.json --report report.json --language zh-Hans --json\n" +
			"  otasign judge --release second.effect.json,fix.effect.json --report of-second.json\n" +
			"  otasign judge --release fix.effect.json --report report.json --last 2026-01-02T00:00:00Z " +
			"--now 2026-01-31T00:00:00Z",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return j.judge(f) },
	}
	set := c.Flags()
	set.StringSliceVar(&f.releases, "release", nil,
		"effect documents, `files`: of the release that the report is about, and of others")
	set.StringVar(&f.report, "report", "", "the report, a `file` with its signed envelope")
	set.StringVar(&f.language, "language", "en", "`language` of the words, as en or zh-Hans")
	set.StringVar(&f.last, "last", "", "`time` at which the report came, 2026-01-31T12:00:00Z")
	set.StringVar(&f.now, "now", "", "`time` as of which silence is judged (default: that at which the report came)")
	set.BoolVar(&f.cloned, "cloned", false, "two different reports carried one sequence number")
	set.BoolVar(&f.asJSON, "json", false, "print the verdict as JSON")
	for _, flag := range []string{"release", "report"} {
		if err := c.MarkFlagRequired(flag); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return c
}

// signedEffect is an effect document as it was read.
type signedEffect struct {
	release.EffectDocument
	program *effect.Program
	sha256  string
}

func (d signedEffect) promise() effect.Promise {
	return effect.Promise{Release: d.Release, Counter: d.Counter, Program: d.program, Builds: d.Builds}
}

func (j *judging) judge(f judgeFlags) error {
	var documents []signedEffect
	var faults []error
	for _, path := range f.releases {
		d, err := load(path, readEffect)
		faults = append(faults, err)
		documents = append(documents, d)
	}
	r, reference, err := loadReport(f.report)
	faults = append(faults, err)
	last, errLast := timeOf("last", f.last, time.Time{})
	now, errNow := timeOf("now", f.now, last)
	if f.now != "" && f.last == "" {
		faults = append(faults, errors.New("--now tells of silence only together with --last, "+
			"the time at which the report came"))
	}
	if err := errors.Join(append(faults, errLast, errNow)...); err != nil {
		return err
	}
	by, standard, err := standardFor(documents, r)
	if err != nil {
		return err
	}
	if _, ok := by.Effect.Words[f.language]; !ok {
		return fmt.Errorf("the effect has no words in %q; it has them in %s (--language)",
			f.language, strings.Join(slices.Sorted(maps.Keys(by.Effect.Words)), ", "))
	}
	v := effect.Judge(now, effect.Subject{Newest: r, Last: last, Cloned: f.cloned}, standard)
	return j.tell(f.judgement(by, documents, r, reference, v), f.asJSON)
}

// standardFor picks the document that the report is about, and what it is judged by beside the others.
func standardFor(documents []signedEffect, r report.Report) (by signedEffect, standard effect.Standard, err error) {
	var have []string
	i := slices.IndexFunc(documents, func(d signedEffect) bool { return d.Release == r.Release && d.Model == r.Model })
	if i < 0 {
		for _, d := range documents {
			have = append(have, fmt.Sprintf("%s for %s", d.Release, d.Model))
		}
		return by, standard, fmt.Errorf("the report is about release %s on %s; "+
			"wanted its effect document, builds/%s/%s.effect.json. There is %s",
			r.Release, r.Model, strings.ToLower(r.Model), r.Release, strings.Join(have, " and "))
	}
	by = documents[i]
	var all []effect.Promise
	for _, d := range documents {
		if d.Model == by.Model {
			all = append(all, d.promise())
		}
	}
	return by, effect.StandardOf(by.promise(), all), nil
}

func readEffect(text []byte) (signedEffect, error) {
	d, program, err := release.ParsePublishedEffect(text)
	return signedEffect{d, program, fmt.Sprintf("%x", sha256.Sum256(text))}, err
}

func loadReport(path string) (report.Report, report.Reference, error) {
	text, err := readFile(path)
	if err != nil {
		return report.Report{}, "", err
	}
	r, reference, err := envelope.Open([]byte(strings.TrimSuffix(string(text), "\n"))) // an editor adds a line end
	if err != nil {
		return r, reference, parseError(path, text, fmt.Errorf("signed report: %w", err))
	}
	return r, reference, nil
}

func timeOf(flag, text string, none time.Time) (time.Time, error) {
	if text == "" {
		return none, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("--%s %q: wanted a time such as 2026-01-31T12:00:00Z", flag, text)
	}
	return t, nil
}

// The words of what holds for every effect.
var (
	commonClasses = map[string]string{
		effect.Contradictory: "Cannot be true", effect.Implausible: "Cannot have been seen yet",
		effect.Unpatched: "Without the update", effect.Unknown: "Nothing can be said",
	}
	commonReasons = map[string]string{
		effect.CodeCloned: "two different reports carried one sequence number: a key was copied, or " +
			"a handset was put back",
		effect.CodeOtherModel:   "the running build is made for another model or image variant",
		effect.CodeNotOfRelease: "the running build is not of the release",
		effect.CodeTooSoon:      "it was observed for longer than the build has been published",
		effect.CodeClaimsToRun:  "it says that the update runs, but the running build is not of the release",
		effect.CodeSilent:       "no report for more than 15 days, and none from the release",
		effect.CodeNoRule:       "it runs the release, and no rule of the effect holds",
		effect.CodeNoEffect:     "it runs the release, which claims no effect",
	}
)
