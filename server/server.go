// SPDX-License-Identifier: Apache-2.0

// Package server is the map of the house: New builds every part, and Handler says which door
// leads where and who may enter.
//
// Parties: package otad runs it; tests and the demo run it in process. It promises that every
// door is in the route map of this package, that time and logging come in from outside, and
// that Close answers what is under way. It refuses to read flags, environment, or files that
// it was not given.
package server

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"time"

	"landed/manifests/tufrepo"
	"landed/server/admission"
	"landed/server/auth"
	"landed/server/blob"
	"landed/server/blob/disk"
	"landed/server/blob/s3"
	"landed/server/cells/keeper"
	"landed/server/cluster"
	"landed/server/console"
	"landed/server/datadir"
	"landed/server/device/feed"
	"landed/server/fleet"
	"landed/server/headroom"
	"landed/server/history"
	"landed/server/httplimit"
	"landed/server/intake"
	"landed/server/metrics"
	"landed/server/repo"
	"landed/server/retain"
	"landed/server/rooms"
	"landed/server/seal"
	"landed/server/store"
	"landed/server/support"
	"landed/server/uptime"
)

// Server is the running house.
type Server struct {
	Crowd *httplimit.Crowd // for the listener at which handsets come: what it is told decides whether a stage soaks

	cfg       Config
	db        store.Database
	store     fleet.Store      // db, for what is done under a lease
	cluster   *cluster.Cluster // nil: nobody else has the database open
	room      *headroom.Headroom
	blobs     blob.Store
	feed      *feed.Handler
	new       *httplimit.Newcomers
	rooms     *rooms.Rooms
	intake    *intake.Intake
	admission *admission.Admission
	retain    *retain.Room
	history   *history.Keeper
	numbers   *keeper.Keeper // for the public
	guard     *auth.Guard
	console   *console.Console
	support   *support.Support // every number is on its pages
	public    *support.Support // what everybody may see; support where that is everything
	metrics   *metrics.Metrics
	observer  observer
	uptime    *uptime.Uptime

	readiness readiness
	expiry    expiryWatch
	cells     cells
	vouchers  voucherWatch
	prover    seal.Prover
	excess    excessWatch
	tally     tallying
	closers   []func() error // in the order in which they were opened
}

// New builds the server from a data folder that datadir.Init made, and heals its feed.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg}
	s.openClock()
	if err := s.build(context.Background()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) build(ctx context.Context) (err error) {
	dir := datadir.Dir(s.cfg.DataDir)
	s.metrics = metrics.New(s.standing)
	s.observer = observer{s.metrics, s.cfg.Traces}
	spans := s.observer.spans()
	keys, err := onlineKeys(dir)
	if err != nil {
		return err
	}
	if !s.cfg.ReadOnly {
		unlock, err := dir.Lock()
		if err != nil {
			return err
		}
		s.opened(unlock)
	}
	if err = s.openStore(ctx, dir); err != nil {
		return err
	}
	kept := s.room.Store(s.store) // control must always work; reports are stored while there is room
	s.uptime.Store, s.uptime.Control, s.uptime.Room = s.store, kept, s.room.ForReport
	if !s.cfg.ReadOnly {
		if err = s.uptime.Start(ctx); err != nil {
			return err
		}
	}
	if s.blobs, err = s.openBlobs(ctx); err != nil {
		return err
	}
	if err = openFeed(s, dir); err != nil {
		return err
	}
	rules := intake.NewRules(s.db, s.cfg.Log)
	replicas, err := joinCluster(ctx, s, rules)
	if err != nil {
		return err
	}
	s.rooms, err = rooms.Open(ctx, rooms.Config{
		Store: kept, MakeRoom: s.room.MadeRoom, RoomFor: roomFor(s), Blobs: s.blobs, Dir: dir.Feed(), Keys: keys[0],
		Catalogue: s.cfg.Catalogue, Expiry: s.cfg.Expiry,
		NewKeys: func() ([]repo.OnlineKeys, error) { return onlineKeys(dir) },
		OTAKeys: dir.OTAKeys,
		Heads:   func(ctx context.Context) ([]tufrepo.TreeHead, error) { return seal.Published(ctx, s.db) },
		Now:     s.cfg.Now, Random: s.cfg.Random, Log: s.cfg.Log, ReadOnly: s.cfg.ReadOnly, Event: s.cfg.Event,
		Distrusted: s.uptime.Distrusted, Again: true, Policy: s.cfg.Second, Spans: spans, Mirrors: s.cfg.Mirrors, Base: s.cfg.BaseURL,
		Shelved: s.feed.Shelve, Cluster: replicas, Shared: replicas != nil,
		Published: func(metadata map[string][]byte, isTarget func(string) bool) {
			rules.Invalidate() // a new release may have become judgeable
			s.feed.Publish(metadata, isTarget)
		},
	})
	if err != nil {
		return err
	}
	s.opened(s.rooms.Close)
	if err = startCluster(ctx, s); err != nil {
		return err
	}
	if err = watchers(s, dir, kept); err != nil {
		return err
	}
	s.feed.Lengths(s.rooms.Repo.Length)
	s.intake = intake.New(intake.Config{
		Newcomers: s.new,
		Store:     kept, Now: s.cfg.Now, Log: s.cfg.Log, Rules: rules, Catalogue: s.rooms.Lineup.Catalogue,
		Channels: s.rooms.Lineup.KnownChannels,
		Rollouts: s.rooms.Ledger, Offers: s.rooms.Rollouts.PublishOffers, RefuseV1: s.cfg.RefuseV1,
		Room: s.room.ForReport, Share: s.share(dir), Spans: spans, Committers: s.db.Committers(),
	})
	s.opened(s.intake.Close)
	s.admission = admission.New(admission.Config{Store: kept, Now: s.cfg.Now, Random: rand.Reader, Log: s.cfg.Log,
		Desk: s.rooms.Proposals, Policy: s.cfg.Second, Alone: alone(s.cluster, "admission"),
		Apply: func(ctx context.Context) error {
			_, err := s.intake.Reckon(ctx, nil)
			return err
		}})
	keepers(s, kept, rules)
	s.guard = &auth.Guard{Store: s.db, Log: s.cfg.Log}
	s.console = console.New(console.Config{
		Rooms: s.rooms, Admission: s.admission, Retain: s.retain, Store: kept,
		Guard: s.guard, Clock: s.uptime, Now: s.cfg.Now, Log: s.cfg.Log, MaxUpload: s.cfg.MaxUpload,
	})
	return openPages(s)
}

