// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"testing"
	"time"

	"landed/manifests/evidence"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// NameOutsiders publishes a targets that delegates to these models and outsiders.
func NameOutsiders(r *Rooms, models []string, outsiders ...tufrepo.OutsiderKeys) {
	r.T.Helper()
	version := r.State().Version(tufrepo.Targets) + 1
	doc := OK(tufrepo.NewTargets(version, r.Now.Add(180*Day), ModelKeys(models...), outsiders...))(r.T)
	b := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{"1.root.json": r.FirstRoot()}}
	b.Files[tufrepo.MetadataFile(tufrepo.Targets, version)] = OK(tufrepo.Sign(doc, KeyOf("t1"), KeyOf("t3")))(r.T)
	OK(r.Trust.Import(r.Ctx, b, "admin"))(r.T)
}

// Observation is what somebody may have seen of the one release of a model, an hour ago.
func Observation(r *Rooms, p fleet.Package, release string, kind evidence.Kind, v evidence.Verdict) evidence.Observation {
	return evidence.Observation{Kind: kind, Model: p.Model, Release: release, Build: p.Build.Fingerprint, Package: p.SHA256,
		Steps: []string{"reset the handset", "wait a day with SIM and data"}, Seen: []string{"nothing before consent"},
		Capture: p.SHA256, At: r.Now.Add(-time.Hour).UTC().Truncate(time.Second), Verdict: v}
}

// SealStatement signs with the key of a name, and returns the envelope and the ID.
func SealStatement(t testing.TB, by string, said evidence.Said) ([]byte, string) {
	t.Helper()
	text, id, err := evidence.Seal(said, KeyOf(by))
	if err != nil {
		t.Fatal(err)
	}
	return text, id
}

// Voucher is one for an installation, from now on for 30 days.
func Voucher(r *Rooms, ref report.Reference, model string) evidence.Voucher {
	now := r.Now.UTC().Truncate(time.Second)
	return evidence.Voucher{Installation: ref, Model: model, From: now, Until: now.Add(30 * Day)}
}

// UpdateReports writes what handsets said behind the back of the rooms.
func UpdateReports(r *Rooms, fn func(tx fleet.Tx) error) {
	r.T.Helper()
	if err := r.DB.UpdateReports(r.Ctx, fn); err != nil {
		r.T.Fatal(err)
	}
}
