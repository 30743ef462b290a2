// SPDX-License-Identifier: Apache-2.0

package history

import (
	"context"
	"errors"
	"time"

	"landed/manifests/effect"
	"landed/server/fleet"
	"landed/server/rollout"
)

// What may get worse, and whose share it is.
const (
	OfJudged = "opposite" // of those that could be judged, so many show the opposite of the effect
	OfEnded  = "failures" // of those whose attempt ended, so many failed for a reason that speaks against the update

	Counted   = "counted"
	Everybody = "everybody"
)

// Share is a part of a whole.
type Share struct{ Part, Whole int64 }

// Regression is a share of a cell that is worse than it was.
type Regression struct {
	fleet.Cell
	What, Whose string // OfJudged …, Counted …
	Was, Is     Share
}

// regressed is what the log is told once of, while it lasts.
type regressed struct {
	fleet.Cell
	what, whose string
}

// Regressions holds figures against a copy of them: which shares are worse, so clearly that chance does not explain it
// (rollout.Rose)? A cell without a release is the fleet of a model and channel, whatever its handsets run. Where too
// few have been seen nothing is said. Cells are in the order of is; what was never copied has not become worse.
func Regressions(was map[fleet.Cell]fleet.Counts, is []fleet.Counts) (worse []Regression) {
	for _, c := range is {
		then, copied := was[c.Cell()]
		if !copied {
			continue
		}
		for _, one := range []struct {
			whose   string
			was, is fleet.Figures
		}{{Counted, then.Counted, c.Counted}, {Everybody, then.Figures, c.Figures}} {
			for _, share := range []struct {
				what    string
				was, is Share
			}{{OfJudged, opposite(one.was), opposite(one.is)}, {OfEnded, failures(one.was), failures(one.is)}} {
				if rollout.Rose(share.was.Part, share.was.Whole, share.is.Part, share.is.Whole) {
					worse = append(worse, Regression{c.Cell(), share.what, one.whose, share.was, share.is})
				}
			}
		}
	}
	return worse
}

func opposite(f fleet.Figures) Share { return Share{f.Kinds[effect.Bad], f.Judged()} }
func failures(f fleet.Figures) Share { return Share{f.Blamed(), f.Ended()} }

// baselines are the copies that the figures of now are held against: the newest, and the newest that are a day and a week old;
// where there are none so old, the oldest.
func baselines(now time.Time, moments []fleet.Moment) (all []fleet.Moment) {
	ages := []time.Duration{0, day, 7 * day}
	for n := len(moments) - 1; n >= 0 && len(ages) > 0; n-- {
		m := moments[n]
		if m.Version != fleet.FiguresVersion {
			return all
		}
		last := n == 0 || moments[n-1].Version != m.Version
		if !last && now.Sub(m.At) < ages[0] {
			continue
		}
		for len(ages) > 0 && now.Sub(m.At) >= ages[0] {
			ages = ages[1:]
		}
		all = append(all, m)
	}
	return all
}

// lookEvery is how often it is looked at most: a regression is told within a minute.
const lookEvery = 30 * time.Second

// watch tells of regressions: by a line at level ERROR when one begins, and by their number while they last.
func (k *Keeper) watch(ctx context.Context, now time.Time, moments []fleet.Moment) error {
	if lapse := now.Sub(k.looked); lapse >= 0 && lapse < lookEvery {
		return nil
	}
	var worse []since
	err := k.Store.View(ctx, func(tx fleet.Tx) error {
		is, err := tx.Counts().List(ctx)
		totals, err2 := tx.Counts().Totals(ctx) // a later release may make it worse than an older one
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		is = append(is, totals...)
		names := make([]fleet.Cell, len(is))
		for n := range is {
			is[n], names[n] = is[n].At(now), is[n].Cell()
		}
		for _, m := range baselines(now, moments) {
			copies, err := tx.History().Stood(ctx, []time.Time{m.At}, names...)
			if err != nil {
				return err
			}
			was := map[fleet.Cell]fleet.Counts{}
			for n, c := range copies[0] {
				if !c.At.IsZero() {
					was[names[n]] = c.Counts
				}
			}
			for _, r := range Regressions(was, is) {
				worse = append(worse, since{r, m.At})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	found := map[regressed]bool{}
	for _, r := range worse {
		if r.Release != "" {
			found[r.key()] = true
		}
	}
	for _, r := range worse {
		key := r.key()
		if r.Release == "" && anyRelease(found, key) {
			continue // which says more
		}
		if !k.told[key] {
			k.tell(ctx, r)
			k.told[key] = true
		}
		found[key] = true
	}
	k.looked, k.told = now, found
	k.now.Store(int64(len(found)))
	return nil
}

// since is a regression against a copy of that time.
type since struct {
	Regression
	at time.Time
}

func (r Regression) key() regressed { return regressed{r.Cell, r.What, r.Whose} }

// anyRelease says if the same was found of a release on the model and channel of a total.
func anyRelease(found map[regressed]bool, of regressed) bool {
	for one := range found {
		if one.Release != "" && one.Model == of.Model && one.Channel == of.Channel && one.what == of.what && one.whose == of.whose {
			return true
		}
	}
	return false
}

func (k *Keeper) tell(ctx context.Context, r since) {
	k.Log.ErrorContext(ctx, "a share of the installations of a release is worse than it was, and not by chance; the rollout goes by "+
		"its gates, and not by this", "release", r.Release, "model", r.Model, "channel", r.Channel, "share", r.What, "of", r.Whose,
		"was", r.Was.Part, "was_of", r.Was.Whole, "is", r.Is.Part, "is_of", r.Is.Whole, "since", r.at)
}
