// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"strings"
	"testing"
	"time"

	"landed/manifests/effect"
	signed "landed/manifests/evidence"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
	"landed/server/evidence"
	"landed/server/fleet"
	kit "landed/server/servertest"
)

var labs = []tufrepo.OutsiderKeys{
	{Role: tufrepo.Observers, Who: kit.KeysOf(2, "f-secure", "tuv", "cert")},
	{Role: tufrepo.Witnesses, Who: kit.KeysOf(1, "lab")},
	{Role: tufrepo.WitnessesOf("dior"), Who: kit.KeysOf(1, "dior-lab")},
}

// house is a release for armani and dior, with observers and labs.
type house struct {
	*kit.Rooms
	t        *testing.T
	packages map[string]fleet.Package
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{kit.New(t), t, map[string]fleet.Package{}}
	h.Released("armani", "dior")
	kit.NameOutsiders(h.Rooms, []string{"armani", "dior"}, labs...)
	for _, p := range packagesOf(h.Rooms) {
		h.packages[p.Model] = p
	}
	return h
}

func packagesOf(h *kit.Rooms) (all []fleet.Package) {
	h.View(func(tx fleet.Tx) (err error) {
		all, err = tx.Packages().List(h.Ctx)
		return err
	})
	return all
}

func (h *house) add(by string, said signed.Said) (fleet.Statement, bool, error) {
	h.t.Helper()
	text, _ := kit.SealStatement(h.t, by, said)
	return h.Evidence.Add(h.Ctx, text, "ann")
}

func (h *house) observe(by, model string, kind signed.Kind, v signed.Verdict) fleet.Statement {
	h.t.Helper()
	o := kit.Observation(h.Rooms, h.packages[model], kit.OptIn, kind, v)
	stored, added, err := h.add(by, signed.Said{Observation: &o})
	if err != nil || !added {
		h.t.Fatalf("added %v, %v", added, err)
	}
	return stored
}

func (h *house) withdraw(by, id string) error {
	_, _, err := h.add(by, signed.Said{Withdrawal: &signed.Withdrawal{Statement: id, Reason: "mixed up", At: h.Now.UTC().Truncate(time.Second)}})
	return err
}

// found is what a reader finds of a model, by kind.
func (h *house) found(r *evidence.Reader, model string) (all []signed.Finding) {
	h.t.Helper()
	h.View(func(tx fleet.Tx) error {
		s, err := r.Open(h.Ctx, tx)
		if err != nil {
			return err
		}
		all, err = s.Findings(model, h.packages[model].Build.Fingerprint)
		return err
	})
	return all
}

func TestAddAndFind(t *testing.T) {
	h := newHouse(t)
	var r evidence.Reader
	want := func(when string, standing signed.Standing, n signed.Counted) {
		t.Helper()
		f := h.found(&r, "armani")
		if len(f) != 3 || f[0].Standing != standing || f[0].Count() != n || f[0].Need != 2 || f[0].Of != 3 {
			t.Errorf("%s: %+v, %+v; wanted %s %+v", when, f[0].Standing, f[0].Count(), standing, n)
		}
	}
	want("at first", signed.Open, signed.Counted{Silent: 3})
	first := h.observe("f-secure", "armani", signed.Traffic, signed.Confirms)
	want("one", signed.Open, signed.Counted{Confirm: 1, Silent: 2})
	h.observe("tuv", "armani", signed.Traffic, signed.Confirms)
	want("two", signed.Confirmed, signed.Counted{Confirm: 2, Silent: 1})
	refuted := h.observe("cert", "armani", signed.Traffic, signed.Refutes)
	want("one refutes", signed.Refuted, signed.Counted{Confirm: 2, Refute: 1})
	kit.CheckError(t, h.withdraw("tuv", refuted.ID), "other_signer", "only with that can it be taken back")
	if err := h.withdraw("cert", refuted.ID); err != nil {
		t.Fatal(err)
	}
	want("taken back", signed.Confirmed, signed.Counted{Confirm: 2, Withdrawn: 1})
	if f := h.found(&r, "dior"); f[0].Standing != signed.Open || f[0].Count().Silent != 3 {
		t.Errorf("of dior: %+v", f[0])
	}

	again, added, err := h.Evidence.Add(h.Ctx, first.Envelope, "bo")
	if err != nil || added || again.By != "ann" {
		t.Errorf("once more: %+v, %v, %v", again, added, err)
	}
	// Whoever is an observer no more counts no more, and as before when the key comes back.
	kit.NameOutsiders(h.Rooms, []string{"armani", "dior"}, tufrepo.OutsiderKeys{Role: tufrepo.Observers, Who: kit.KeysOf(1, "tuv")})
	if f := h.found(&r, "armani"); f[0].Standing != signed.Confirmed || f[0].Of != 1 || len(f[0].Views) != 1 {
		t.Errorf("with one observer: %+v", f[0])
	}
	kit.NameOutsiders(h.Rooms, []string{"armani", "dior"}, labs...)
	want("all again", signed.Confirmed, signed.Counted{Confirm: 2, Withdrawn: 1})
	h.View(func(tx fleet.Tx) error {
		lines, err := tx.Audit().OfSubject(h.Ctx, "armani", 10)
		if len(lines) != 4 || lines[0].Action != evidence.ActionWithdraw || lines[1].Action != evidence.ActionAdd || lines[1].Actor != "ann" ||
			!strings.HasPrefix(lines[1].Reason, "traffic refutes, release "+kit.OptIn) {
			t.Errorf("the audit trail has %+v", lines)
		}
		return err
	})
}

