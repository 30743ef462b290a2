// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"crypto"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"landed/manifests"
	"landed/server/blob"
	"landed/server/fleet"
)

// Config is what a Publisher is given. All fields are needed, unless they say otherwise.
type Config struct {
	Store fleet.Store
	Blobs blob.Store // packages, manifests and offers documents
	Dir   string     // the feed folder
	Keys  OnlineKeys
	// NewKeys, if set, gives the keys that are to follow Keys, oldest first. It is asked at the
	// opening and at each import of trust; a role is signed with the newest key that is named.
	NewKeys   func() ([]OnlineKeys, error)
	Catalogue *manifests.Catalogue
	// OTAKeys gives the keys pinned for a channel: only packages that one of them signed are
	// taken. An empty list is refused, except for the channel lab.
	OTAKeys func(channel string) ([]crypto.PublicKey, error)
	Expiry  Expiry
	Now     func() time.Time
	Random  io.Reader // for salts and ids
	Log     *slog.Logger
	// Published, if set, is called after each publication with the metadata that is served
	// now, by file name, and a test for the stored paths of its targets.
	Published func(metadata map[string][]byte, isTarget func(stored string) bool)
	// ReadOnly opens without healing, to look at a feed as it lies.
	ReadOnly bool
}

// Publisher is the one writer of the feed. Its methods may be called from any number of
// goroutines; two processes on one database are kept apart by the versions in it.
type Publisher struct {
	cfg    Config
	folder folder
	keys   []OnlineKeys // oldest first

	accepting turn // one upload at a time, once its bytes have come; or one removal

	removed func(done string) error // after each step of a removal; tests break it off here

	mu      sync.Mutex       // one publication at a time
	written int64            // version of the timestamp that the folder holds
	alarmed map[string]int   // by role, the last step that was told
	lost    map[string]bool  // paths of published targets whose content is gone
	floor   map[string]int64 // by role, the highest version that a file of the folder had at the start

	loaded atomic.Pointer[state] // never changed once stored
}

// Open makes the publisher and heals the feed folder: what a crash left unwritten is written
// from the database, and what a restored database does not know is taken up from the folder.
func Open(ctx context.Context, cfg Config) (*Publisher, error) {
	if err := cfg.Expiry.Validate(); err != nil {
		return nil, err
	}
	f, err := openFolder(cfg.Dir, cfg.Blobs)
	if err != nil {
		return nil, err
	}
	p := &Publisher{cfg: cfg, folder: f, keys: []OnlineKeys{cfg.Keys}, alarmed: map[string]int{}, removed: func(string) error { return nil }, accepting: make(turn, 1)}
	if cfg.ReadOnly {
		return p, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	adopted := false
	if err = p.readKeys(); err == nil {
		adopted, err = p.adopt(ctx)
	}
	if err == nil {
		p.goAbove(ctx, adopted)
		err = p.heal(ctx)
	}
	if err == nil {
		if fault := p.sweep(ctx); fault != nil { // no reason not to start
			p.cfg.Log.WarnContext(ctx, "bytes of removed packages are still stored; it will be tried again", "err", fault)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

// goAbove publishes on from versions that are higher than any that was ever served. What keeps it
// from being published must not keep the server from starting: the next Renew tries again.
func (p *Publisher) goAbove(ctx context.Context, adopted bool) {
	err := p.publishLocked(ctx, func(s state) (edit, error) {
		if !s.started() || !adopted && !p.overtaken(s) {
			return edit{}, nil
		}
		e, err := p.renewal(ctx, s)
		e.fresh = true
		return e, err
	})
	if err != nil {
		p.cfg.Log.ErrorContext(ctx, "what was found in the feed folder could not be published on; it is tried again at the next tick", "err", err)
	}
}

// Close lets go of the feed folder.
func (p *Publisher) Close() error { return p.folder.Close() }

// now is the time that goes into metadata: UTC, whole seconds.
func (p *Publisher) now() time.Time { return p.cfg.Now().UTC().Truncate(time.Second) }

func (p *Publisher) audit(ctx context.Context, tx fleet.Tx, actor, action, subject, reason string) error {
	return tx.Audit().Append(ctx, fleet.AuditEntry{At: p.now(), Actor: actor, Action: action, Subject: subject, Reason: reason})
}
