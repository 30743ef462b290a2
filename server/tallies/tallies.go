// SPDX-License-Identifier: Apache-2.0

// Package tallies takes the tally of each day, and keeps it where everybody can read it.
//
// Parties: the loop of one server calls Tick, each server Write for its own folder; the public door gives the newest tally,
// the pages as they were at its moment, and to owners their place in it; an auditor gets the reports. It promises that a
// tally is of one moment, that its numbers were counted again from the installations before it was signed, that the pages
// in it show these numbers, and that one that was published never changes. It refuses to sign what it cannot bear out, and to
// make the reports of others public unless the server is told to.
package tallies

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"landed/manifests/heads"
	"landed/manifests/tally"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Config is what a Room needs; all of it but Every.
type Config struct {
	View     fleet.Viewer
	Store    fleet.Store // written by the one server that does the periodic work
	Signer   func(context.Context) (tufrepo.Signer, error)
	Pages    func(fleet.Viewer, time.Time) (http.Handler, error) // the public pages over what a viewer shows, at a time
	Secret   []byte                                              // of which the keys of the days are made
	Metadata string                                              // folder of the feed's metadata
	Dir      string                                              // what is on its way
	// Threshold is how few installations the public is never told of; above 0 the numbers are the cells for everybody.
	Threshold int64
	Every     time.Duration // between two, beside the one of each UTC day; 0: there is that one alone
	Now       func() time.Time
	Log       *slog.Logger
}

// Room takes tallies.
type Room struct {
	Config
	mu      sync.Mutex
	newest  kept  // that is published
	written int64 // up to which number the files were looked at
	swept   bool  // since the start, or the last take
	told    error // why none could be taken, as the log has it
}

// kept is a tally and its file.
type kept struct {
	tally.Tally
	file []byte
	by   string // the id of the key that signed it
}

// New makes a room.
func New(c Config) *Room { return &Room{Config: c} }

func (r *Room) pieces() pieces { return pieces{&r.Config} }

// errNotNow says that no tally can be taken at this moment; a later tick can.
var errNotNow = errors.New("not at this moment")

// Tick takes the tally of the day if there is none yet, and drops what is kept of old ones.
func (r *Room) Tick(ctx context.Context) error {
	if !r.swept {
		if err := r.pieces().sweep(ctx); err != nil {
			return err
		}
		r.swept = true
	}
	var last kept
	if err := r.View.View(ctx, func(tx fleet.Tx) (err error) {
		last, err = r.latest(ctx, tx)
		return err
	}); err != nil {
		return err
	}
	at := r.Now().UTC().Truncate(time.Millisecond)
	again := r.Every > 0 && at.Sub(last.AsOf) >= r.Every || int64(last.Threshold) < r.Threshold || // it tells what is hidden now
		last.Number > 0 && !r.inForce(ctx, last) // or is signed by a key that was replaced
	if last.Number > 0 && last.Day >= at.Format(time.DateOnly) && !again {
		return nil
	}
	err := r.take(ctx, r.highest(last), at)
	switch {
	case err == nil || errors.Is(err, errNotNow) || fleet.Is(err, fleet.Conflict):
	case r.told == nil || r.told.Error() != err.Error(): // each tick tries again; the log has it once
		r.Log.ErrorContext(ctx, "the tally of the day is not taken", "err", err)
	}
	r.told, r.swept = err, false
	return nil
}

// inForce says if the key that signed a tally signs now, as far as that is known.
func (r *Room) inForce(ctx context.Context, t kept) bool {
	signer, err := r.Signer(ctx)
	return err != nil || t.by == signer.Key().ID()
}

// latest is the newest tally that is stored; zero if there is none.
func (r *Room) latest(ctx context.Context, tx fleet.Tx) (kept, error) {
	m, err := tx.Metadata().Latest(ctx, fleet.TallyRole)
	if fleet.Is(err, fleet.NotFound) {
		return kept{}, nil
	}
	if err != nil {
		return kept{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.newest.Number != m.Version || !bytes.Equal(r.newest.file, m.Bytes) {
		t, err := tally.Unsigned(m.Bytes)
		if err != nil {
			return kept{}, fmt.Errorf("tally %d, as it is stored: %w", m.Version, err)
		}
		r.newest = kept{t, m.Bytes, tally.SignedBy(m.Bytes)}
	}
	return r.newest, nil
}

// highest is the newest tally that anybody may know: last, or one in the folder that a restored database has forgotten. Its
// number is not given again.
func (r *Room) highest(last kept) kept {
	names, _ := filepath.Glob(filepath.Join(r.Metadata, "tally", "*.json"))
	for _, name := range names {
		n, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(name), ".json"), 10, 64)
		if err != nil || n <= last.Number {
			continue
		}
		file, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		t, _ := tally.Unsigned(file)
		t.Number = n // also of one that cannot be read
		last = kept{Tally: t, file: file}
	}
	return last
}

// before is where the heads of a tally go on from: the newest published snapshot that has a proof beside it, by which the
// trees go on, and how they stood there.
func (r *Room) before(ctx context.Context, tx fleet.Tx) (snapshot int64, all map[string]origin, err error) {
	latest, err := tx.Metadata().Latest(ctx, tufrepo.Snapshot)
	if err != nil {
		return 0, nil, err
	}
	for v := latest.Version; v > 0 && v > latest.Version-20; v-- {
		m, err := tx.Metadata().Get(ctx, tufrepo.Snapshot, v)
		if fleet.Is(err, fleet.NotFound) {
			continue
		}
		if err != nil {
			return 0, nil, err
		}
		info, err := tufrepo.Read(m.Bytes)
		if err != nil {
			return 0, nil, err
		}
		text, _ := os.ReadFile(filepath.Join(r.Metadata, filepath.FromSlash(heads.Name(v))))
		proof, _ := heads.Parse(text)
		all := map[string]origin{}
		for _, h := range info.Heads {
			o := origin{after: v, head: h}
			if t, ok := proof.Of(h.Tree); ok {
				o.frontier, _ = t.Frontier(h)
			}
			all[h.Tree] = o
		}
		known := !slices.ContainsFunc(info.Heads, func(h tufrepo.TreeHead) bool { return all[h.Tree].frontier == nil })
		if known || v == 1 || v == latest.Version-19 {
			return v, all, nil
		}
	}
	return 0, nil, errNotNow
}

// origin is where a head goes on from.
type origin struct {
	after    int64
	head     tufrepo.TreeHead
	frontier [][]byte
}
