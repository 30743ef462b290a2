// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/server/blob/s3"
	cellrule "landed/server/cells"
	"landed/server/cluster"
	"landed/server/device/legacy"
	"landed/server/headroom"
	"landed/server/httplimit"
	"landed/server/proposals"
	"landed/server/repo"
	"landed/server/rollouts"
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
	Store   store.Database
	Program string        // version of the program, for the other servers and for people
	Cluster cluster.Times // by which the servers on one database go; zero: cluster.Default
	Expiry  repo.Expiry   // zero: repo.DefaultExpiry
	// Random is what salts of rollouts and ids of changes are drawn from; nil: the system. Whoever knows a salt before a handset has
	// committed to its draw can choose who is first, so another one is for rehearsals, whose chances are to be the same again.
	Random    io.Reader
	MaxUpload int64    // bytes of one package; 0: DefaultMaxUpload
	Mirrors   []string // base URLs that offers name for packages, each in the place of /tuf/targets; nil: none
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
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Expiry == (repo.Expiry{}) {
		c.Expiry = repo.DefaultExpiry()
	}
	if c.MaxUpload == 0 {
		c.MaxUpload = DefaultMaxUpload
	}
	return c
}
