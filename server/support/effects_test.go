// SPDX-License-Identifier: Apache-2.0

package support

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/release"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
)

const (
	plainSource = "notes: {en: A few repairs., zh-Hans: 修复了一些问题。}\n" +
		"questions: [{question: {en: \"Why now?\", zh-Hans: 为什么是现在？}, answer: {en: It was due., zh-Hans: 到时候了。}}]\n"
	runsSource    = "effect: {use: build-runs}\nnotes: {en: A few repairs.}\n"
	appListSource = "effect: {use: app-list-upload-off}\nnotes: {en: The list stays here.}\n"
	ownSource     = `
effect:
  define:
    name: clock-set-once
    probes: [{name: clock, kind: enum, values: [kept, reset, unset]}, {name: resets, kind: int, max: 1000, unit: times}]
    classes: [{name: keeps, kind: good}, {name: fine, kind: good}, {name: early, kind: open}]
    rules:
      - {class: keeps, code: clock_kept, when: 'on_release && clock == "kept" && resets == 0'}
      - {class: fine, code: clock_kept, when: 'on_release && clock == "kept"'}
      - {class: early, code: clock_reset, when: 'on_release && clock == "reset"'}
    words:
      xx:
        subject: The clock
        question: Does my clock jump?
        shown: The clock stays.
        classes:
          keeps: {name: Clock kept, means: It stays., tell: All is well., still: "No.", do: Nothing.}
          fine: {name: Clock fine, means: It stays., tell: All is well., still: "No.", do: Nothing.}
          early: {name: Clock early, means: It jumps., tell: It jumps., still: "Yes.", do: Wait.}
        reasons: {clock_kept: "the clock was {clock}", clock_reset: "the clock was {clock}"}
        probes: {clock: {name: Clock, values: {kept: as it was, reset: reset, unset: never set}}, resets: {name: Resets}}
notes: {xx: The clock is kept.}
`
)

// underNext is a fleet of 100 on armani under a release of that source, half of which run it.
func underNext(t testing.TB, name, source, class string) *fixture {
	h := open(t, manifests.DefaultCatalogue())
	h.next(name, source)
	h.publish("armani")
	h.roll("armani", nil)
	h.countAs("armani", 60, fleet.Class(class), notSeen, report.ProgressRunning)
	h.countAs("armani", 40, unpatched, notSeen, report.ProgressKnown)
	return h
}

// What a release promises is said in its own words, and what it does not promise is not said.
func TestAnyEffect(t *testing.T) {
	for name, tt := range map[string]struct {
		source, class string
		standing      Standing
		headline      string
		says, saysNot []string // on the page of the model
		modelBar      string   // colour of the first part
	}{
		"none": {plainSource, "unknown", Unclaimed, "60 of 100 handsets run the update. It claims no effect.",
			[]string{"No effect claimed", "claims no effect", "asked nothing about an effect", "修复了一些问题", "为什么是现在", "简体中文"},
			[]string{"has shown its effect", "Effect shown", "Cloud Messaging", "Silent", "What was found before"}, "step-known"},
		"it runs": {runsSource, "runs", Shown, "On 1 of 1 model the update has shown its effect.",
			[]string{"The new system started and was kept", "Nothing is claimed of what the update changes", "<b>60</b> Runs",
				"Marked successful"},
			[]string{"Cloud Messaging", "What was found before the update</h2>\n<table class=\"figures\"><caption>"}, "good-1"},
		"another fix": {appListSource, "sent_anyway", Leaking, "On no model has the update shown its effect so far.",
			[]string{"Sent anyway", "App backup", "The update governs the list"}, []string{"Cloud Messaging"}, "good-1"},
		"its own": {ownSource, "keeps", Shown, "On 1 of 1 model the update has shown its effect.",
			[]string{"Clock kept", "The clock stays.", "as it was; reset; never set", "0 to 1000 times", "11.6"}, []string{"Cloud Messaging"}, "good-1"},
	} {
		t.Run(name, func(t *testing.T) {
			h := underNext(t, "next", tt.source, tt.class)
			v := h.status()
			if m := v.model("armani"); m.Standing != tt.standing || !strings.HasPrefix(v.Headline, tt.headline) ||
				m.Effect != h.release.EffectName() {
				t.Errorf("%s: %s under effect %q; wanted %s, %s", v.Headline, m.Standing, m.Effect, tt.headline, tt.standing)
			}
			body := regexp.MustCompile(`</?bdi[^>]*>`).ReplaceAllString(h.get("/models/armani").Body.String(), "")
			for _, want := range tt.says {
				if !strings.Contains(body, want) {
					t.Errorf("the page does not say %q", want)
				}
			}
			for _, bad := range tt.saysNot {
				if strings.Contains(body, bad) {
					t.Errorf("the page says %q", bad)
				}
			}
			if !strings.Contains(body, `focusable="false"><rect class="c-`+tt.modelBar+`"`) {
				t.Errorf("the bar does not begin with %s", tt.modelBar)
			}
			for _, path := range []string{"/", "/releases", "/releases/next", "/models/armani"} {
				if w := h.get(path); w.Code != 200 || len(missing(w.Body.String())) > 0 {
					t.Errorf("%s: %d, lacks %v", path, w.Code, missing(w.Body.String()))
				}
			}
		})
	}
}

