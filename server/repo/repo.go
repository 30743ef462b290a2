// SPDX-License-Identifier: Apache-2.0

// Package repo keeps the TUF repository: what is published, as the database has it, and the feed
// folder, which is its image.
//
// Parties: the rooms above it (releases, rollouts, trust, the restore after a lost database) say what
// changes and in which transaction; handsets, or a file server, read the folder.
//
// It promises that versions come from the database, in the transaction that records the change,
// and are never used twice, also after a restore: what may have been published since is
// passed over; that the whole workflow of a client is run over a staged state before
// it is published; that payloads are written before roles, roles before the snapshot, and the
// timestamp last, so that a listed file is never missing. The database is the truth: what a crash
// left unwritten in the folder is written at the next start.
//
// It refuses to hold an offline key, to publish what clients would not accept, and to sign anything
// while its clock lies before the time at which people signed.
package repo

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/span"
)

// Config is what a Repo is given. All fields are needed, unless they say otherwise.
type Config struct {
	Store fleet.Store
	Blobs blob.Store // packages, manifests and offers documents
	Dir   string     // the feed folder
	Keys  OnlineKeys
	// NewKeys, if set, gives the keys that are to follow Keys, oldest first. It is asked at the
	// opening and by ReloadKeys; a role is signed with the newest key that is named.
	NewKeys func() ([]OnlineKeys, error)
	Expiry  Expiry
	Now     func() time.Time
	Log     *slog.Logger
	// Published, if set, is called after each publication with the metadata that is served
	// now, by file name, and a test for the stored paths of its targets.
	Published func(metadata map[string][]byte, isTarget func(stored string) bool)
	// Shelved, if set, is called with each publication: the files for the updaters of others that are to be given away from
	// now on, by path. Whatever is not among them is withdrawn.
	Shelved func(files map[string]shelf.File)
	// MakeRoom, if set, is given what kept something from being written, and says if room was made so that it may be
	// tried again.
	MakeRoom func(err error) bool
	// Heads, if set, gives what the next snapshot says of the trees over what the server stores.
	Heads func(context.Context) ([]tufrepo.TreeHead, error)
	// Frozen, if set, says why nothing that people signed may be published now; nil if it may.
	Frozen func(context.Context) error
	// Cluster, if set, are the other replicas on this database: a publication waits for them. nil: this process is alone.
	Cluster Cluster
	// ReadOnly opens to look at a feed as it lies.
	ReadOnly bool
	Spans    span.Spans // measure each publication and its steps; zero: nobody does
}

// Repo is the one writer of the feed. Its methods may be called from any number of goroutines; two
// processes on one database are kept apart by the versions in it.
type Repo struct {
	cfg    Config
	folder folder
	online online
	// highest is, by role, the highest version that a file of the folder had at the start.
	highest atomic.Pointer[map[string]int64]

	publishing sync.Mutex
	following  sync.Mutex                                // while the folder is written, with a cluster
	writer     Writer                                    // for whoever holds publishing
	loaded     atomic.Pointer[State]                     // never changed once stored
	served     atomic.Pointer[State]                     // what the folder says; nil until it was written by this process
	prepared   atomic.Pointer[State]                     // what it has all files of but the timestamp; with a cluster alone
	failing    atomic.Pointer[error]                     // what kept the last publication from being done
	lengths    atomic.Pointer[map[string]int64]          // of the targets that are served, by stored path
	shelfDocs  atomic.Pointer[map[string]shelf.Document] // by SHA-256, those that were read last
	shelved    atomic.Pointer[map[string]shelf.File]     // their files that are given away, by path
	shelfFault atomic.Pointer[error]                     // what of their files is not given away as it was signed
}

// Open opens the repository, and writes nothing: what a crash left is mended by package restore and
// by Heal.
func Open(ctx context.Context, cfg Config) (*Repo, error) {
	if err := cfg.Expiry.Validate(); err != nil {
		return nil, err
	}
	f, err := openFolder(cfg.Dir, cfg.Blobs)
	if err != nil {
		return nil, err
	}
	r := &Repo{cfg: cfg, folder: f, online: online{
		keys:   keyring{first: cfg.Keys, more: cfg.NewKeys, sets: []OnlineKeys{cfg.Keys}},
		expiry: cfg.Expiry,
	}}
	r.writer = Writer{repo: r, alarmed: map[string]int{}}
	r.highest.Store(&map[string]int64{})
	r.shelfDocs.Store(&map[string]shelf.Document{})
	if cfg.ReadOnly {
		return r, nil
	}
	if cfg.Cluster != nil {
		cfg.Cluster.Attach(r)
	}
	if err := errors.Join(f.sweep(), r.readStart(ctx)); err != nil {
		_ = f.Close()
		return nil, err
	}
	return r, nil
}

// readStart reads the keys, and the versions that lie in the folder of a feed that was begun.
func (r *Repo) readStart(ctx context.Context) error {
	if err := r.online.keys.reload(); err != nil {
		return err
	}
	s, err := r.State(ctx)
	if err != nil || !s.Started() {
		return err
	}
	return readVersions(r)
}

// readVersions reads the numbers in the names of the folder's files.
func readVersions(r *Repo) error {
	highest, err := r.folder.versions()
	r.highest.Store(&highest)
	r.loaded.Store(nil) // it was read without them
	return err
}

// Close lets go of the feed folder.
func (r *Repo) Close() error { return r.folder.Close() }

// Now is the time that goes into metadata: UTC, whole seconds.
func (r *Repo) Now() time.Time { return r.cfg.Now().UTC().Truncate(time.Second) }

// ReloadKeys takes up keys that were made since the opening, so that a root which names them can be
// published by the running server.
func (r *Repo) ReloadKeys() error { return r.online.keys.reload() }

// SignerOf is the key with which this server signs an online role now. Conflict if nothing is published yet.
func SignerOf(ctx context.Context, r *Repo, role string) (tufrepo.Signer, error) {
	s, err := r.State(ctx)
	if err != nil {
		return nil, err
	}
	if !s.Started() {
		return nil, fleet.Errorf(fleet.Conflict, "feed_empty", "nothing is published yet")
	}
	return r.online.keys.signer(s, role)
}

// CanSign says why this server cannot sign role in s, or nothing.
func (r *Repo) CanSign(s State, role string) error {
	_, err := r.online.keys.signer(s, role)
	return err
}

// Lists says if the published metadata lists content. A release names it too, unless the database
// was restored from a copy that is older than the release.
func (r *Repo) Lists(ctx context.Context, sha256 string) (bool, error) {
	s, err := r.State(ctx)
	return slices.ContainsFunc(s.Targets(), func(t tufrepo.Target) bool { return t.SHA256 == sha256 }), err
}

// Expiring tells, by role, when each published role expires. The last files of a retired model are
// not among them: they may expire, and nobody renews them.
func (r *Repo) Expiring(ctx context.Context) (map[string]time.Time, error) {
	s, err := r.State(ctx)
	expires := map[string]time.Time{}
	for role, info := range s.info {
		if model, _ := tufrepo.ModelRole(role); s.Retired(model) {
			continue
		}
		expires[role] = info.Expires
	}
	return expires, err
}
