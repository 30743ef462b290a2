// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"landed/manifests"
	"landed/server/fleet"
	"landed/web"
)

type vouchedTx struct {
	fleet.Tx
	counted fleet.Viewer
}

type vouchedCounts struct {
	fleet.CountsTable
	counted fleet.Viewer
}

func (h *fixture) vouch(counted *fixture) { h.show(vouchedStore{h.store, counted.store}, nil) }

// vouchedStore is a store whose counted fleet is what another store counts.
type vouchedStore struct{ all, counted fleet.Viewer }

func (s vouchedStore) View(ctx context.Context, fn func(fleet.Tx) error) error {
	return s.all.View(ctx, func(tx fleet.Tx) error { return fn(vouchedTx{tx, s.counted}) })
}

func (t vouchedTx) Counts() fleet.CountsTable { return vouchedCounts{t.Tx.Counts(), t.counted} }

func (c vouchedCounts) List(ctx context.Context) ([]fleet.Counts, error) {
	all, err := c.CountsTable.List(ctx)
	return c.join(ctx, all, err, fleet.CountsTable.List)
}

func (c vouchedCounts) Totals(ctx context.Context) ([]fleet.Counts, error) {
	all, err := c.CountsTable.Totals(ctx)
	return c.join(ctx, all, err, fleet.CountsTable.Totals)
}

func (c vouchedCounts) join(
	ctx context.Context, all []fleet.Counts, err error, list func(fleet.CountsTable, context.Context) ([]fleet.Counts, error),
) ([]fleet.Counts, error) {
	if err != nil {
		return nil, err
	}
	return all, c.counted.View(ctx, func(tx fleet.Tx) error {
		counted, err := list(tx.Counts(), ctx)
		for i := range all {
			for _, one := range counted {
				if one.Release == all[i].Release && one.Model == all[i].Model && one.Channel == all[i].Channel {
					all[i].Counted = one.Figures
				}
			}
		}
		return err
	})
}

