// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/settle"
)

// before is an installation as it stood before the last admission of it that need not be applied to it yet; nil if
// there is none.
func (v *verifier) before(ctx context.Context, later *settle.Handset, of settle.History, all []arrived) *settle.Handset {
	last := int64(0)
	for _, n := range later.Entries {
		last = max(last, n)
	}
	if last <= v.applied {
		return nil
	}
	then := v.control
	then.Admissions = slices.DeleteFunc(slices.Clone(then.Admissions), func(a fleet.Admission) bool { return a.N >= last })
	again, err := v.begin(ctx, of, then)
	if err != nil {
		return nil
	}
	for _, one := range all {
		again.Again(one.at, one.Arrival)
	}
	again.Live(time.Time{})
	return again
}

// stands lists how the stored states of an installation differ from those that follow.
func (v *verifier) stands(ctx context.Context, ref report.Reference, states []fleet.Installation, again *settle.Handset) (faults []string) {
	for _, is := range states {
		if shown := again.Of(is.Release); shown == nil {
			faults = append(faults, fmt.Sprintf("installation %s: no stored report speaks of release %.60q", ref, is.Release))
		} else {
			faults = append(faults, v.differences(ctx, is, shown.Is, again.First)...)
		}
	}
	for _, s := range again.States {
		if !slices.ContainsFunc(states, func(i fleet.Installation) bool { return i.Release == s.Is.Release }) {
			faults = append(faults, fmt.Sprintf("installation %s: what it showed of release %s is missing", ref, s.Is.Release))
		}
	}
	return faults
}

// differences lists the columns of a state that do not follow from its reports.
func (v *verifier) differences(ctx context.Context, is, follows fleet.Installation, first string) (faults []string) {
	differ := func(what string, have, want any) {
		if have != want {
			faults = append(faults, fmt.Sprintf("installation %s on %s: %s is stored as %v, and follows as %v", is.Ref, is.Release, what,
				have, want))
		}
	}
	differ("current", is.Current, follows.Current)
	differ("model", is.Model, follows.Model)
	differ("channel", is.Channel, follows.Channel)
	differ("the newest report", is.Newest.ID, follows.Newest.ID)
	differ("its sequence number", is.Seq, follows.Seq)
	differ("progress", is.Progress, follows.Progress)
	differ("before", is.Before, follows.Before)
	differ("leaked", is.Leaked, follows.Leaked)
	differ("cloned", is.Cloned, follows.Cloned)
	differ("the number of reports", is.Reports, follows.Reports)
	differ("first", is.First.UnixMilli(), follows.First.UnixMilli())
	differ("last", is.Last.UnixMilli(), follows.Last.UnixMilli())
	differ("away", is.Away.UnixMilli(), follows.Away.UnixMilli())
	differ("absent", is.Absent, follows.Absent)
	differ("back", is.Back.UnixMilli(), follows.Back.UnixMilli())
	differ("the commitment", is.Commit, follows.Commit)
	differ("the draw", is.Drawn, follows.Drawn)
	differ("out of draw", is.OutOfDraw, follows.OutOfDraw)
	differ("admitted", is.Admitted.UnixMilli(), follows.Admitted.UnixMilli())
	differ("quarantined", is.Quarantined, follows.Quarantined)
	differ("counted", is.Counted, follows.Counted)
	if len(faults) == 0 && !v.standsAs(ctx, is, follows, first) {
		faults = append(faults, fmt.Sprintf("installation %s on %s is stored as %s (%s, %d reasons), and follows as %s (%s, %d "+
			"reasons); \"otad rejudge\" judges it again", is.Ref, is.Release, is.Verdict, is.Kind, len(is.Because), follows.Verdict,
			follows.Kind, len(follows.Because)))
	}
	return faults
}

// standsAs says if a state is judged as its reports are.
func (v *verifier) standsAs(ctx context.Context, is, follows fleet.Installation, first string) bool {
	rule, err := v.Rules.Of(ctx, is.Release, is.Model)
	if err != nil {
		return isUnreadable(err)
	}
	settle.Judge(&follows, first, rule)
	return !differs(is, follows)
}
