// SPDX-License-Identifier: Apache-2.0

// Package library takes packages in and out.
//
// Parties: release engineers upload and remove; releases name what is here. It promises that what
// is refused leaves nothing behind, and that all findings come at once; that the bytes of a package
// are stored before anything names them, and deleted after nothing does; that few packages are
// inspected at once, and none for somebody who has gone. It refuses what no pinned key signed, what
// would undo a published patch, and to remove what a release or the published metadata names.
package library

import (
	"log/slog"
	"time"

	"landed/manifests/otapkg"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/lineup"
	"landed/server/repo"
)

// Config is what a Library is given. All fields are needed.
type Config struct {
	Store  fleet.Store
	Blobs  blob.Store
	Repo   *repo.Repo // knows what the published metadata lists
	Lineup *lineup.Lineup
	// OTAKeys gives the certificates pinned for a channel: only packages that one of them signed are
	// taken. An empty list is refused, except for the channel lab.
	OTAKeys func(channel string) ([]otapkg.Pin, error)
	// RoomFor, if set, refuses a package of so many bytes (0 or less: unknown) before it is read.
	RoomFor func(size int64) error
	Log     *slog.Logger
	Shared  bool // other servers use the same database and blob store
}

// Library keeps packages. Its methods may be called from any number of goroutines.
type Library struct {
	cfg        Config
	inspecting mutex                   // has room for as many packages as are inspected at once
	patience   time.Duration           // how long another waits for that
	accepting  mutex                   // one upload at a time, once it is inspected; or one removal
	removed    func(done string) error // after each step of a removal; tests break it off here
}

// New makes the library.
func New(c Config) *Library {
	return &Library{
		cfg: c, inspecting: make(mutex, inspections), patience: patience,
		accepting: make(mutex, 1), removed: func(string) error { return nil },
	}
}

func (l *Library) now() time.Time { return l.cfg.Repo.Now() }
