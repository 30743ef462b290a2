// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"landed/server/fleet"
)

func testProposals(t *testing.T, s fleet.Store) {
	proposal := func(id, subject string, minutes int) fleet.Proposal {
		at := Now.Add(time.Duration(minutes) * time.Minute)
		return fleet.Proposal{ID: id, Action: "rollout.resume", Subject: subject, Arguments: []byte(`{"id":1}`), Digest: "d" + id,
			Revision: 7, By: "ann", Reason: "a test handset", At: at, Expires: at.Add(24 * time.Hour)}
	}
	first, second, other := proposal("2", "x", 0), proposal("1", "x", 1), proposal("3", "y", 2)
	for _, p := range []fleet.Proposal{other, second, first} {
		update(t, s, func(tx fleet.Tx) error { return tx.Proposals().Put(ctx, p) })
	}
	wantKind(t, s, fleet.Conflict, "proposal_exists", func(tx fleet.Tx) error { return tx.Proposals().Put(ctx, first) })
	view(t, s, func(tx fleet.Tx) error {
		got, err1 := tx.Proposals().Get(ctx, "2")
		same(t, "one", got, first)
		all, err2 := tx.Proposals().List(ctx)
		same(t, "all", all, []fleet.Proposal{first, second, other})
		of, err3 := tx.Proposals().OfSubject(ctx, "x")
		same(t, "of x", of, []fleet.Proposal{first, second})
		return errors.Join(err1, err2, err3)
	})
	remove := func(tx fleet.Tx) error { return tx.Proposals().Remove(ctx, "2") }
	update(t, s, remove)
	wantKind(t, s, fleet.NotFound, "proposal_unknown", remove)
}

func testOutages(t *testing.T, s fleet.Store) {
	at := func(minutes int) time.Time { return Now.Add(time.Duration(minutes) * time.Minute) }
	add := func(cause fleet.OutageCause, from, to int) {
		t.Helper()
		o := fleet.Outage{Cause: cause, From: at(from)}
		if to != 0 {
			o.To = at(to)
		}
		update(t, s, func(tx fleet.Tx) error { return tx.Outages().Add(ctx, o) })
	}
	since := func(from int, want ...fleet.Outage) {
		t.Helper()
		view(t, s, func(tx fleet.Tx) error {
			got, err := tx.Outages().Since(ctx, at(from))
			same(t, fmt.Sprint("since ", from), got, want)
			return err
		})
	}
	var none []fleet.Outage
	since(-1, none...)
	add(fleet.OutageOverload, 1, 2)
	add(fleet.OutageOverload, 3, 4)   // one with the first
	add(fleet.OutageOverload, 10, 11) // and this is another
	add(fleet.OutageDisk, 4, 5)
	add(fleet.OutageClock, 20, 0)
	one := fleet.Outage{Cause: fleet.OutageOverload, From: at(1), To: at(4)}
	two := fleet.Outage{Cause: fleet.OutageOverload, From: at(10), To: at(11)}
	disk, clock := fleet.Outage{Cause: fleet.OutageDisk, From: at(4), To: at(5)}, fleet.Outage{Cause: fleet.OutageClock, From: at(20)}
	since(0, one, disk, two, clock)
	add(fleet.OutageClock, 25, 40)
	clock.To = at(40)
	since(4, disk, two, clock)
	since(40, none...)
	update(t, s, func(tx fleet.Tx) error { return tx.Outages().Forget(ctx, at(11)) })
	since(0, two, clock)
	add(fleet.OutageClock, 41, 0) // the same one again
	add(fleet.OutageClock, 42, 42)
	clock.To = at(42)
	since(0, two, clock)

	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Outages().Beaten(ctx)
		if !got.IsZero() {
			t.Errorf("the first beat is %s", got)
		}
		return err
	})
	update(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.Outages().Beat(ctx, at(9)), tx.Outages().Beat(ctx, at(3)))
	})
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Outages().Beaten(ctx)
		same(t, "the last beat", got, at(3))
		return err
	})
	update(t, s, func(tx fleet.Tx) error { // more than are kept
		for i := range fleet.MaxOutages + 3 {
			from := at(1000 + 10*i)
			if err := tx.Outages().Add(ctx, fleet.Outage{Cause: fleet.OutageDisk, From: from, To: from.Add(time.Minute)}); err != nil {
				return err
			}
		}
		all, err := tx.Outages().Since(ctx, at(0))
		if len(all) != fleet.MaxOutages || !all[0].From.Equal(at(10)) || all[0].To.Before(at(1020)) {
			t.Errorf("%d are kept, the first is %v", len(all), all[0])
		}
		return err
	})
}
