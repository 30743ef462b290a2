// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"landed/manifests"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/seal"
	"landed/server/store/storetest"
)

// TestDroppedReports: the page of an installation says which reports are no longer kept, and shows the others as it did.
func TestDroppedReports(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	hs := newHandset(1)
	var all [][]byte
	var ids []string
	for seq := int64(1); seq < 5; seq++ {
		r, _ := storetest.Report(1, seq)
		r.Release, r.Key = releaseName, fmt.Sprintf("%x", hs.key.Public())
		text, id, err := envelope.Seal(r, hs.key)
		if err != nil {
			t.Fatal(err)
		}
		all, ids = append(all, text), append(ids, id)
	}
	h.installSealed(hs, beforeActive, all...)
	other := newHandset(2)
	h.install(other, beforeActive, baseline(1)) // the last row is never compact
	if n, err := storetest.CompactAll(t.Context(), h.store); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	c := fleet.Cut{Number: 1, Release: releaseName, UpTo: 4, Before: now}
	closed := c
	closed.At, closed.States, closed.Root, closed.Closed = now, 1, make([]byte, 32), now
	h.updateReports(func(ctx context.Context, tx fleet.Tx) error {
		err := errors.Join(tx.Cuts().Put(ctx, c), tx.Cuts().Settle(ctx, fleet.Settled{Cut: 1, Ref: hs.ref, State: []byte("x")}),
			tx.Cuts().Put(ctx, closed))
		n, err2 := tx.Cuts().Drop(ctx, 1, hs.ref, seal.LeafOf, 2, 3)
		if n != 2 {
			t.Errorf("%d were dropped", n)
		}
		return errors.Join(err, err2)
	})
	w := h.get("/installations/" + string(hs.ref))
	if page := w.Body.String(); w.Code != 200 || strings.Count(page, "no longer kept</span>") != 2 ||
		strings.Count(page, " download>") != 2 {
		t.Errorf("%d: %s", w.Code, page)
	}
	var v InstallationPage
	if err := json.Unmarshal(h.get("/installations/"+string(hs.ref)+".json").Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Reports) != 4 || v.Reports[1].Dropped == "" || v.Reports[1].Envelope != "" || v.Reports[3].Dropped != "" ||
		v.Reports[3].Envelope == "" {
		t.Errorf("%+v", v.Reports)
	}
	if w := h.get("/installations/" + string(hs.ref) + "/reports/" + ids[1]); w.Code != 404 ||
		!strings.Contains(w.Body.String(), "no longer kept") {
		t.Errorf("what was signed: %d %s", w.Code, w.Body)
	}
}