// Models under different effects are added up by kind, and each in its own classes.
func TestSeveralEffects(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	before := h.status().Totals.Installations
	h.next("app-list", appListSource)
	h.publishPackages(nextPackage("dior", "JHCMIBH46.0"), nextPackage("cancro", "JHCMIBH46.0"))
	h.roll("dior", nil)
	h.moveOn(20, *unmoved("dior"), h.state("dior", "not_sent", notSeen, report.ProgressRunning))
	v := h.status()
	if v.Totals.Installations != before {
		t.Errorf("%d installations, wanted %d", v.Totals.Installations, before)
	}
	dior, armani := v.model("dior"), v.model("armani")
	if dior.Effect != "app-list-upload-off" || dior.Verdicts["not_sent"] != 20 || dior.Standing != Testing {
		t.Errorf("dior: %+v", dior)
	}
	if _, ok := dior.Verdicts[confirmedOff]; ok || armani.Effect != "cloud-messaging-opt-in" || armani.Verdicts[confirmedOff] == 0 {
		t.Errorf("dior has %v, armani %v", dior.Verdicts, armani.Verdicts)
	}
	if good := v.Totals.Kinds["good"]; good != v.Totals.Proven {
		t.Errorf("%d of the kind good, %d proven", good, v.Totals.Proven)
	}
	if !strings.HasPrefix(
		v.Headline,
		"On 1 of 7 models the update has shown its effect. "+
			"On 2 models it has shown its effect where it runs, and most handsets do not run it yet.",
	) {
		t.Errorf("the headline is %q", v.Headline)
	}
	body := h.get("/").Body.String()
	for _, want := range []string{"Opposite shown, or contradictory", `<a href="/releases/app-list">`, "Proven not sent", "Proven off", "all 2 releases"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if gaps := missing(body); len(gaps) > 0 {
		t.Errorf("sentences are missing: %v", gaps)
	}
}

// unmoved is how a handset of dior stands under the first release.
func unmoved(device string) *fleet.Installation {
	first := &fixture{release: release.OptIn()}
	return first.state(device, unpatched, beforeActive, report.ProgressKnown)
}

// underTwo are a report of version 1 about the first release, and one of version 2 about another, of app-list-upload-off.
func underTwo(t testing.TB, hs handset, release string, build manifests.Build) [][]byte {
	old, err := envelope.SealV1(effectOf(1, 24), hs.key)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := envelope.Seal(report.Report{
		Seq: 2, Kind: report.KindEffect, Release: release, Model: "armani", Variant: "armani", Channel: "stable",
		Build: build.Fingerprint, BuildUTC: build.UTC, PreviousBuild: report.BuildOther, Progress: report.ProgressRunning,
		Answers: probe.Answers{
			"backup": probe.Word(
				"off",
			), "backup_origin": probe.Word("policy"), "uploads_build": probe.Int(2), "uploads_off": probe.Int(2),
			"boot": probe.Bool(true), "data_up": probe.Bool(true), "app_installed": probe.Bool(false), "observed_hours": probe.Int(24),
		},
	}, hs.key)
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{old, second}
}

// One handset under two releases: every report is worded by the release that it speaks of, whatever its version.
func TestInstallationUnderTwoReleases(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.next("app-list", appListSource)
	pkg := nextPackage("armani", "JHCMIBH46.0")
	h.publishPackages(pkg)
	hs := newHandset(1)
	h.installSealed(hs, beforeActive, underTwo(t, hs, "app-list", pkg.Build)...)
	var v InstallationPage
	if err := json.Unmarshal(h.get("/installations/"+hs.ref.String()+".json").Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if v.Release != "app-list" || v.Verdict != "sent_anyway" || v.Kind != "bad" ||
		v.Question != "Does it still send the list of my apps?" {
		t.Errorf("%s: %s, %s, %s", v.Release, v.Verdict, v.Kind, v.Question)
	}
	if len(v.Shown) != 2 || !v.Shown[0].Current || v.Shown[1].Verdict != confirmedOff || v.Shown[1].Release != releaseName {
		t.Errorf("it has shown %+v", v.Shown)
	}
	if len(v.Because) != 1 || v.Because[0] != "sent the list while that was off (times: 2–9)" {
		t.Errorf("because %q", v.Because)
	}
	page := h.get("/installations/" + hs.ref.String()).Body.String()
	for _, want := range []string{
		"Does it still send the list of my apps?", "Lists sent while that was off: 2–9.", "An app was installed: no.", "The switch: off.",
		"Sent anyway", "Proven off", "about app-list", `<a href="/releases/` + releaseName + `">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if gaps := missing(page); len(gaps) > 0 {
		t.Errorf("sentences are missing: %v", gaps)
	}
}
