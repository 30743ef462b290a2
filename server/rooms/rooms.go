// SPDX-License-Identifier: Apache-2.0

// Package rooms opens the rooms that lead from an upload to the feed, and keeps the order in which
// they work at the start and at each tick.
//
// Parties: package server opens them; the console calls each room by its name. It promises that a
// feed is healed, and what a restored database forgot is taken up, before anything is published. It
// refuses to decide anything: that is for the rooms.
package rooms

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/evidence"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/lineup"
	"landed/server/proposals"
	"landed/server/release"
	"landed/server/repo"
	"landed/server/restore"
	"landed/server/rollouts"
	"landed/server/span"
	"landed/server/trust"
)

// Config is what the rooms are given. All fields are needed, unless they say otherwise.
type Config struct {
	Store     fleet.Store
	Blobs     blob.Store // packages, manifests and offers documents
	Dir       string     // the feed folder
	Keys      repo.OnlineKeys
	NewKeys   func() ([]repo.OnlineKeys, error)          // keys that are to follow Keys, oldest first; nil: none
	Catalogue *manifests.Catalogue                       // of a store that has no models yet; nil: the built-in one
	OTAKeys   func(channel string) ([]otapkg.Pin, error) // whose packages are taken
	Expiry    repo.Expiry
	Now       func() time.Time
	Random    io.Reader // for salts and ids
	Log       *slog.Logger
	// MakeRoom, if set, is told of a full disk, as repo.Config.MakeRoom.
	MakeRoom func(err error) bool
	// RoomFor, if set, refuses an upload of so many bytes (0 or less: unknown) before it is read.
	RoomFor func(size int64) error
	// Published, if set, is called after each publication, as repo.Config.Published.
	Published func(metadata map[string][]byte, isTarget func(stored string) bool)
	// Distrusted, if set, says if the clock is not believed, as rollouts.Ledger.Distrusted.
	Distrusted func() bool
	// Event, if set, is told of each change of a rollout, as rollouts.Ledger.Event.
	Event  func(context.Context, rollouts.Event)
	Policy proposals.Policy // what takes a second person
	// Mirrors, if any, are where packages are downloaded from rather than from the feed, as rollouts.Config.Mirrors.
	Mirrors []string
	// Base is the address of the server, as rollouts.Config.Base.
	Base string
	// Shelved, if set, is called with each publication, as repo.Config.Shelved.
	Shelved func(files map[string]shelf.File)
	Again   bool // offers that could not be published are tried again before the next Renew
	// Heads, if set, is asked for each publication, as repo.Config.Heads.
	Heads    func(context.Context) ([]tufrepo.TreeHead, error)
	Shared   bool         // other servers use the same database and blob store
	Cluster  repo.Cluster // other servers on the same database, as repo.Config.Cluster; nil: none
	ReadOnly bool         // look at a feed as it lies, without healing
	Spans    span.Spans   // measure publications, as repo.Config.Spans
}

// Rooms are open until Close.
type Rooms struct {
	Repo      *repo.Repo
	Lineup    *lineup.Lineup // the models and channels of now
	Library   *library.Library
	Releases  *release.Releases
	Ledger    *rollouts.Ledger // the one way to change a rollout
	Rollouts  *rollouts.Rollouts
	Proposals *proposals.Desk // what waits for a second person
	Trust     *trust.Trust
	Evidence  *evidence.Room
	Recovery  Recovery // of a database that was restored

	restorer restore.Restorer
}

