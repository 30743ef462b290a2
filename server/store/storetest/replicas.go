// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"testing"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// long and ended are terms of leases: one that outlives any test, and one that has run out when it is given.
const (
	long  = time.Hour
	ended = -time.Second
)

func testLeases(t *testing.T, s fleet.Store) {
	take := func(holder string, ttl time.Duration, want int64) (l fleet.Lease) {
		t.Helper()
		update(t, s, func(tx fleet.Tx) (err error) {
			var ok bool
			if l, ok, err = tx.Leases().Take(ctx, "loop", holder, ttl); ok != (want > 0) || ok && l.Token != want {
				t.Errorf("%s got %+v, %v; wanted the token %d", holder, l, ok, want)
			}
			return err
		})
		return l
	}
	check := func(l fleet.Lease, held bool) {
		t.Helper()
		err := s.Update(ctx, func(tx fleet.Tx) error { return tx.Leases().Check(ctx, l) })
		if e, ok := errors.AsType[*fleet.Error](err); held != (err == nil) || err != nil && (!ok || e.Code != fleet.LeaseLost) {
			t.Errorf("%+v: %v", l, err)
		}
	}
	check(fleet.Lease{Name: "loop", Holder: "a", Token: 1}, false)
	a := take("a", long, 1)
	take("b", long, 0) // a has it
	take("a", long, 1) // longer
	check(a, true)
	a = take("a", ended, 1)
	check(a, true) // nobody took it
	b := take("b", long, 2)
	check(a, false)
	check(b, true)
	update(t, s, func(tx fleet.Tx) error { return tx.Leases().GiveBack(ctx, a) }) // is b's
	check(b, true)
	update(t, s, func(tx fleet.Tx) error { return tx.Leases().GiveBack(ctx, b) })
	check(b, false)
	b2 := take("b", long, 3) // taken again: what was begun under the first is void
	check(b, false)
	check(b2, true)
	take("a", long/2, 4) // its end lies further ahead than anybody is given one for: the clock was ahead
	check(b2, false)
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Leases().List(ctx)
		if len(all) != 1 || all[0].Name != "loop" || all[0].Holder != "a" || all[0].Token != 4 || all[0].Until.IsZero() {
			t.Errorf("there are %+v", all)
		}
		return err
	})
}

func testMembers(t *testing.T, s fleet.Store) {
	beat := func(ttl time.Duration, m fleet.Member) {
		t.Helper()
		update(t, s, func(tx fleet.Tx) error { return tx.Members().Beat(ctx, m, ttl) })
	}
	get := func(id string) (m fleet.Member) {
		t.Helper()
		view(t, s, func(tx fleet.Tx) (err error) { m, err = tx.Members().Get(ctx, id); return err })
		return m
	}
	wantKind(t, s, fleet.NotFound, "member_unknown", func(tx fleet.Tx) error { _, err := tx.Members().Get(ctx, "a"); return err })
	beat(long, fleet.Member{ID: "a", Program: "1.0", Protocol: 1, Prepared: 5, Served: 4, Highest: 5})
	first := get("a")
	if !first.Live || first.Beats != 1 || first.Joined.IsZero() || first.Until.Sub(first.Joined) != long || first.Program != "1.0" ||
		first.Protocol != 1 || first.Prepared != 5 || first.Served != 4 || first.Highest != 5 {
		t.Errorf("the first beat made %+v", first)
	}
	beat(0, fleet.Member{ID: "a", Program: "1.1", Protocol: 2, Prepared: 3, Served: 3, Highest: 3})
	if m := get("a"); m.Live || m.Beats != 2 || !m.Joined.Equal(first.Joined) || m.Program != "1.1" || m.Protocol != 2 ||
		m.Prepared != 3 || m.Served != 3 || m.Highest != 5 {
		t.Errorf("the second beat made %+v", m)
	}
	beat(long, fleet.Member{ID: "b", Highest: 2})
	for _, tt := range []struct {
		silent  time.Duration
		version int64
		left    int
	}{{long, 9, 2}, {-long, 4, 2}, {-long, 5, 1}} { // a has seen 5; b lives
		var n int
		update(t, s, func(tx fleet.Tx) error {
			err := tx.Members().Forget(ctx, tt.silent, tt.version)
			all, err2 := tx.Members().List(ctx)
			n = len(all)
			return errors.Join(err, err2)
		})
		if n != tt.left {
			t.Errorf("%+v: %d are left", tt, n)
		}
	}
}

