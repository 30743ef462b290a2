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
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
	"landed/server/admission"
	"landed/server/auth"
	"landed/server/blob"
	"landed/server/blob/disk"
	"landed/server/blob/s3"
	cellrule "landed/server/cells"
	"landed/server/cells/keeper"
	"landed/server/cluster"
	"landed/server/console"
	"landed/server/datadir"
	"landed/server/device/feed"
	"landed/server/device/legacy"
	"landed/server/fleet"
	"landed/server/headroom"
	"landed/server/history"
	"landed/server/httplimit"
	"landed/server/intake"
	"landed/server/metrics"
	"landed/server/proposals"
	"landed/server/repo"
	"landed/server/retain"
	"landed/server/rollouts"
	"landed/server/rooms"
	"landed/server/seal"
	"landed/server/store"
	"landed/server/support"
	"landed/server/traces"
	"landed/server/uptime"
	"landed/web"
)

// DefaultMaxUpload is room for the largest package that is known (10.3 GB), and half as much again.
const DefaultMaxUpload int64 = 16 << 30

// Config is all that a server is given.
type Config struct {
	DataDir   string               // made by datadir.Init
	Database  string               // an address of store.Open; "": what the data folder says
	Clock     uptime.Clock         // nil: Now, or that of the machine
	Now       func() time.Time     // of a virtual clock, which leaps by the will of whoever moves it; nil: Clock
	Log       *slog.Logger         // nil: nothing is logged
	Catalogue *manifests.Catalogue // of a data folder that has no models yet; nil: the built-in line-up
	S3        *s3.Config           // nil: packages lie in the data folder
	// Store is a database that is open already, and that other servers may have open too, as they may one of PostgreSQL;
	// whoever opened it closes it. nil: Database.
	Store     store.Database
	Program   string        // version of the program, for the other servers and for people
	Cluster   cluster.Times // by which the servers on one database go; zero: cluster.Default
	Expiry    repo.Expiry   // zero: repo.DefaultExpiry
	MaxUpload int64         // bytes of one package; 0: DefaultMaxUpload
	Mirrors   []string      // base URLs that offers name for packages, each in the place of /tuf/targets; nil: none
	// BaseURL is the address of this server as phones reach it, such as https://ota.example, without a slash at its end: files
	// for the updaters of others name packages by it. "": such phones are told of nothing that wants one.
	BaseURL  string
	Language string // of the status pages for who asks for none that there is; "" is English
	// PublicPath is what the outside world puts before the paths of the status pages, such as /landed; "" is nothing.
	PublicPath string
	Notice     string // at the top of every status page, such as that this is a rehearsal; "" is none
	RefuseV1   bool   // take no reports of version 1 in any more
	// Headroom is the room that is kept for halts; its folder and log are those of the server. Zero keeps none.
	Headroom headroom.Config
	ReadOnly bool // look at the data folder as it lies, and heal nothing: for Check
	// Behind these proxies, at most PerNetwork requests of one network may be under way; 0 is no bound.
	Proxies    httplimit.Proxies
	PerNetwork int
	NewKeys    int              // installations never heard of that one network may bring in an hour; 0 is no bound
	Second     proposals.Policy // what takes a second person
	// Event, if set, is told of each change of a rollout, as rollouts.Ledger.Event.
	Event func(context.Context, rollouts.Event)
	// OpenReports gives every report to whoever asks, so that anybody can count again: of a rehearsal. Who has a report has
	// the reference of its installation.
	OpenReports bool
	// SmallCells is how few installations of a kind on a model the public is never told of, cells.Least or more: all that everybody
	// may read is then made of numbers that change once a day at most, and exact ones are behind Admin alone. 0: all are shown.
	SmallCells int64
	// TallyEvery is how long after a tally the next one is taken, beside the one of each UTC day; 0: there is that one alone.
	TallyEvery time.Duration
	Traces     *traces.Traces // nil: nothing is traced. Whoever opened it closes it, after the server
}

// maxSmallCells bounds Config.SmallCells.
const maxSmallCells = 1_000_000

// Languages lists the tags that Config.Language takes.
func Languages() []string { return web.Locales() }

// Validate returns every fault, joined.
func (c Config) Validate() error {
	var faults []error
	if c.DataDir == "" {
		faults = append(faults, errors.New("no data folder is given"))
	}
	if c.MaxUpload < 0 {
		faults = append(faults, fmt.Errorf("the upload limit is %d bytes", c.MaxUpload))
	}
	if c.S3 != nil {
		faults = append(faults, c.S3.Validate())
	}
	if c.SmallCells != 0 && c.SmallCells < cellrule.Least || c.SmallCells > maxSmallCells {
		faults = append(faults, fmt.Errorf("numbers below %d are to be hidden from the public; wanted 0, which hides none, or %d to %d: "+
			"below fewer than %d next to nothing is hidden (--small-cells)", c.SmallCells, cellrule.Least, maxSmallCells, cellrule.Least))
	}
	if c.SmallCells > 0 && c.OpenReports {
		faults = append(faults, fmt.Errorf("every report is to be public, and so are no numbers below %d, which anybody could count in "+
			"them: give one up (--open-reports, or --small-cells 0)", c.SmallCells))
	}
	return errors.Join(append(faults, offers.CheckMirrors(c.Mirrors), c.Expiry.Validate(), c.Second.Validate(),
		support.CheckPublicPath(c.PublicPath), legacy.CheckBase(c.BaseURL))...)
}

func (c Config) withDefaults() Config {
	if c.Clock == nil && c.Now == nil {
		c.Clock = uptime.Real()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Expiry == (repo.Expiry{}) {
		c.Expiry = repo.DefaultExpiry()
	}
	if c.MaxUpload == 0 {
		c.MaxUpload = DefaultMaxUpload
	}
	return c
}

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
		Now:     s.cfg.Now, Random: rand.Reader, Log: s.cfg.Log, ReadOnly: s.cfg.ReadOnly, Event: s.cfg.Event,
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