// Open opens the rooms and heals the feed folder: what a crash left unwritten is written from the
// database, and what a restored database does not know is taken up from the folder.
func Open(ctx context.Context, c Config) (*Rooms, error) {
	line, err := lineup.Open(ctx, lineup.Config{Store: c.Store, Default: c.Catalogue, Now: c.Now, ReadOnly: c.ReadOnly,
		Refuses: func(ctx context.Context, tx fleet.Tx, m manifests.Model) ([]error, error) {
			return rollouts.Collisions(ctx, tx, m, c.Base)
		}})
	if err != nil {
		return nil, err
	}
	recovery := Recovery{c.Store, c.Now}
	r, err := repo.Open(ctx, repo.Config{
		Frozen: recovery.refuse,
		Store:  c.Store, Blobs: c.Blobs, Dir: c.Dir, Keys: c.Keys, NewKeys: c.NewKeys, Expiry: c.Expiry,
		Now: c.Now, Log: c.Log, Published: c.Published, Shelved: c.Shelved, Heads: recovery.heads(c.Heads),
		MakeRoom: c.MakeRoom, Cluster: c.Cluster,
		ReadOnly: c.ReadOnly, Spans: c.Spans,
	})
	if err != nil {
		return nil, err
	}
	ledger := &rollouts.Ledger{Store: c.Store, Now: c.Now, Log: c.Log, Event: c.Event, Distrusted: c.Distrusted}
	desk := &proposals.Desk{Store: c.Store, Now: c.Now}
	going := rollouts.New(rollouts.Config{
		Policy: c.Policy, Desk: desk, Mirrors: c.Mirrors, Base: c.Base,
		Store: c.Store, Ledger: ledger, Repo: r, Lineup: line, Random: c.Random, Log: c.Log, Again: c.Again,
	})
	rooms := &Rooms{
		Repo: r, Lineup: line, Ledger: ledger, Rollouts: going, Proposals: desk,
		Library: library.New(library.Config{
			Store: c.Store, Blobs: c.Blobs, Repo: r, Lineup: line, OTAKeys: c.OTAKeys, RoomFor: c.RoomFor, Log: c.Log,
			Shared: c.Shared,
		}),
		Releases: release.New(release.Config{
			Store: c.Store, Blobs: c.Blobs, Repo: r, Lineup: line, Life: c.Expiry.Model, Random: c.Random, Base: c.Base,
		}),
		Trust:    &trust.Trust{Store: c.Store, Repo: r, Rollouts: going},
		Evidence: &evidence.Room{Store: c.Store, Now: c.Now},
		Recovery: recovery,
		restorer: restore.Restorer{Repo: r, Ledger: ledger, Lineup: line, Log: c.Log},
	}
	if c.ReadOnly {
		return rooms, nil
	}
	if err := rooms.start(ctx, c); err != nil {
		return nil, errors.Join(err, rooms.Close())
	}
	return rooms, nil
}

func (r *Rooms) start(ctx context.Context, c Config) error {
	if err := r.Restore(ctx); err != nil {
		return err
	}
	if err := r.Repo.Heal(ctx); err != nil { // halting must be possible all the same
		c.Log.ErrorContext(ctx, "the feed folder could not be written; it is tried again at the next tick", "err", err)
	}
	if err := r.Library.Sweep(ctx); err != nil { // no reason not to start
		c.Log.WarnContext(ctx, "bytes of removed packages are still stored; it will be tried again", "err", err)
	}
	return nil
}

// Restore takes up what the feed has and the database does not know: it was restored from an older copy, or, with other
// servers, went back while they ran.
func (r *Rooms) Restore(ctx context.Context) error { return r.restorer.Run(ctx, r.Rollouts.Edit(ctx)) }

// Follow is Renew for a server whose cluster has another one do that: it mends its own folder, and reads what there is.
func (r *Rooms) Follow(ctx context.Context) error {
	return errors.Join(r.Repo.Replica().Mend(ctx), r.Lineup.Refresh(ctx))
}

// Renew does the periodic work that is due: it finishes what was signed or stored but not
// published, renews the online roles, brings the folder up to date, deletes what removed
// packages have left, raises alarms about offline roles that people have to sign again, and reads the
// models and channels that another process may have added.
// All of it is tried; errors are joined.
func (r *Rooms) Renew(ctx context.Context) error {
	s, err := r.Repo.State(ctx)
	if err == nil && s.Started() {
		if err = r.Recovery.refuse(ctx); err == nil {
			err = r.Releases.FinishSigned(ctx)
		} else if fleet.Is(err, fleet.Conflict) {
			err = nil // it waits for a person
		}
		err = errors.Join(err, r.Rollouts.HoldUnlisted(ctx))
	}
	err = errors.Join(err, r.Repo.Renew(ctx, r.Rollouts.Edit(ctx)))
	return errors.Join(err, r.Library.Sweep(ctx), r.Lineup.Refresh(ctx))
}

// Close ends what is tried again, and lets go of the feed folder.
func (r *Rooms) Close() error {
	r.Rollouts.Close()
	return r.Repo.Close()
}
