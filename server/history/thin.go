// SPDX-License-Identifier: Apache-2.0

package history

import (
	"time"

	"landed/manifests/effect"
	"landed/server/fleet"
)

// For how long copies stay: of each hour, then the last of each day, and after that the last of each week, for ever.
const (
	Hourly = 14 * 24 * time.Hour
	Daily  = 400 * 24 * time.Hour
)

// span numbers the hours, days or weeks of which one copy is enough, by how old a moment is.
func span(now, at time.Time) (number func(time.Time) int64) {
	switch age := now.Sub(at); {
	case age <= Hourly:
		return fleet.Hour
	case age <= Daily:
		return effect.Day
	}
	return func(t time.Time) int64 { return (effect.Day(t) + 3) / 7 } // from Monday on
}

// Thin says which of the moments, oldest first, are not to be kept any longer: those that a later one of the same hour, day or
// week follows. The newest always stays. To thin now and later leaves the same as to thin later alone.
func Thin(now time.Time, moments []fleet.Moment) (gone []fleet.Moment) {
	for n, m := range moments[:max(len(moments)-1, 0)] {
		if number := span(now, m.At); number(m.At) == number(moments[n+1].At) {
			gone = append(gone, m)
		}
	}
	return gone
}

// spans are from finest to coarsest what Pick may take one moment of.
var spans = []time.Duration{time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 14 * day,
	28 * day, 84 * day, 364 * day}

const day = 24 * time.Hour

// Pick chooses at most so many of the moments, oldest first, for a picture: the last one of each span of time, of the finest
// span by which they are so few; and the first.
func Pick(moments []fleet.Moment, most int) []fleet.Moment {
	for _, span := range spans {
		var some []fleet.Moment
		for n, m := range moments {
			last := n == len(moments)-1 || !m.At.Truncate(span).Equal(moments[n+1].At.Truncate(span))
			if n == 0 || last {
				some = append(some, m)
			}
		}
		if len(some) <= most {
			return some
		}
	}
	return moments[max(len(moments)-most, 0):]
}