// TestCountedCarry: what a page says of the effect is of those that count; everybody else stands beside, whatever they say.
func TestCountedCarry(t *testing.T) {
	h, real := open(t, manifests.DefaultCatalogue()), open(t, manifests.DefaultCatalogue())
	h.publish("armani", "dior")
	h.roll("armani", nil)
	both := func(n int, class fleet.Class) {
		real.count("armani", n, class, notSeen)
		h.count("armani", n, class, notSeen)
	}
	both(59, confirmedOff)
	both(1, carriedOver)
	both(40, unpatched)
	status := func() (page Status) {
		t.Helper()
		if err := json.Unmarshal(h.get("/status.json").Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		return page
	}
	if text := h.get("/").Body.String(); !strings.Contains(text, "Nobody has vouched") || status().Totals.Counted.Installations != 0 {
		t.Error("the page does not say that nobody vouched")
	}
	h.vouch(real)
	honest := status()
	const others = " 1,000 other handsets report the opposite; nothing has confirmed it."
	for _, flood := range []fleet.Class{confirmedOff, leak, carriedOver} {
		h.count("armani", 1_000, flood, notSeen)
		now := status()
		if told := strings.Replace(now.Models[0].Say, others, "", 1); told != honest.Models[0].Say {
			t.Errorf("1,000 that do not count, %s, are told of so: %q", flood, now.Models[0].Say)
		}
		if now.Headline != honest.Headline || now.Models[0].Standing != Shown || now.Models[0].Badge != honest.Models[0].Badge {
			t.Errorf("1,000 that do not count, %s: %q, %s: %q", flood, now.Headline, now.Models[0].Standing, now.Models[0].Say)
		}
	}
	now := status()
	for _, words := range []string{"None of those that count reports the opposite.", others} {
		if !strings.Contains(now.Models[0].Say, words) {
			t.Errorf("it does not say %q: %q", words, now.Models[0].Say)
		}
	}
	want := Counted{Installations: 100, Running: 60, Judged: 60, Proven: 59, ProvenInterval: &Interval{9114, 9971, 95}}
	if !reflect.DeepEqual(now.Totals.Counted, want) || !reflect.DeepEqual(now.Models[0].Counted, want) ||
		now.Models[0].Proven != 1_059 ||
		now.Models[0].Opposite != 1_000 {
		t.Errorf(
			"counted are %+v, of everybody %d proven, %d the opposite",
			now.Totals.Counted,
			now.Models[0].Proven,
			now.Models[0].Opposite,
		)
	}
	for _, path := range []string{"/", "/models/armani", "/releases/" + releaseName} {
		text := h.get(path).Body.String()
		for _, words := range []string{"those of 100 handsets that count, 3.2\u00a0% of all", "3,000 others report; they do not count",
			"1,000 of them report the opposite"} {
			if !strings.Contains(text, words) {
				t.Errorf("%s does not say %q", path, words)
			}
		}
	}
	if text := h.get("/").Body.String(); !strings.Contains(text, "59 of 60 that could be judged") ||
		strings.Contains(text, "1,059 of") {
		t.Error("the front page gives other figures than those of the counted fleet")
	}
}

// TestLostIsShown: who installed and said nothing more, of everybody and of those that count.
func TestLostIsShown(t *testing.T) {
	h, real := open(t, manifests.DefaultCatalogue()), open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	gone := h.state("armani", unpatched, notSeen, "installed")
	gone.Last = now.AddDate(0, 0, -4)
	lately := *gone
	lately.Last = now.AddDate(0, 0, -2)
	h.move(3, nil, gone)
	h.move(5, nil, &lately)
	real.move(2, nil, gone)
	h.vouch(real)
	var page Status
	if err := json.Unmarshal(h.get("/status.json").Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	if page.Totals.Lost != 3 || page.Totals.Counted.Lost != 2 || page.Models[0].Lost != 3 {
		t.Errorf("lost are %d, of those that count %d", page.Totals.Lost, page.Totals.Counted.Lost)
	}
	if text := h.get("/models/armani").Body.String(); !strings.Contains(
		text,
		"2 handsets that count installed the update and have said nothing",
	) {
		t.Error("the page of the model does not tell of it")
	}
}

// TestFiguresNameTheirFleet: what is counted of those that count alone is not called that of all that report, in no sentence.
func TestFiguresNameTheirFleet(t *testing.T) {
	h, real := open(t, manifests.DefaultCatalogue()), open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	for _, to := range []*fixture{h, real} {
		to.count("armani", 60, confirmedOff, notSeen)
		to.count("armani", 6, unpatched, notSeen)
	}
	h.vouch(real)
	h.count("armani", 3, confirmedOff, notSeen)
	h.count("armani", 5, unpatched, notSeen)
	h.count("armani", 2, leak, notSeen)
	for path, want := range map[string]string{
		"/":                                    "Of 66 handsets that count, 60 run the update",
		"/models/armani":                       "of the handsets that count run it",
		"/releases/" + releaseName:             "60 of 66 handsets that count and have reported about it run it; 60 of 60",
		"/releases/" + releaseName + "/report": "60 of 66 handsets that count and have reported about it run it; 60 of 60",
	} {
		if text := h.get(path).Body.String(); !strings.Contains(text, want) {
			t.Errorf("%s does not say %q", path, want)
		}
	}
	m := Model{Figures: Figures{Installations: 52, Opposite: 2, claims: true}}
	for tag, want := range map[string]string{
		"en": "Of those that count, 34 of 34 that could be judged have shown the effect; 34 of 40 run the update; " +
			"2 others report the opposite, unconfirmed.",
		"zh-Hans": "计入的手机中，可判定的 34 部中有 34 部显现效果；40 部中有 34 部运行此次更新；另有 2 部报告相反的情况，未经确认。",
		"zh-Hant": "計入的手機中，可判定的 34 支中有 34 支顯現效果；40 支中有 34 支執行這次更新；另有 2 支回報相反的情況，未經確認。",
	} {
		l, err := web.NewLocale(tag)
		if err != nil {
			t.Fatal(err)
		}
		m.Figures.carries = &Figures{Installations: 40, Running: 34, Judged: 34, Proven: 34}
		if got := l.Say("card.line", m); got != want {
			t.Errorf("%s: %q, wanted %q", tag, got, want)
		}
	}
}
