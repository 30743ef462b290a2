// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"slices"
	"strconv"
)

// shared gives the rows of one table their shares, rounded to a tenth of a percent so that the column adds up: each is
// rounded down, and the tenths that are missing go to those that lost most. A row of something is never 0 %, and one of
// less than all never 100 %. Rows that are of different wholes are rounded alone.
func (l *Locale) shared(rows []Row) []Row {
	rows = slices.Clone(rows)
	tenths := make([]int64, len(rows))
	var sum, counted int64
	for i, r := range rows {
		if r.Of > 0 {
			tenths[i] = r.Count * 1000 / r.Of
		}
		sum, counted = sum+tenths[i], counted+r.Count
	}
	if len(rows) > 0 && counted == rows[0].Of { // the parts of one whole
		byLoss := make([]int, len(rows))
		for i := range byLoss {
			byLoss[i] = i
		}
		slices.SortStableFunc(byLoss, func(a, b int) int {
			return cmp.Compare(rows[b].Count*1000%max(rows[b].Of, 1), rows[a].Count*1000%max(rows[a].Of, 1))
		})
		for i := 0; i < len(byLoss) && sum < 1000; i, sum = i+1, sum+1 {
			tenths[byLoss[i]]++
		}
	}
	for i, r := range rows {
		rows[i].Share = l.tenths(tenths[i], r.Count, r.Of)
	}
	return rows
}

// tenths writes a share that was rounded already.
func (l *Locale) tenths(tenths, part, whole int64) string {
	switch {
	case whole <= 0 || part == 0 || part >= whole || tenths == 0:
		return l.Share(part, whole)
	case tenths >= 1000:
		return l.Say("share.nearly_all", nil)
	}
	return l.Percent(int(tenths) * 10)
}

func tenthsText(tenths int64) string {
	return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10)
}

// between writes in which range a share lies, both in hundredths of a percent: "91–95 %"; of a row of which nothing is known it is "".
func (l *Locale) between(low, high int) string {
	if high == 0 {
		return ""
	}
	return l.Say("share.between", struct{ Low, High string }{bound(low, 0), bound(high, 99)})
}

// least writes the lower end of a range, most the upper one, neither better than it is.
func least(low int) string { return bound(low, 0) }
func most(high int) string { return bound(high, 99) }

// bound rounds hundredths of a percent: to whole percent in the middle, to tenths near the ends.
func bound(hundredths, up int) string {
	if hundredths >= 200 && hundredths <= 9800 {
		return strconv.Itoa((hundredths + up) / 100)
	}
	tenths := int64((hundredths + min(up, 9)) / 10)
	if tenths%10 == 0 {
		return strconv.FormatInt(tenths/10, 10)
	}
	return tenthsText(tenths)
}

// Ratio is a share as people say it: about In in Of, of which both are small; In equals Of for nearly all of them.
type Ratio struct {
	In, Of int64
	All    bool // each of them
	None   bool
}

// ratio finds the fraction by which people would call part of whole.
func ratio(part, whole int64) Ratio {
	switch {
	case part <= 0 || whole <= 0:
		return Ratio{None: true}
	case part >= whole:
		return Ratio{In: 1, Of: 1, All: true}
	case part*10 < whole: // one in so many, to two places
		n := (whole + part/2) / part
		for unit := int64(10); n/unit >= 10; unit *= 10 {
			n = (n + unit/2) / unit * unit
		}
		return Ratio{In: 1, Of: n}
	case part*20 > whole*19:
		return Ratio{In: 1, Of: 1}
	}
	best := Ratio{In: 1, Of: 10}
	off := func(r Ratio) int64 { return max(part*r.Of-r.In*whole, r.In*whole-part*r.Of) } // times whole and Of
	for of := int64(2); of <= 10; of++ {
		if of == 7 || of == 8 { // nobody says sevenths
			continue
		}
		in := (part*of*2 + whole) / (2 * whole)
		if r := (Ratio{In: in, Of: of}); in > 0 && in < of && off(r)*best.Of < off(best)*of {
			best = r
		}
	}
	return best
}