func testReleased(t *testing.T, s fleet.Store) {
	stored := func(versions ...int64) {
		update(t, s, func(tx fleet.Tx) error {
			for _, v := range versions {
				if err := tx.Metadata().Put(ctx, fleet.Metadata{Role: tufrepo.Timestamp, Version: v, Bytes: []byte("{}"), At: Now,
					Expires: Now}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	want := func(f fleet.Feed) {
		t.Helper()
		view(t, s, func(tx fleet.Tx) error {
			got, err := tx.Members().Feed(ctx)
			if got != f {
				t.Errorf("the feed is %+v, wanted %+v", got, f)
			}
			return err
		})
	}
	release := func(v int64) {
		update(t, s, func(tx fleet.Tx) error { return tx.Members().Release(ctx, v) })
	}
	want(fleet.Feed{})
	stored(1, 3)
	want(fleet.Feed{Stored: 3, Released: 3}) // nobody waits for anybody yet
	release(3)
	stored(4)
	want(fleet.Feed{Stored: 4, Released: 3})
	release(4)
	release(3)
	want(fleet.Feed{Stored: 4, Released: 4})
	update(t, s, func(tx fleet.Tx) error { return tx.Audit().Append(ctx, fleet.AuditEntry{Action: "x", At: Now}) })
	want(fleet.Feed{Stored: 4, Released: 4, Changes: 1})
	release(9) // of a feed of which more was stored, before the database went back
	release(4)
	want(fleet.Feed{Stored: 4, Released: 4, Changes: 1})
}

// testComing has a content come and go: never both at once.
func testComing(t *testing.T, s fleet.Store) {
	p := aPackage("a")
	coming := func(note string, ttl time.Duration, code string) {
		t.Helper()
		err := s.Update(ctx, func(tx fleet.Tx) error { return tx.Packages().Incoming(ctx, p.SHA256, note, ttl) })
		if e, ok := errors.AsType[*fleet.Error](err); ok && e.Code != code || !ok && (err != nil || code != "") {
			t.Errorf("%s is coming: %v, wanted %q", note, err, code)
		}
	}
	deleting := func(ttl time.Duration, want bool) {
		t.Helper()
		update(t, s, func(tx fleet.Tx) error {
			is, err := tx.Packages().Deleting(ctx, p.SHA256, ttl)
			if is != want {
				t.Errorf("deleting: %v", is)
			}
			return err
		})
	}
	deleting(long, false) // it is not left over
	coming("one", long, "")
	update(t, s, func(tx fleet.Tx) error {
		return errors.Join(tx.Packages().Arrived(ctx, p.SHA256, "one"), tx.Packages().Put(ctx, p))
	})
	wantKind(t, s, fleet.Busy, "upload_late", func(tx fleet.Tx) error { return tx.Packages().Arrived(ctx, p.SHA256, "one") })
	deleting(long, false)
	update(t, s, func(tx fleet.Tx) error { return tx.Packages().Remove(ctx, p.Ref()) })
	coming("two", ended, "")
	wantKind(t, s, fleet.Busy, "upload_late", func(tx fleet.Tx) error { return tx.Packages().Arrived(ctx, p.SHA256, "two") })
	coming("two", long, "")
	deleting(long, false) // two is on its way
	update(t, s, func(tx fleet.Tx) error { return tx.Packages().Arrived(ctx, p.SHA256, "two") })
	deleting(ended, true)
	coming("three", ended, "") // whoever deleted it took too long, or died
	deleting(long, true)
	deleting(long, false) // somebody else does
	coming("four", long, "content_deleting")
	update(t, s, func(tx fleet.Tx) error { return tx.Packages().Forget(ctx, p.SHA256) })
	coming("four", long, "")
	deleting(long, false)
}
