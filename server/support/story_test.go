// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	v1 "landed/manifests/report/v1"
	"landed/server/fleet"
	"landed/server/support/advice"
)

func (h *fixture) installation(hs handset) (v InstallationPage) {
	h.t.Helper()
	if err := json.Unmarshal(h.get("/installations/"+hs.ref.String()+".json").Body.Bytes(), &v); err != nil {
		h.t.Fatal(err)
	}
	return v
}

// leaking is a report of the update that counts self-activations, with the switch on or off.
func leaking(seq int64, times int, state v1.State) v1.Body {
	r := effectOf(seq, 30)
	r.Evidence.AttemptsBuild, r.Evidence.AttemptsSetup, r.Evidence.State = times, times+4, state
	if state == v1.StateOn {
		r.Evidence.Origin, r.Evidence.Consent = v1.OriginCarriedOver, v1.ConsentNone
	}
	return r
}

// TestSwitchedOffSince: what was counted before its user obeyed is told as past, and what is counted after that is not.
func TestSwitchedOffSince(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	for name, tt := range map[string]struct {
		bodies []v1.Body
		want   advice.Situation
		since  int // days before now
		off    bool
	}{
		"on":        {[]v1.Body{baseline(1), leaking(2, 1, v1.StateOn)}, advice.AsClass, 1, false},
		"off since": {[]v1.Body{baseline(1), leaking(2, 1, v1.StateOn), leaking(3, 1, v1.StateOff)}, advice.Past, 2, true},
		"off, and quiet for long": {[]v1.Body{leaking(1, 1, v1.StateOn), leaking(2, 1, v1.StateOff), leaking(3, 1,
			v1.StateOff)}, advice.Past, 3, true},
		"off, and more": {[]v1.Body{leaking(1, 1, v1.StateOn), leaking(2, 1, v1.StateOff), leaking(3, 2,
			v1.StateOff)}, advice.Still, 3, true},
		"more, then off": {[]v1.Body{leaking(1, 1, v1.StateOn), leaking(2, 2, v1.StateOn), leaking(3, 2, v1.StateOff)},
			advice.Past, 3, true},
		"off, on and off": {[]v1.Body{leaking(1, 1, v1.StateOff), leaking(2, 2, v1.StateOn), leaking(3, 2,
			v1.StateOff)}, advice.Past, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			hs := newHandset(uint64(len(name)) + 100)
			h.install(hs, beforeActive, tt.bodies...)
			v := h.installation(hs)
			since := now.Add(-time.Duration(tt.since) * 24 * time.Hour)
			if v.Advice.Situation != tt.want || !v.Advice.Since.Equal(since) || v.Advice.Switch == nil ||
				v.Advice.Switch.Off != tt.off {
				t.Errorf(
					"%s since %s, switch %+v; wanted %s since %s",
					v.Advice.Situation,
					v.Advice.Since,
					v.Advice.Switch,
					tt.want,
					since,
				)
			}
			if told := strings.Contains(v.Do, "Switch it off"); told != (tt.want == advice.AsClass) {
				t.Errorf("what to do: %s", v.Do)
			}
		})
	}
}

// TestGaveUp: one that gave up is not told to wait; asked by people after that, it is told that it was.
func TestGaveUp(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", func(r *fleet.Rollout) { r.Retries = 1 })
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1), failed(2, report.PhaseBoot, 19))
	audit := func(at time.Time) {
		h.update(func(ctx context.Context, tx fleet.Tx) error {
			id := releaseName + ".armani.stable"
			return tx.Audit().
				Append(ctx, fleet.AuditEntry{At: at, Actor: "mei", Action: "rollout.retry", Subject: id, Reason: "the cause is known"})
		})
	}
	audit(now.Add(-72 * time.Hour)) // before it failed
	if v := h.installation(hs); v.Advice.Situation != advice.GaveUp || v.Offer.Code != "gave_up" ||
		v.Offer.Reason != advice.DependsOnDraw ||
		!strings.Contains(v.Do, "only they can have handsets that gave up try again") ||
		v.Advice.Failure == nil ||
		v.Advice.Failure.Remedy != advice.Build {
		t.Errorf("%+v, offer %+v", v.Advice, v.Offer)
	}
	audit(now.Add(-time.Hour))
	if v := h.installation(hs); v.Advice.Situation != advice.AskedAgain || v.Offer.Code != "tries_again" {
		t.Errorf("asked again: %+v, offer %+v", v.Advice, v.Offer)
	}
}

