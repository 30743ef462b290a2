// SPDX-License-Identifier: Apache-2.0

// Package servertest is the kit with which the server's rooms are tested: keys, ceremonies, packages,
// and the rooms themselves on a real database and real folders.
//
// Parties: tests alone import it. It promises nothing is faked but the clock, which stands still until
// it is moved, and that keys and packages are the same each time. It refuses nothing: what does not
// work ends the test.
package servertest

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/server/blob/disk"
	"landed/server/fleet"
	"landed/server/repo"
	"landed/server/rollouts"
	"landed/server/rooms"
	"landed/server/store"
)

// Day is a day.
const Day = 24 * time.Hour

// Rooms are the rooms on a database and folders of their own.
type Rooms struct {
	*rooms.Rooms
	T     testing.TB
	Ctx   context.Context
	Dir   string    // holds landed.db, blobs/ and feed/
	Now   time.Time // moved by the test
	DB    store.Database
	Blobs *disk.Store
	// Published and Event, if set, are called as those of rooms.Config.
	Published func(metadata map[string][]byte, isTarget func(stored string) bool)
	Event     func(context.Context, rollouts.Event)

	log    switchedLog
	change []func(*rooms.Config)
}

// New opens rooms that are closed when the test ends; change may alter how.
func New(t testing.TB, change ...func(*rooms.Config)) *Rooms {
	r := &Rooms{
		T: t, Ctx: context.Background(), Dir: t.TempDir(), Now: time.Date(2014, 8, 20, 9, 0, 0, 0, time.UTC),
		log: newSwitchedLog(), change: change,
	}
	r.Reopen()
	t.Cleanup(r.Shut)
	return r
}

// Config is what the rooms are opened with.
func (r *Rooms) Config() rooms.Config {
	c := rooms.Config{
		Store: r.DB, Blobs: r.Blobs, Dir: filepath.Join(r.Dir, "feed"),
		Keys: OnlineKeys(), Catalogue: manifests.DefaultCatalogue(), Expiry: repo.DefaultExpiry(),
		OTAKeys: func(string) ([]otapkg.Pin, error) { return otapkg.ParsePins(OTAKey.CertPEM()) },
		Now:     func() time.Time { return r.Now }, Random: rand.Reader, Log: slog.New(r.log),
		Published: func(metadata map[string][]byte, isTarget func(string) bool) {
			if r.Published != nil {
				r.Published(metadata, isTarget)
			}
		},
		Event: func(ctx context.Context, e rollouts.Event) {
			if r.Event != nil {
				r.Event(ctx, e)
			}
		},
	}
	for _, f := range r.change {
		f(&c)
	}
	return c
}

// Reopen is what a start of the server does, after whatever ended it.
func (r *Rooms) Reopen() {
	r.T.Helper()
	r.Shut()
	r.DB = OK(store.Make(r.Ctx, filepath.Join(r.Dir, "landed.db"), func() time.Time { return r.Now }))(r.T)
	r.Blobs = OK(disk.Open(filepath.Join(r.Dir, "blobs")))(r.T)
	r.Rooms = OK(rooms.Open(r.Ctx, r.Config()))(r.T)
}

// Shut closes everything.
func (r *Rooms) Shut() {
	if r.Rooms != nil {
		r.Close()
		r.Rooms = nil
	}
	if r.DB != nil {
		r.DB.Close()
		r.Blobs.Close()
		r.DB = nil
	}
}

// MustRenew is a tick.
func (r *Rooms) MustRenew() {
	r.T.Helper()
	if err := r.Renew(r.Ctx); err != nil {
		r.T.Fatal(err)
	}
}

// State is what is published.
func (r *Rooms) State() repo.State {
	r.T.Helper()
	return OK(r.Repo.State(r.Ctx))(r.T)
}

// Update writes to the database behind the back of the rooms.
func (r *Rooms) Update(fn func(tx fleet.Tx) error) {
	r.T.Helper()
	if err := r.DB.Update(r.Ctx, fn); err != nil {
		r.T.Fatal(err)
	}
}

// View reads the database.
func (r *Rooms) View(fn func(tx fleet.Tx) error) {
	r.T.Helper()
	if err := r.DB.View(r.Ctx, fn); err != nil {
		r.T.Fatal(err)
	}
}

// Rollout is one as it is stored.
func (r *Rooms) Rollout(id string) (found fleet.Rollout) {
	r.T.Helper()
	r.View(func(tx fleet.Tx) (err error) {
		found, err = tx.Rollouts().Get(r.Ctx, id)
		return err
	})
	return found
}

// Contents counts packages, lines of the audit trail and contents: whatever is refused leaves the number as it was.
func (r *Rooms) Contents() (n int) {
	r.T.Helper()
	for _, err := range r.Blobs.List(r.Ctx) {
		if err != nil {
			r.T.Fatal(err)
		}
		n++
	}
	r.View(func(tx fleet.Tx) error {
		packages, err := tx.Packages().List(r.Ctx)
		entries, err2 := tx.Audit().List(r.Ctx, 0, 500)
		n += len(packages) + len(entries)
		return errors.Join(err, err2)
	})
	return n
}

// OK ends the test if a call failed: OK(f())(t).
func OK[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// CheckError wants an error for people with this code, and these words in it.
func CheckError(t testing.TB, err error, code, words string) {
	t.Helper()
	e, is := errors.AsType[*fleet.Error](err)
	if !is {
		t.Fatalf("got %v; wanted an error for people with the code %s", err, code)
	}
	if e.Code != code || !strings.Contains(e.Msg, words) {
		t.Errorf("got %s: %s; wanted %s: …%s…", e.Code, e.Msg, code, words)
	}
}
