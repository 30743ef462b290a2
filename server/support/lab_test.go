// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/effect"
	signed "landed/manifests/evidence"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
	outside "landed/server/evidence"
	"landed/server/fleet"
	kit "landed/server/servertest"
)

// name puts a targets into the store that names these outsiders.
func (h *fixture) name(version int64, outsiders ...tufrepo.OutsiderKeys) {
	h.t.Helper()
	doc, err := tufrepo.NewTargets(version, now.Add(time.Hour), kit.ModelKeys("armani"), outsiders...)
	if err != nil {
		h.t.Fatal(err)
	}
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		return tx.Metadata().Put(ctx, fleet.Metadata{Role: tufrepo.Targets, Version: version, Bytes: doc, Expires: now.Add(time.Hour), At: now})
	})
}

// state hands a statement in.
func (h *fixture) stated(by string, said signed.Said) string {
	h.t.Helper()
	text, id := kit.SealStatement(h.t, by, said)
	room := outside.Room{Store: h.store, Now: func() time.Time { return now }}
	if _, _, err := room.Add(context.Background(), text, "mei"); err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *fixture) observe(by string, kind signed.Kind, v signed.Verdict) string {
	p := packageOf("armani")
	return h.stated(by, signed.Said{Observation: &signed.Observation{Kind: kind, Model: "armani", Release: releaseName, Build: p.Build.Fingerprint,
		Package: p.SHA256, Steps: []string{"wait a day"}, Seen: []string{"nothing"}, Capture: p.SHA256,
		At: now.Add(-time.Hour).UTC().Truncate(time.Second), Verdict: v}})
}

func (h *fixture) model() (m ModelPage, page string) {
	h.t.Helper()
	if err := json.Unmarshal(h.get("/models/armani.json").Body.Bytes(), &m); err != nil {
		h.t.Fatal(err)
	}
	return m, h.get("/models/armani").Body.String()
}

// TestLabChecks: what observers found stands beside the handsets' own figures, by kind, with the statements as signed.
func TestLabChecks(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	if m, page := h.model(); m.Outside.Of != 0 || len(m.Checks) != 0 || !strings.Contains(page, "No observers: nobody outside has been named") ||
		!strings.Contains(page, "No lab vouches for a handset of this model") {
		t.Errorf("without observers: %+v", m.Outside)
	}
	h.name(2, tufrepo.OutsiderKeys{Role: tufrepo.Observers, Who: kit.KeysOf(2, "ann", "bo", "cy")},
		tufrepo.OutsiderKeys{Role: tufrepo.Witnesses, Who: kit.KeysOf(1, "lab")})
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		return tx.Holders().Put(ctx, map[string]string{kit.KeyOf("ann").Key().ID(): "f-secure"})
	})
	id := h.observe("ann", signed.Traffic, signed.Confirms)
	h.observe("bo", signed.Traffic, signed.Confirms)
	h.observe("ann", signed.Transport, signed.Confirms)
	h.observe("bo", signed.Transport, signed.Inconclusive)
	bad := h.observe("bo", signed.Retention, signed.Refutes)
	m, page := h.model()
	for n, want := range []LabCheck{
		{signed.Traffic, signed.Confirmed, "2 of 3 observers confirm, 1 not yet"},
		{signed.Transport, signed.Open, "1 of 3 observers confirm, 1 could not tell, 1 not yet"},
		{signed.Retention, signed.Refuted, "0 of 3 observers confirm, 1 refutes, 2 not yet"},
	} {
		if m.Checks[n] != want || m.Outside.Builds[0].Findings[n].LabCheck != want {
			t.Errorf("%+v, wanted %+v", m.Checks[n], want)
		}
	}
	for _, want := range []string{"At least 2 of the 3 must confirm", `<bdi>f-secure</bdi> confirms`, `href="/statements/` + id + `"`,
		`<b>refuted</b><span class="means">0 of 3 observers confirm`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	for _, path := range []string{"/", "/releases/" + releaseName} {
		front := h.get(path).Body.String()
		for _, want := range []string{`Observers: <span class="lab-confirmed">Traffic <b>confirmed</b></span>`, `Retention <b>refuted</b></span>`,
			`Retention: <b>refuted</b><span class="means">0 of 3 observers confirm, 1 refutes, 2 not yet</span>`} {
			if !strings.Contains(front, want) {
				t.Errorf("%s has no %q", path, want)
			}
		}
	}
	got := h.get("/statements/" + id)
	if s, err := signed.Parse(got.Body.Bytes()); err != nil || s.ID != id {
		t.Errorf("as signed: %v, %s", err, got.Body)
	}
	back := h.stated("bo", signed.Said{Withdrawal: &signed.Withdrawal{Statement: bad, Reason: "<b>mixed up</b>", At: now.UTC().Truncate(time.Second)}})
	if m, page = h.model(); m.Checks[2].Standing != signed.Open || m.Outside.Builds[0].Findings[2].Statements[0].Withdrawn == "" ||
		!strings.Contains(page, "taken back: &lt;b&gt;mixed up&lt;/b&gt;") {
		t.Errorf("taken back: %+v", m.Outside.Builds[0].Findings[2])
	}
	if w := h.get("/statements/" + back); w.Code != 200 {
		t.Errorf("the withdrawal: %d", w.Code)
	}
	if w := h.get("/statements/" + strings.Repeat("ab", 32)); w.Code != 404 {
		t.Errorf("an unknown one: %d", w.Code)
	}
}