// watchers are given what they look at with each tick.
func watchers(s *Server, dir datadir.Dir, kept fleet.Store) error {
	s.expiry = expiryWatch{cfg: &s.cfg, repo: s.rooms.Repo}
	s.new = httplimit.NewNewcomers(s.cfg.NewKeys, s.cfg.Proxies, s.cfg.Now)
	s.vouchers.cfg, s.vouchers.store = &s.cfg, s.db
	s.excess.cfg, s.excess.store = &s.cfg, s.db
	s.prover = seal.Prover{Store: s.db, Dir: filepath.Join(dir.Feed(), "metadata"), Log: s.cfg.Log}
	return openTallies(s, dir, kept)
}

// openStore opens the database, also on a disk that is full.
func (s *Server) openStore(ctx context.Context, dir datadir.Dir) (err error) {
	room := headroom.Config{}
	if !s.cfg.ReadOnly {
		room = s.cfg.Headroom
	}
	room.Dir, room.Log = string(dir), s.cfg.Log
	s.room = headroom.Open(room)
	db := s.cfg.Store
	if db == nil {
		db, err = dir.OpenAt(ctx, s.cfg.Database, s.cfg.Now)
		if err != nil && s.room.MadeRoom(err) {
			db, err = dir.OpenAt(ctx, s.cfg.Database, s.cfg.Now)
		}
		if err != nil {
			return err
		}
		s.opened(db.Close)
		if s.cfg.Database == "" {
			if s.cfg.Database, err = dir.Address(); err != nil {
				return err
			}
		}
	}
	if !s.cfg.ReadOnly {
		if err := dir.KeyRecords(ctx, db, s.cfg.Now()); err != nil {
			return err
		}
		if err := datadir.TellRestored(ctx, dir, db, s.cfg.Now()); err != nil {
			return err
		}
	}
	s.db = store.Watch(db, s.damaged)
	s.store = s.db
	if s.cfg.shared() {
		s.store = cluster.Fenced(s.db)
	}
	_ = s.db.ReportsReady(ctx) // damage is told
	if s.cfg.ReadOnly {
		return nil
	}
	return dir.Knows(ctx, s.db)
}

// openFeed opens the handler of the feed.
func openFeed(s *Server, dir datadir.Dir) (err error) {
	var elsewhere blob.Store // where it reads targets that are not in its folder
	if s.cfg.S3 != nil {
		elsewhere = s.blobs
	}
	if s.feed, err = feed.New(dir.Feed(), elsewhere); err != nil {
		return err
	}
	s.opened(s.feed.Close)
	return nil
}

// damaged tells of a database that is damaged, whoever met it. While the reports are, every report and every page meets
// that: the log has it once a minute.
func (s *Server) damaged(err error) {
	s.metrics.Damaged()
	if s.readiness.damage.due(time.Now(), err) {
		s.cfg.Log.Error("the database is damaged; restore it from a backup", "err", err)
	}
}

// roomFor says if there is room for an upload; those to another store do not use this disk.
func roomFor(s *Server) func(size int64) error {
	if s.cfg.S3 != nil {
		return nil
	}
	return s.room.ForUpload
}

func onlineKeys(dir datadir.Dir) (all []repo.OnlineKeys, err error) {
	sets, err := dir.Keys()
	for _, set := range sets {
		all = append(all, repo.OnlineKeys(set))
	}
	return all, err
}

func (s *Server) opened(closer func() error) { s.closers = append(s.closers, closer) }

func (s *Server) openBlobs(ctx context.Context) (blob.Store, error) {
	if s.cfg.S3 != nil {
		return s3.Open(ctx, *s.cfg.S3)
	}
	d, err := disk.Open(datadir.Dir(s.cfg.DataDir).Blobs())
	if err != nil {
		return nil, err
	}
	s.opened(d.Close)
	return d, nil
}

// Close answers the reports that wait and lets go of everything. It is called after the last
// request was answered.
func (s *Server) Close() error {
	var faults []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		faults = append(faults, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(faults...)
}