// TestStory: what happened is told in its order, each thing once, and what is late or of an older page is not.
func TestStory(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	hs := newHandset(1)
	begun, written := baseline(2), baseline(3)
	begun.Progress, begun.Kind, written.Progress, written.Kind = report.ProgressDownloading, report.KindProgress,
		report.ProgressInstalled, report.KindProgress
	h.install(hs, beforeActive, baseline(1), begun, written, effectOf(4, 1), effectOf(6, 24), effectOf(5, 3), effectOf(7, 24))
	v := h.installation(hs)
	var got []string
	for n, m := range v.Story {
		got = append(got, m.Code)
		if n > 0 && m.At.Before(v.Story[n-1].At) || m.Words == "" {
			t.Errorf("%d: %+v", n, m)
		}
	}
	if want := "heard met switch downloading installed running switch shown shown"; strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	page := h.get("/installations/" + hs.ref.String()).Body.String()
	for _, want := range []string{"First heard of.", "Stood as “Proven off” from here on.", "Its newest report, all ",
		"Hours observed", "less than one; less than 24"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if older := h.get("/installations/" + hs.ref.String() + "?before=3").Body.String(); strings.Contains(older, `id="life"`) {
		t.Error("a page of older reports tells the story from there on")
	}
}

// TestStoryOfMany: of a release that was left before the reports that are listed, the story says how the handset stood.
func TestStoryOfMany(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.next("app-list", appListSource)
	pkg := nextPackage("armani", "JHCMIBH46.0")
	h.publishPackages(pkg)
	hs := newHandset(1)
	sealed := underTwo(t, hs, "app-list", pkg.Build)
	second, _, err := envelope.Open(sealed[1])
	if err != nil {
		t.Fatal(err)
	}
	for second.Seq < 24 {
		second.Seq++
		next, _, err := envelope.Seal(second, hs.key)
		if err != nil {
			t.Fatal(err)
		}
		sealed = append(sealed, next)
	}
	h.installSealed(hs, beforeActive, sealed...)
	v := h.installation(hs)
	if len(v.Story) != 6 || v.Story[0].Code != "heard" || !strings.Contains(v.Story[0].Words, "pages of earlier reports") ||
		v.Story[1].Words != "Spoke of the update "+releaseName+" for the last time, and stood as “Proven off”." {
		t.Errorf("%+v", v.Story)
	}
	if !v.Advice.Since.IsZero() {
		t.Errorf("since %s, and earlier reports are not listed", v.Advice.Since)
	}
}

// TestFields: every answer of the newest report is there, with all that it could be, whether it was answered or not.
func TestFields(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1), effectOf(2, 24))
	fields := map[string]Field{}
	for _, f := range h.installation(hs).Fields {
		if fields[f.Field] != (Field{}) || f.Name == "" || f.Answer == "" || f.Range == "" {
			t.Errorf("%+v", f)
		}
		fields[f.Field] = f
	}
	for _, p := range h.release.Effect.Probes {
		if _, ok := fields[p.Name]; !ok {
			t.Errorf("%s is not told", p.Name)
		}
	}
	if f := fields["state"]; f.Answer != "off" || f.Range != "off; on; suspended until the user answers" {
		t.Errorf("%+v", f)
	}
	if f := fields["seq"]; f.Answer != "2" || fields["previous_build"].Answer != baseline(1).Build {
		t.Errorf("%+v, %+v", f, fields["previous_build"])
	}
}