func TestAddRefuses(t *testing.T) {
	h := newHouse(t)
	good := kit.Observation(h.Rooms, h.packages["armani"], kit.OptIn, signed.Traffic, signed.Confirms)
	other, release, build, early := good, good, good, good
	other.Package = h.packages["dior"].SHA256
	release.Release = "another"
	build.Build += "x"
	early.At = early.At.Add(3 * time.Hour)
	for _, c := range []struct {
		by   string
		o    signed.Observation
		code string
		want string
	}{
		{"mallory", good, "not_listed", "is not one of the observers in the published targets; they are "},
		{"lab", good, "not_listed", "observers"},
		{"f-secure", other, "build_unknown", "for armani"},
		{"f-secure", release, "build_unknown", "another"},
		{"f-secure", build, "build_unknown", "look again"},
		{"f-secure", early, "statement_early", "look at the clock"},
	} {
		_, _, err := h.add(c.by, signed.Said{Observation: &c.o})
		kit.CheckError(t, err, c.code, c.want)
	}
	_, _, err := h.Evidence.Add(h.Ctx, []byte("{}"), "ann")
	kit.CheckError(t, err, "statement", "envelope")
	text, _ := kit.SealStatement(t, "f-secure", signed.Said{Observation: &good})
	broken := strings.Replace(string(text), `"sig":"`, `"sig":"AAAA`, 1)
	_, _, err = h.Evidence.Add(h.Ctx, []byte(broken), "ann")
	kit.CheckError(t, err, "signature", "changed on its way")
	kit.CheckError(t, h.withdraw("f-secure", strings.Repeat("ab", 32)), "statement_unknown", "there is no statement")

	v := kit.Voucher(h.Rooms, "0123456789ABCDEFGHJKMNPQ", "armani")
	_, _, err = h.add("dior-lab", signed.Said{Voucher: &v})
	kit.CheckError(t, err, "not_listed", "witnesses of armani")
	v.From, v.Until = v.From.AddDate(0, 0, -9), v.From
	_, _, err = h.add("lab", signed.Said{Voucher: &v})
	kit.CheckError(t, err, "voucher_time", "holds from")
	h.View(func(tx fleet.Tx) error {
		all, err := tx.Statements().List(h.Ctx)
		if len(all) != 0 {
			t.Errorf("stored: %+v", all)
		}
		return err
	})
}

// TestNobodyIsNamed: a fleet without observers says so.
func TestNobodyIsNamed(t *testing.T) {
	h := kit.New(t)
	h.Released("armani")
	o := kit.Observation(h, packagesOf(h)[0], kit.OptIn, signed.Traffic, signed.Confirms)
	text, _ := kit.SealStatement(t, "f-secure", signed.Said{Observation: &o})
	_, _, err := h.Evidence.Add(h.Ctx, text, "ann")
	kit.CheckError(t, err, "not_listed", "no key stands there yet")
}

