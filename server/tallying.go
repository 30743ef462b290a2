// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/manifests/report"
	"landed/manifests/tufrepo"
	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/render"
	"landed/server/repo"
	"landed/server/support"
	"landed/server/tallies"
)

// tallying is the part of a server that takes tallies and gives them.
type tallying struct {
	*tallies.Room // nil if the server is ReadOnly
	cfg           *Config
	distrusted    func() bool // says that the clock is not believed
	giving        sync.Mutex  // the reports: to one reader at a time
}

// openTallies makes the room of the daily tallies.
func openTallies(s *Server, dir datadir.Dir, kept fleet.Store) error {
	if s.cfg.ReadOnly {
		return nil
	}
	secret, err := datadir.TallyKey(dir)
	if err != nil {
		return err
	}
	s.tally.cfg, s.tally.distrusted = &s.cfg, s.uptime.Distrusted
	s.tally.Room = tallies.New(
		tallies.Config{View: s.db, Store: kept, Secret: secret, Now: s.cfg.Now, Log: s.cfg.Log, Every: s.cfg.TallyEvery,
			Threshold: s.cfg.SmallCells,
			Metadata:  filepath.Join(dir.Feed(), "metadata"), Dir: datadir.Tallies(dir),
			Signer: func(ctx context.Context) (tufrepo.Signer, error) {
				return repo.SignerOf(ctx, s.rooms.Repo, tufrepo.Snapshot)
			},
			Pages: func(v fleet.Viewer, at time.Time) (http.Handler, error) {
				pages, err := support.New(support.Config{View: v, Catalogue: s.rooms.Lineup.Catalogue,
					Now: func() time.Time { return at }, Log: s.cfg.Log, Language: s.cfg.Language, Notice: s.cfg.Notice,
					Threshold: s.cfg.SmallCells})
				if err != nil {
					return nil, err
				}
				r := chi.NewRouter()
				r.Group(pages.Routes())
				return r, nil
			}},
	)
	s.feed.Asked(s.tally.below)
	return nil
}

// below is a file of metadata as the feed asks for it: of a tally, or an old snapshot, from which tallies go on and which the folder of
// a younger server does not have. What cannot be asked for, or was forgotten by a database that was restored, may lie in the
// folder, as it was published.
func (t *tallying) below(ctx context.Context, name string) (text []byte, known bool, err error) {
	number, snapshot := strings.CutSuffix(name, "."+tufrepo.Snapshot+".json")
	if snapshot {
		text, err = t.snapshot(ctx, number)
		return text, err == nil, err
	}
	text, known, err = t.File(ctx, name)
	switch {
	case fleet.Is(err, fleet.NotFound), fleet.Is(err, fleet.Unsupported):
		err = fs.ErrNotExist
	case fleet.IsTallyDamaged(err):
		t.cfg.Log.ErrorContext(ctx, "a file of a tally is not given", "file", name, "err", err)
	case err != nil:
		known = false
	}
	return text, known, err
}

func (t *tallying) snapshot(ctx context.Context, number string) (text []byte, err error) {
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil || strconv.FormatInt(version, 10) != number {
		return nil, fs.ErrNotExist
	}
	err = t.View.View(ctx, func(tx fleet.Tx) error {
		m, err := tx.Metadata().Get(ctx, tufrepo.Snapshot, version)
		text = m.Bytes
		return err
	})
	return text, err
}

// take takes the tally of the day, unless the clock is not believed.
func (t *tallying) take(ctx context.Context) error {
	if t.distrusted() {
		return nil
	}
	return t.Tick(ctx)
}

// doors are the doors of the newest tally, also behind the public path.
func (t *tallying) doors(r chi.Router) {
	get := func(pattern string, h render.Handler) {
		door := render.API(t.cfg.Log, h)
		for _, base := range slices.Compact([]string{"", t.cfg.PublicPath}) {
			r.Method(http.MethodGet, base+pattern, door)
			r.Method(http.MethodHead, base+pattern, door)
		}
	}
	get("/tally.json", func(w http.ResponseWriter, r *http.Request) error {
		text, _, err := t.Newest(r.Context())
		return give(w, "application/json; charset=utf-8", "no-cache", text, err)
	})
	get("/tally/installations/{ref}.json", func(w http.ResponseWriter, r *http.Request) error {
		ref, err := report.ParseReference(r.PathValue("ref"))
		if err != nil {
			return fleet.Errorf(fleet.Invalid, "reference_malformed", "that is not a support reference")
		}
		o, err := t.Owned(r.Context(), ref)
		w.Header().Set("X-Robots-Tag", "noindex")
		return give(w, "application/json; charset=utf-8", "private, no-store", o.Bytes(), err)
	})
	if t.cfg.OpenReports {
		get("/tally/evidence.jsonl", t.evidence)
	}
}

// asTaken gives the pages as they were at the moment of the newest tally to whoever asks for them with ?as_of=tally.
func (t *tallying) asTaken(next http.Handler) http.Handler {
	taken := render.API(t.cfg.Log, func(w http.ResponseWriter, r *http.Request) error {
		text, err := t.Page(r.Context(), strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, t.cfg.PublicPath), "/"))
		return give(w, "application/json; charset=utf-8", "no-cache", text, err)
	})
	unknown := render.API(t.cfg.Log, func(http.ResponseWriter, *http.Request) error {
		return fleet.Errorf(fleet.Invalid, "as_of_unknown",
			"as_of is tally, the moment of the newest signed tally; for a day that is over ask with on=YYYY-MM-DD")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked := r.URL.Query(); asked.Has("as_of") { // whatever else is asked: it is never the figures of now
			if asked.Get("as_of") == "tally" {
				taken.ServeHTTP(w, r)
			} else {
				unknown.ServeHTTP(w, r)
			}
			return
		}
		next.ServeHTTP(w, r)
	})
}

func give(w http.ResponseWriter, kind, cache string, text []byte, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", cache)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(text) // the reader has gone; nobody is left to tell
	return nil
}

// evidence gives all that the newest tally was counted from, as it is read. One reader at a time: it goes through all reports.
func (t *tallying) evidence(w http.ResponseWriter, r *http.Request) error {
	if !t.giving.TryLock() {
		return fleet.Errorf(fleet.Busy, "evidence_busy", "somebody else is given the reports at this moment; try again in some minutes")
	}
	defer t.giving.Unlock()
	if _, _, err := t.Newest(r.Context()); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/jsonl")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return nil
	}
	return t.Evidence(r.Context(), w)
}
