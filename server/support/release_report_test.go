// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/server/fleet"
)

// folded is a fleet with all that a report has to tell of.
func folded(t testing.TB) *fixture {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		q := fleet.Quarantine{ID: "0011aabb", From: now.Add(-5 * day), To: now.Add(-4 * day), Model: "armani", At: now.Add(-3 * day),
			By: "mei", Reason: "a flood of new keys", Installations: 412, Bad: 1, Lifted: now.Add(-2 * day), LiftedBy: "mei",
			LiftedReason: "they were real"}
		return tx.Quarantines().Put(ctx, q)
	})
	return h
}

// TestReport: it has the figures of the page of the release, and beside them what happened, by whom, and what was left out.
func TestReport(t *testing.T) {
	h := folded(t)
	var page ReleasePage
	var is Report
	for path, into := range map[string]any{"/releases/" + releaseName + ".json": &page, "/releases/" + releaseName + "/report.json": &is} {
		if err := json.Unmarshal(h.get(path).Body.Bytes(), into); err != nil {
			t.Fatal(err)
		}
	}
	want, _ := json.Marshal(page)
	got, _ := json.Marshal(is.ReleasePage)
	if string(want) != string(got) {
		t.Errorf("the report has\n%s\nand the page of the release\n%s", got, want)
	}
	if len(is.Offered) != 7 || len(is.Outside) != 7 || len(is.Classes) != len(h.release.Effect.All()) || len(is.LeftOut) != 1 {
		t.Fatalf("%d rollouts, %d outside, %d classes, %d left out", len(is.Offered), len(is.Outside), len(is.Classes), len(is.LeftOut))
	}
	for _, o := range is.Offered {
		if o.Model == "pisces" &&
			(len(o.Events) != 2 || o.Events[0].Action != "rollout.start" || o.Events[1].Action != "rollout.halt" ||
				o.Events[1].By != "landed" || o.Events[1].Reason == "" || len(o.Plan) != 4) {
			t.Errorf("what happened to it: %+v", o)
		}
	}
	if q := is.LeftOut[0]; q.By != "mei" || q.Lifted == nil || !q.Lifted.Equal(now.Add(-2*day)) || q.Installations != 412 {
		t.Errorf("left out: %+v", q)
	}
	body := h.get("/releases/" + releaseName + "/report").Body.String()
	for _, say := range []string{"a flood of new keys", "they were real", "/verify", "Stopped</b>", "the server itself",
		"72 hours", "14 days"} {
		if !strings.Contains(body, say) {
			t.Errorf("nothing says %q", say)
		}
	}
	if gaps := missing(body); len(gaps) > 0 {
		t.Errorf("sentences are missing or do not fit their data: %v", gaps)
	}
	if body := h.get("/releases/" + releaseName).Body.String(); !strings.Contains(body, `/releases/`+releaseName+`/report"`) {
		t.Error("the page of the release has no link to it")
	}
	if w := h.get("/releases/nothing/report"); w.Code != http.StatusNotFound {
		t.Errorf("%d", w.Code)
	}
}

// TestReportOfLittle: of a release without effect, without rollouts, and with a trail that is longer than a report.
func TestReportOfLittle(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.next("repairs", plainSource)
	h.publishPackages(nextPackage("armani", "JHCMIBH48.0"))
	if body := h.get("/releases/repairs/report").Body.String(); !strings.Contains(body, "Not begun") ||
		!strings.Contains(body, "claims no effect") {
		t.Error(body)
	}
	h.roll("armani", nil)
	h.update(func(ctx context.Context, tx fleet.Tx) (err error) {
		for n := range reportEvents {
			if err == nil { // that it was looked at is no act, and crowds none out
				err = tx.Audit().Append(ctx, fleet.AuditEntry{At: now.Add(time.Duration(n-999) * time.Minute), Actor: "landed",
					Action: fleet.ActionLook, Subject: "repairs.armani.stable", Reason: "it waits"})
			}
			if err == nil {
				err = tx.Audit().
					Append(ctx, fleet.AuditEntry{At: now.Add(time.Duration(n-999) * time.Minute), Actor: "mei", Action: "rollout.resume",
						Subject: "repairs.armani.stable", Reason: "go on"})
			}
		}
		return err
	})
	var is Report
	if err := json.Unmarshal(h.get("/releases/repairs/report.json").Body.Bytes(), &is); err != nil {
		t.Fatal(err)
	}
	look := func(e Event) bool { return e.Action == fleet.ActionLook }
	if o := is.Offered[0]; !o.Cut || len(o.Events) != reportEvents || slices.ContainsFunc(o.Events, look) {
		t.Errorf("cut %v, %d events", o.Cut, len(o.Events))
	}
	if body := h.get("/releases/repairs/report").Body.String(); !strings.Contains(body, "Older lines") {
		t.Error("nothing says that lines are left out")
	}
}
