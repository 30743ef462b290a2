// SPDX-License-Identifier: Apache-2.0

package settle

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"landed/server/fleet"
)

// Mark names what was decided: the number of the last admission, and a digest of the quarantines. When they were made
// says nothing of their order: the clock may have been ahead.
func (c Control) Mark() string {
	return fmt.Sprintf("%d.%s", c.Entries(), quarantineMark(c.Quarantines))
}

// Entries is the number of the last admission.
func (c Control) Entries() (n int64) {
	for _, a := range c.Admissions {
		n = max(n, a.N)
	}
	return n
}

func quarantineMark(all []fleet.Quarantine) string {
	sum := sha256.New()
	byID := func(a, b fleet.Quarantine) int { return strings.Compare(a.ID, b.ID) }
	for _, q := range slices.SortedFunc(slices.Values(all), byID) {
		fmt.Fprintf(sum, "%q %d %d %d %d\n", q.ID, q.Until().UnixMilli(), q.Bad, q.At.UnixMilli(), q.Lifted.UnixMilli())
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// olderMark is what older programs wrote of the quarantines: when one of them was made or lifted last.
func olderMark(all []fleet.Quarantine) string {
	var at int64
	for _, q := range all {
		at = max(at, q.At.UnixMilli(), q.Lifted.UnixMilli())
	}
	return strconv.FormatInt(at, 10)
}

// Since is what was decided from a mark on: the number of the last admission at the mark, and the quarantines as they
// stood then and after each later change, up to now. written has the ids of quarantines as they were written. known is
// false of a mark that nothing that was decided could have left: then it is all from the beginning.
func (c Control) Since(mark string, written []string) (n int64, steps [][]fleet.Quarantine, known bool) {
	number, of, _ := strings.Cut(mark, ".")
	n, err := strconv.ParseInt(number, 10, 64)
	isEntry := n == 0 || slices.ContainsFunc(c.Admissions, func(a fleet.Admission) bool { return a.N == n })
	inOrder := asWritten(c.Quarantines, written)
	if err == nil && isEntry && strconv.FormatInt(n, 10) == number {
		for _, steps := range [][][]fleet.Quarantine{inOrder, asDated(c.Quarantines)} {
			for at, then := range steps {
				if of == quarantineMark(then) || of == olderMark(then) {
					return n, steps[at:], true
				}
			}
		}
	}
	return 0, inOrder, false
}

// event is that a quarantine was made, or lifted.
type event struct {
	id     string
	lifted bool
}

// asWritten are the quarantines from none to those of now, as they were written: the last that was written of a lifted
// one lifted it. One that is in no list comes last.
func asWritten(all []fleet.Quarantine, written []string) [][]fleet.Quarantine {
	times := map[string]int{}
	for _, id := range written {
		times[id]++
	}
	seen := map[string]int{}
	var events []event
	for _, id := range written {
		if seen[id]++; seen[id] == 1 {
			events = append(events, event{id, false})
		} else if seen[id] == times[id] {
			events = append(events, event{id, true})
		}
	}
	for _, q := range all {
		if times[q.ID] == 0 {
			events = append(events, event{q.ID, false})
		}
		if times[q.ID] < 2 {
			events = append(events, event{q.ID, true})
		}
	}
	return play(all, events)
}

// asDated are the same in the order of their times: of older ones it is not on record in which they were written.
func asDated(all []fleet.Quarantine) [][]fleet.Quarantine {
	at := map[event]time.Time{}
	var events []event
	for _, q := range all {
		made, lifted := event{q.ID, false}, event{q.ID, true}
		at[made], at[lifted] = q.At, q.Lifted
		events = append(events, made, lifted)
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Or(at[a].Compare(at[b]), strings.Compare(a.id, b.id)) })
	return play(all, events)
}

// play are the quarantines before the first event, and after each.
func play(all []fleet.Quarantine, events []event) [][]fleet.Quarantine {
	steps := [][]fleet.Quarantine{nil}
	for _, e := range events {
		n := slices.IndexFunc(all, func(q fleet.Quarantine) bool { return q.ID == e.id })
		if n < 0 || e.lifted && all[n].Lifted.IsZero() {
			continue
		}
		then := slices.Clone(steps[len(steps)-1])
		then = slices.DeleteFunc(then, func(q fleet.Quarantine) bool { return q.ID == e.id })
		q := all[n]
		if !e.lifted {
			q.Lifted = time.Time{}
		}
		steps = append(steps, append(then, q))
	}
	return steps
}