// TestWitnessesOnThePage: how many, and what they show; whose handsets they are is for who works here.
func TestWitnessesOnThePage(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.name(2, tufrepo.OutsiderKeys{Role: tufrepo.WitnessesOf("armani"), Who: kit.KeysOf(1, "lab")})
	ref := report.Reference("0123456789ABCDEFGHJKMNPQ")
	from := now.UTC().Truncate(time.Second)
	voucher := h.stated("lab", signed.Said{Voucher: &signed.Voucher{Installation: ref, Model: "armani", From: from, Until: from.AddDate(0, 1, 0)}})
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		return tx.Rollouts().Create(ctx, fleet.Rollout{ID: releaseName + ".armani.stable", Release: releaseName, Model: "armani",
			Channel: "stable", Stages: fleet.DefaultStages(0), State: fleet.RolloutRunning, Since: now, Started: now, Changed: now})
	})
	waitsForIt := func() bool {
		m, _ := h.model()
		return strings.Contains(strings.Join(m.Rollouts[0].Waiting, "; "), "a test handset of a lab has shown the effect within the last")
	}
	if !waitsForIt() {
		t.Error("the page does not say that the stage waits for the witness")
	}
	i := fleet.Installation{Ref: ref, Release: releaseName, Current: true, Model: "armani", Channel: "stable", Verdict: "confirmed_off",
		Kind: effect.Good, Progress: report.ProgressRunning, Before: effect.NotSeen, First: now, Last: now, Seq: 1, Reports: 1}
	if err := h.store.UpdateReports(context.Background(), func(tx fleet.Tx) error { return tx.Installations().Put(context.Background(), i) }); err != nil {
		t.Fatal(err)
	}
	if waitsForIt() {
		t.Error("the page says that the stage waits for the witness, which has shown the effect")
	}
	m, page := h.model()
	if want := (LabWitnesses{releaseName + ".armani.stable", "stable", 1, 1, 0, 0}); len(m.Outside.Witnesses) != 1 || m.Outside.Witnesses[0] != want {
		t.Errorf("%+v, wanted %+v", m.Outside.Witnesses, want)
	}
	if !strings.Contains(page, "a lab vouches for 1 handset of the model. 1 shows the effect, 0 show the opposite.") || strings.Contains(page, string(ref)) {
		t.Errorf("the page says otherwise, or names the handset")
	}
	if w := h.get("/statements/" + voucher); w.Code != 404 {
		t.Errorf("anybody reads the voucher: %d", w.Code)
	}
}