// TestWitnesses: a voucher makes a witness of an installation, for the rollouts of its model.
func TestWitnesses(t *testing.T) {
	h := newHouse(t)
	ref := report.Reference("0123456789ABCDEFGHJKMNPQ")
	rollout := fleet.Rollout{ID: "r", Release: kit.OptIn, Model: "armani", Channel: "stable"}
	witnesses := func() (w fleet.Witnesses) {
		h.View(func(tx fleet.Tx) (err error) {
			w, err = evidence.Witnesses(h.Ctx, tx, new(evidence.Reader), rollout)
			return err
		})
		return w
	}
	want := func(when string, want fleet.WitnessCounts) {
		t.Helper()
		if got := witnesses().At(h.Now); got != want {
			t.Errorf("%s: %+v, wanted %+v", when, got, want)
		}
	}
	want("nobody vouches", fleet.WitnessCounts{})
	v := kit.Voucher(h.Rooms, ref, "armani")
	voucher, _, err := h.add("lab", signed.Said{Voucher: &v})
	if err != nil {
		t.Fatal(err)
	}
	want("it is silent", fleet.WitnessCounts{Vouched: 1})
	put := func(change func(*fleet.Installation)) {
		i := fleet.Installation{Ref: ref, Release: kit.OptIn, Current: true, Model: "armani", Channel: "stable", Verdict: "confirmed_off",
			Kind: effect.Good, Progress: report.ProgressRunning, Before: effect.NotSeen, First: h.Now, Last: h.Now, Seq: 1, Reports: 1}
		change(&i)
		kit.UpdateReports(h.Rooms, func(tx fleet.Tx) error { return tx.Installations().Put(h.Ctx, i) })
	}
	put(func(*fleet.Installation) {})
	want("it is good", fleet.WitnessCounts{Vouched: 1, Good: 1})
	put(func(i *fleet.Installation) { i.Last = h.Now.Add(-8 * kit.Day) })
	want("it was good a week ago", fleet.WitnessCounts{Vouched: 1})
	put(func(i *fleet.Installation) { i.Model = "dior" })
	want("it says that it is another model", fleet.WitnessCounts{Vouched: 1})
	put(func(i *fleet.Installation) { i.Kind, i.Verdict, i.Last = effect.Bad, "leak", h.Now.Add(-20*kit.Day) })
	want("it is bad", fleet.WitnessCounts{Vouched: 1, Bad: 1})
	put(func(i *fleet.Installation) { i.Leaked = true })
	want("it was bad", fleet.WitnessCounts{Vouched: 1, Bad: 1})
	put(func(i *fleet.Installation) { i.Leaked, i.Channel = true, "lab" })
	want("it was bad on another channel", fleet.WitnessCounts{Vouched: 1, Bad: 1})
	put(func(i *fleet.Installation) { i.Channel = "lab" })
	want("it is good on another channel", fleet.WitnessCounts{Vouched: 1})
	put(func(i *fleet.Installation) { i.Leaked = true })
	if bad := witnesses().BadAt(h.Now); len(bad) != 1 || bad[0] != ref {
		t.Errorf("bad are %v", bad)
	}
	h.Update(func(tx fleet.Tx) error { return tx.Statements().Suspend(h.Ctx, "r", "ann", h.Now, string(ref)) })
	want("it is suspended", fleet.WitnessCounts{Vouched: 1, Suspended: 1})
	if bad := witnesses().BadAt(h.Now); len(bad) != 0 {
		t.Errorf("bad are %v", bad)
	}
	rollout.ID = "another"
	want("in another rollout it is not", fleet.WitnessCounts{Vouched: 1, Bad: 1})
	h.Now = h.Now.Add(31 * kit.Day)
	want("the voucher ran out", fleet.WitnessCounts{Bad: 1, Expired: 1})
	put(func(i *fleet.Installation) { i.Kind, i.Leaked, i.Last = effect.Bad, true, h.Now.Add(-2*kit.Day) })
	want("it leaked before", fleet.WitnessCounts{Bad: 1, Expired: 1})
	put(func(i *fleet.Installation) { i.Kind, i.Leaked = effect.Bad, true })
	want("it leaked after", fleet.WitnessCounts{Expired: 1})
	kit.UpdateReports(h.Rooms, func(tx fleet.Tx) error {
		_, err := tx.Reports().Append(h.Ctx, fleet.StoredReport{ID: "1", Ref: ref, Seq: 1, Release: kit.OptIn, Envelope: []byte("{}"),
			At: h.Now.Add(-2 * kit.Day)})
		return err
	})
	want("it may have leaked before", fleet.WitnessCounts{Bad: 1, Expired: 1})
	rollout.Started = h.Now
	want("it ran out before the rollout", fleet.WitnessCounts{Bad: 1})
	rollout.Started = time.Time{}
	h.Now = h.Now.Add(-31 * kit.Day)
	if err := h.withdraw("lab", voucher.ID); err != nil {
		t.Fatal(err)
	}
	want("it was withdrawn", fleet.WitnessCounts{})
	h.View(func(tx fleet.Tx) error {
		lines, err := tx.Audit().OfSubject(h.Ctx, "armani", 10)
		if len(lines) != 2 || lines[0].Action != evidence.ActionRevoke || lines[1].Action != evidence.ActionVouch {
			t.Errorf("the audit trail has %+v", lines)
		}
		return err
	})
}
