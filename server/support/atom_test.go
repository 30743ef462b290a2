// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/xml"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/manifests"
	"landed/server/fleet"
)

// TestFeedTellsOfHolds: a rollout that is held is told of once, however often the numbers move that it is held for.
func TestFeedTellsOfHolds(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	h.update(func(ctx context.Context, tx fleet.Tx) (err error) {
		for n, what := range []string{"hold", "hold", "hold", "release", "hold"} {
			err = errors.Join(err, tx.Audit().Append(ctx, fleet.AuditEntry{At: now.Add(time.Duration(n-20) * time.Hour), Actor: "landed",
				Action: "rollout." + what, Subject: releaseName + ".armani.stable", Reason: "as it was"}))
		}
		return err
	})
	titles := func() (all []string) {
		var feed atomFeed
		if err := xml.Unmarshal(h.get("/feed.atom").Body.Bytes(), &feed); err != nil {
			t.Fatal(err)
		}
		for _, e := range feed.Entries {
			all = append(all, e.Title)
		}
		return all
	}
	want := []string{"Redmi 1S: held at 1 %", "Redmi 1S: goes on from 1 %", "Redmi 1S: held at 1 %", "Redmi 1S: started, offered to 1 %"}
	if got := titles(); len(got) != len(want)+1 || !slices.Equal(got[:len(want)], want) {
		t.Errorf("%q, wanted %q and the publication", got, want)
	}
	if marks := h.series("/models/armani/series.json").Marks; len(marks) != 2 {
		t.Errorf("holds are drawn, too: %+v", marks)
	}
}

// TestFeedHasWholeAddresses: a server that knows its own gives them to readers, of which many resolve no others.
func TestFeedHasWholeAddresses(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	for base, origin := range map[string]string{"": "", "https://ota.example": "https://ota.example",
		"https://ota.example/to/phones": "https://ota.example"} {
		s, err := New(Config{View: h.store, Catalogue: func() *manifests.Catalogue { return h.lineup },
			Now:        func() time.Time { return now },
			PublicPath: "/landed", Base: base})
		if err != nil {
			t.Fatal(err)
		}
		router := chi.NewRouter()
		router.Group(s.Routes())
		h.doors = router
		var feed atomFeed
		if err := xml.Unmarshal(h.get("/zh-Hans/feed.atom").Body.Bytes(), &feed); err != nil {
			t.Fatal(err)
		}
		got := []string{feed.Links[0].Href, feed.Links[1].Href, feed.Entries[0].Link.Href}
		want := []string{origin + "/landed/zh-Hans/feed.atom", origin + "/landed/zh-Hans/", origin + "/landed/zh-Hans/models/armani"}
		if !slices.Equal(got, want) {
			t.Errorf("at %q: %q, wanted %q", base, got, want)
		}
	}
}
