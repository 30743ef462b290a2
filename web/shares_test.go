// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

func english(t testing.TB) *Locale {
	t.Helper()
	l, err := NewLocale("en")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestSharesAddUp: whatever the parts of a whole are, what their column says adds up to 100 %, none of something is nothing,
// and none of less than all is all.
func TestSharesAddUp(t *testing.T) {
	l, chance := english(t), rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		rows, whole := make([]Row, 1+chance.IntN(9)), int64(0)
		for i := range rows {
			if chance.IntN(4) > 0 {
				rows[i].Count = chance.Int64N(1 << chance.IntN(34))
			}
			whole += rows[i].Count
		}
		for i := range rows {
			rows[i].Of = whole
		}
		sum, small := 0.0, 0
		for _, r := range l.shared(rows) {
			if (r.Share == "0 %") != (r.Count == 0 && whole > 0) || (r.Share == "100 %") != (r.Count == whole && whole > 0) {
				t.Fatalf("%d of %d is %q", r.Count, whole, r.Share)
			}
			n, err := strconv.ParseFloat(strings.TrimSuffix(r.Share, " %"), 64)
			if err != nil {
				small++
			}
			if r.Share == "over 99.9 %" {
				n = 100
			}
			sum += n
		}
		if whole > 0 && (sum < 99.95 || sum > 100.05) {
			t.Fatalf("%v adds up to %v, %d of them in words", l.shared(rows), sum, small)
		}
	}
}

// TestShareOfAnother: rows that are no parts of a whole are rounded alone.
func TestShareOfAnother(t *testing.T) {
	got := english(t).shared([]Row{{Count: 1, Of: 3}, {Count: 1, Of: 7}})
	if got[0].Share != "33.3 %" || got[1].Share != "14.2 %" {
		t.Errorf("%q and %q", got[0].Share, got[1].Share)
	}
}

func TestBetween(t *testing.T) {
	for _, tt := range []struct {
		low, high int
		want      string
	}{
		{0, 0, ""}, {9813, 10_000, "98.1–100 %"}, {5655, 10_000, "56–100 %"}, {0, 31, "0–0.4 %"}, {2241, 4501, "22–46 %"},
		{9001, 9400, "90–94 %"}, {199, 201, "1.9–3 %"}, {0, 10_000, "0–100 %"},
	} {
		if got := english(t).between(tt.low, tt.high); got != tt.want {
			t.Errorf("%d to %d: %q, wanted %q", tt.low, tt.high, got, tt.want)
		}
	}
}

func TestRatio(t *testing.T) {
	for _, tt := range []struct {
		part, whole int64
		want        string
	}{
		{0, 5, "0/0"}, {5, 5, "1/1 all"}, {202, 1806, "1/9"}, {1, 2, "1/2"}, {96, 100, "1/1"}, {94, 100, "9/10"}, {75, 100, "3/4"},
		{667, 1000, "2/3"}, {1, 93, "1/93"}, {1, 1234, "1/1200"}, {3, 100, "1/33"}, {10, 100, "1/10"}, {999, 1000, "1/1"}, {33, 100, "1/3"},
		{42, 100, "2/5"},
	} {
		r := ratio(tt.part, tt.whole)
		got := fmt.Sprintf("%d/%d", r.In, r.Of)
		if r.All {
			got += " all"
		}
		if got != tt.want {
			t.Errorf("%d of %d is %s, wanted %s", tt.part, tt.whole, got, tt.want)
		}
	}
}
