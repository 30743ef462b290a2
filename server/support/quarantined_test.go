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
	"landed/server/fleet"
)

// TestAllLeftOut: where everybody who reports is left out of the figures, no page says that nobody reports.
func TestAllLeftOut(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	out := h.state("armani", notExercised, beforeActive, report.ProgressRunning)
	out.Quarantined = true
	h.move(36, nil, out)
	_, page := h.model()
	for what, tt := range map[string]struct{ page, want string }{
		"model":    {page, "36 handsets report to run it, and are left out of the figures, so nothing can be said of its effect."},
		"no bar":   {page, "36 handsets have reported, and are left out of the figures. That says nothing"},
		"front":    {h.get("/").Body.String(), "The update is published. 36 handsets have reported, and are left out of the figures."},
		"lead":     {h.get("/").Body.String(), "as soon as handsets report that are not left out."},
		"releases": {h.get("/releases").Body.String(), ""},
	} {
		if !strings.Contains(tt.page, tt.want) || strings.Contains(tt.page, "No handset ") {
			t.Errorf("%s: the page has no %q, or says that nobody reports:\n%s", what, tt.want, tt.page)
		}
	}
}

// TestBothFiguresOfAQuarantine: what is left out moves no figure, and stands beside them with what they would be.
func TestBothFiguresOfAQuarantine(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani", "dior")
	h.roll("armani", nil)
	h.roll("dior", nil)
	h.count("armani", 30, confirmedOff, beforeActive)
	h.count("armani", 10, notExercised, beforeActive)
	h.count("dior", 5, confirmedOff, beforeActive)
	if m, page := h.model(); m.Quarantined != (Quarantined{}) || strings.Contains(page, `id="quarantined"`) {
		t.Errorf("nothing is left out, and it says %+v", m.Quarantined)
	}
	forged := h.state("armani", confirmedOff, beforeActive, report.ProgressRunning)
	forged.Quarantined = true
	h.move(1204, nil, forged)
	from, to := now.Add(-48*time.Hour), now.Add(-24*time.Hour)
	h.update(func(ctx context.Context, tx fleet.Tx) error {
		lifted := fleet.Quarantine{ID: "1", From: from.Add(-time.Hour), To: to, Lifted: now}
		for _, q := range []fleet.Quarantine{lifted, {ID: "2", From: from, To: to, At: now, Model: "armani"}, {ID: "3", From: from,
			To: now, At: now, Model: "dior"}} {
			if err := tx.Quarantines().Put(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	m, page := h.model()
	q := m.Quarantined
	if m.Installations != 40 || m.Proven != 30 || q.Installations != 1204 || q.Proven != 1204 || q.Running != 1204 ||
		q.From == nil || !q.From.Equal(from) || q.To == nil || !q.To.Equal(to) {
		t.Errorf("%d of %d, and left out: %+v", m.Proven, m.Installations, q)
	}
	for _, want := range []string{"1,204 installations first heard of between 12 August 2014, 09:30 UTC and 13 August 2014, 09:30 UTC are left " +
		"out of every figure", "With them, 1,234 of ", " would show the effect, instead of 30 of "} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	var front Status
	if err := json.Unmarshal(h.get("/status.json").Body.Bytes(), &front); err != nil {
		t.Fatal(err)
	}
	if all := front.Totals; all.Installations != 45 || all.Quarantined.Installations != 1204 || all.Quarantined.To == nil {
		t.Errorf("together: %d, and left out %+v", all.Installations, all.Quarantined)
	}
}
