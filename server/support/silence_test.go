// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/release"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/store"
	"landed/server/store/storetest"
)

// reported stores installations of the release, as intake would: each on one of the models, heard of a day before the other.
func (h *fixture) reported(from, to int, change func(n int, i *fleet.Installation), models ...string) {
	h.t.Helper()
	h.updateReports(func(ctx context.Context, tx fleet.Tx) error {
		for n := from; n < to; n++ {
			i := *h.state(models[n%len(models)], confirmedOff, beforeActive, report.ProgressRunning)
			i.Ref, i.First, i.Last, i.Drawn = report.Reference(
				fmt.Sprintf("R%023d", n),
			), now.AddDate(
				0,
				0,
				-90,
			), now.AddDate(
				0,
				0,
				from-n,
			), -1
			i.Newest.ID = "0123456789abcdef0123456789abcdef"
			if change != nil {
				change(n, &i)
			}
			if err := tx.Counts().Move(ctx, nil, &i); err != nil {
				return err
			}
			if err := tx.Installations().Put(ctx, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestSilentFor holds what pages say of silence against counting the rows, for the fleet, a model and a release.
func TestSilentFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "landed.db")
	db, err := store.Make(t.Context(), path, storetest.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := sql.Open("sqlite", store.ReportsFile(path))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	h := &fixture{t: t, store: db, lineup: manifests.DefaultCatalogue(), release: release.OptIn()}
	h.show(h.store, nil)
	h.publish("armani", "dior")
	h.roll("armani", nil)
	who := func(n int, i *fleet.Installation) {
		i.Counted, i.Quarantined = n%4 == 0, n%9 == 0
		if n%3 == 0 {
			i.Admitted = now.AddDate(0, 0, -80)
		}
	}
	h.reported(0, 70, who, "armani", "dior")
	old := h.release.Name
	h.next("corrected", secondSource)
	h.publishPackages(nextPackage("armani", "JHCMIBH46.0"))
	h.reported(100, 140, who, "armani")
	h.release.Name = old
	h.reported(100, 140, func(n int, i *fleet.Installation) { i.Current = false }, "armani") // what these had shown before
	if s := h.status(); s.SilentFor != nil {
		t.Errorf("before anything was copied the page says %+v", s.SilentFor)
	}
	h.remember(24 * time.Hour)
	h.remember(time.Minute)

	count := func(at time.Time, where string) (s Silent) {
		t.Helper()
		for days, into := range map[int]*int64{0: &s.Of, 14: &s.Two, 28: &s.Four, 56: &s.Eight} {
			since := at.AddDate(0, 0, -days).UnixMilli()
			if days == 0 {
				since = math.MaxInt64
			}
			if err := rows.QueryRow(`SELECT count(*) FROM installations WHERE current AND last < ? AND `+where,
				since).Scan(into); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	for _, tt := range []struct{ page, where, counted, json, series string }{
		{"/", "true", "admitted > 0", "/status.json", "/series.json"},
		{"/models/armani", "model = 'armani'", "admitted > 0", "/models/armani.json", "/models/armani/series.json"},
		{"/releases/" + old, "release = '" + old + "'", "who & 1 = 1", "/releases/" + old + ".json", "/releases/" + old + "/series.json"},
		{"/releases/corrected", "release = 'corrected'", "who & 1 = 1", "/releases/corrected.json", "/releases/corrected/series.json"},
	} {
		var v struct {
			SilentFor *SilentFor `json:"silent_for"`
		}
		if err := json.Unmarshal(h.get(tt.json).Body.Bytes(), &v); err != nil || v.SilentFor == nil {
			t.Errorf("%s: %v, %+v", tt.json, err, v)
			continue
		}
		at := v.SilentFor.At
		in := tt.where + " AND who & 2 = 0"
		want := SilentFor{at, count(at, in), count(at, in+" AND "+tt.counted), count(at, tt.where+" AND who & 2 <> 0")}
		if *v.SilentFor != want {
			t.Errorf("%s says\n%+v, the rows are\n%+v", tt.json, *v.SilentFor, want)
		}
		s := h.series(tt.series)
		newest := s.Points[len(s.Points)-2].SilentFor // of a copy: the last point is now
		if s.SilentFor == nil || *s.SilentFor != want || newest == nil || *newest != want {
			t.Errorf("%s says\n%+v, the rows are\n%+v", tt.series, s.SilentFor, want)
		}
		row := fmt.Sprintf(",%d,%d,%d,%d\r\n", want.Of, want.Two, want.Four, want.Eight)
		if table := h.get(strings.TrimSuffix(tt.series, "json") + "csv").Body.String(); !strings.Contains(table, row) {
			t.Errorf("the table of %s has no %q:\n%s", tt.series, row, table)
		}
		yesterday := ago(1)
		if err := json.Unmarshal(h.get(tt.json+"?on="+yesterday).Body.Bytes(), &v); err != nil {
			t.Error(err)
		}
		at = now.Add(-24 * time.Hour)
		past := SilentFor{at, count(at, in), count(at, in+" AND "+tt.counted), count(at, tt.where+" AND who & 2 <> 0")}
		if v.SilentFor == nil || *v.SilentFor != past || past.Two == want.Two {
			t.Errorf("%s of yesterday says\n%+v, the rows are\n%+v", tt.json, v.SilentFor, past)
		}
		at = want.At
		if want.Two == 0 || want.Two == want.Four || !at.Equal(now.Add(-time.Minute)) {
			t.Errorf("the test shows too little: %+v", want)
		}
		say := fmt.Sprintf("%d have said nothing for 2 weeks, %d for 4, %d for 8", want.Two, want.Four, want.Eight)
		if page := h.get(tt.page).Body.String(); !strings.Contains(page, fmt.Sprintf("Of %d handsets", want.Of)) ||
			!strings.Contains(page, say) {
			t.Errorf("%s does not say: %s", tt.page, say)
		}
	}
}
