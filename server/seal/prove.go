// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"landed/internal/durable"
	"landed/manifests/heads"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Prover writes beside each published snapshot that its heads go on from those before (package heads of manifests). No
// publication waits for it: a halt goes out without, and the proof follows with the next tick.
type Prover struct {
	Store fleet.Viewer
	Dir   string // of the metadata in the feed folder
	Log   *slog.Logger

	done int64 // the last snapshot that was looked at
	last map[string]published
}

// published is the newest head of a tree that was published before the snapshot that is looked at.
type published struct {
	snapshot int64
	head     tufrepo.TreeHead
	frontier [][]byte // nil if it is not known
	barren   bool     // all rows were read, and did not give it: they will not for a later head either
}

// What one call does is bounded by the snapshots that it looks at, and the numbers without one: a restore passes many over.
const (
	snapshotsAtOnce = 200
	missingAtOnce   = 20_000
)

// Prove writes the proofs that are missing, the oldest first. A proof that is there is believed if its range gives the root
// that was signed; else it is made again, the same. One that says why there is none stays as it is: caches keep it for ever.
// All rows of a tree are read at most once more for those that do not bear out what was published, until the next start.
func (p *Prover) Prove(ctx context.Context) error {
	if p.last == nil {
		p.last = map[string]published{}
	}
	return p.Store.View(ctx, func(tx fleet.Tx) error {
		// Why a tree does not go on is for ever: nobody says "broken" while nobody has said what a restore lost.
		if _, unnamed, err := fleet.Unnamed(ctx, tx); err != nil || unnamed {
			return err
		}
		newest, err := tx.Metadata().Latest(ctx, tufrepo.Snapshot)
		if fleet.Is(err, fleet.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for n, missing := 0, 0; p.done < newest.Version && n < snapshotsAtOnce && missing < missingAtOnce && ctx.Err() == nil; {
			m, err := tx.Metadata().Get(ctx, tufrepo.Snapshot, p.done+1)
			if fleet.Is(err, fleet.NotFound) { // a restored database does not have it, and somebody may keep it
				if m.Bytes, err = os.ReadFile(filepath.Join(p.Dir, tufrepo.MetadataFile(tufrepo.Snapshot, p.done+1))); err != nil {
					p.done++ // its number was passed over
					missing++
					continue
				}
				m.Version = p.done + 1
			}
			if err == nil {
				err = p.snapshot(ctx, tx, m)
			}
			if err != nil {
				return fmt.Errorf("prove the heads of snapshot %d: %w", p.done+1, err)
			}
			p.done++
			n++
		}
		return ctx.Err()
	})
}

// snapshot proves the heads of one.
func (p *Prover) snapshot(ctx context.Context, tx fleet.Tx, m fleet.Metadata) error {
	info, err := tufrepo.Read(m.Bytes)
	if err != nil || len(info.Heads) == 0 {
		return nil // what cannot be read a checker names
	}
	file := filepath.Join(p.Dir, filepath.FromSlash(heads.Name(m.Version)))
	text, _ := os.ReadFile(file)
	have, _ := heads.Parse(text)
	made := heads.Proof{Schema: heads.Schema, Snapshot: m.Version}
	next, same := map[string]published{}, have.Snapshot == m.Version
	for _, h := range info.Heads {
		was := p.last[h.Tree]
		t, ok := have.Of(h.Tree)
		frontier, fault := t.Frontier(h)
		barren := false
		if !ok || fault != nil && t.Gap == "" || !sound(t, was, h) {
			same = false
			if t, frontier, err = step(ctx, tx, was, h); err != nil {
				return err
			}
			barren = frontier == nil && was.frontier == nil && was.head.Size <= h.Size
			if t.Gap == heads.GapBroken {
				p.Log.ErrorContext(ctx, "the rows do not bear out that a tree goes on from what was published before; run \"otad fsck\"",
					"tree", h.Tree, "snapshot", m.Version, "leaves", h.Size, "before", was.head.Size)
			}
		}
		made.Trees = append(made.Trees, t)
		next[h.Tree] = published{m.Version, h, frontier, barren}
	}
	if !same {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := durable.WriteFile(file, made.Bytes(), 0o644); err != nil {
			return err
		}
	}
	for tree, one := range next {
		p.last[tree] = one
	}
	return nil
}

// sound says if a proof that is there is that of the step from was to h, or says why there is none.
func sound(t heads.Tree, was published, h tufrepo.TreeHead) bool {
	if t.Gap != "" {
		return t.Size == h.Size
	}
	return t.After == was.snapshot && t.From == was.head.Size && t.Size == h.Size && (t.From == 0 || t.Verify(was.head, h) == nil)
}

// step proves that h goes on from was, or says why nobody can.
func step(ctx context.Context, tx fleet.Tx, was published, h tufrepo.TreeHead) (heads.Tree, [][]byte, error) {
	t := heads.Tree{Tree: h.Tree, After: was.snapshot, From: was.head.Size, Size: h.Size, Proof: []string{}, Range: []string{}}
	if was.barren {
		gap, err := why(ctx, tx, fleet.Tree(h.Tree))
		t.Gap = gap
		return t, nil, err
	}
	hashes, frontier, err := grow(ctx, tx, fleet.Tree(h.Tree), was.head.Size, h.Size, was.frontier)
	if err != nil && !fleet.Is(err, fleet.Conflict) && !fleet.Is(err, fleet.Invalid) {
		return t, nil, err
	}
	if err == nil {
		t.Proof, t.Range = inHex(hashes), inHex(frontier)
		_, fault := t.Frontier(h)
		if fault == nil && (t.From == 0 || t.Verify(was.head, h) == nil) {
			return t, frontier, nil
		}
		if fault != nil {
			t.Range, frontier = []string{}, nil
		}
	}
	t.Proof = []string{}
	t.Gap, err = why(ctx, tx, fleet.Tree(h.Tree))
	return t, frontier, err
}

// why there is no proof, by what the trail says.
func why(ctx context.Context, tx fleet.Tx, tree fleet.Tree) (string, error) {
	if lost, err := losses(ctx, tx, tree); err != nil || len(lost) > 0 {
		return heads.GapLost, err
	}
	lines, err := tx.Audit().OfSubject(ctx, fleet.RestoreSubject, 1)
	if len(lines) == 1 && lines[0].Action == fleet.ActionLost {
		return heads.GapRestore, err
	}
	return heads.GapBroken, err
}

func inHex(hashes [][]byte) []string {
	all := make([]string, len(hashes))
	for n, h := range hashes {
		all[n] = hex.EncodeToString(h)
	}
	return all
}
