// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"landed/internal/format"
	"landed/manifests/effect"
	"landed/manifests/heads"
	"landed/manifests/tally"
	"landed/manifests/tufrepo"
	"landed/server/published"
	"landed/server/recount"
)

// tallies checks the newest tally, and that those before it lead to it.
func (f *folder) tallies() error {
	text, err := f.read(tallyFile)
	if err != nil {
		return err
	}
	newest := len(f.roots) - 1
	if f.tally, err = tally.Open(text, f.keys[newest]); err != nil {
		for n := range newest {
			if _, old := tally.Open(text, f.keys[n]); old == nil {
				err = errors.New("it is signed by a key that a newer root replaced. A server takes another tally soon after a new " +
					"key: fetch again in some minutes, and if this stays somebody signs with the old one")
			}
		}
		return &Fault{tallyFile, err}
	}
	t := f.tally
	f.Number, f.Day, f.AsOf, f.Threshold = t.Number, t.Day, t.AsOf, t.Threshold
	var before tally.Tally
	var beforeFile []byte
	under := 0
	for n := int64(1); n <= t.Number; n++ {
		name := metadataDir + tally.Name(n)
		file, err := f.read(name)
		if errors.Is(err, fs.ErrNotExist) && n < t.Number {
			f.Notes = append(f.Notes, fmt.Sprintf("tally %d is not there: that the next one goes on from it is not checked", n))
			before, beforeFile = tally.Tally{}, nil
			continue
		}
		if err != nil {
			return err
		}
		var one tally.Tally
		under, err = f.inForce(under, func(root int) (err error) {
			one, err = tally.Open(file, f.keys[root])
			if err == nil && root < f.under[one.Snapshot] {
				err = errors.New("it goes on from a snapshot that is signed by a later key than this")
			}
			return err
		})
		if err == nil && one.Number != n {
			err = fmt.Errorf("it is tally %d", one.Number)
		}
		if err == nil && beforeFile != nil && one.Previous != format.SHA256(beforeFile) {
			err = errors.New("the tally before it is another one than it says")
		}
		if err == nil {
			err = f.grows(one, before)
		}
		if err != nil {
			return &Fault{name, err}
		}
		if n == t.Number && !bytes.Equal(file, text) {
			return fault(tallyFile, "it is another one than %s", name)
		}
		f.first = n == 1 || before.Number == n-1 && before.AsOf.UTC().Format(time.DateOnly) < one.AsOf.UTC().Format(time.DateOnly)
		before, beforeFile = one, file
		f.Tallies++
	}
	return nil
}

// grows checks that the trees of a tally go on from those of its snapshot, and from those of the tally before.
func (f *folder) grows(t, before tally.Tally) error {
	published, ok := f.heads[t.Snapshot]
	if !ok {
		return fmt.Errorf("it goes on from snapshot %d, which is not there", t.Snapshot)
	}
	if before.Number > 0 && before.AsOf.After(t.AsOf) {
		return fmt.Errorf("it is of %s, before the one that it follows", t.AsOf)
	}
	for _, h := range t.Heads {
		var from tufrepo.TreeHead
		for _, p := range published {
			if p.Tree == h.Tree {
				from = p
			}
		}
		if err := f.step(h, h.FromSnapshot, from, "snapshot"); err != nil {
			return err
		}
		if was, ok := before.Head(h.Tree); ok {
			if err := f.step(h, h.FromTally, was.Of(), "tally"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *folder) step(h tally.Head, by heads.Tree, from tufrepo.TreeHead, what string) error {
	if by.Gap == heads.GapRestore || by.Gap == heads.GapLost {
		f.Notes = append(f.Notes, fmt.Sprintf("tree %s does not go on from the %s before: the server says %s; ask its people", h.Tree,
			what, by.Gap))
		return nil
	}
	if by.Gap != "" {
		return fmt.Errorf("tree %s does not go on from the %s before: the server says %.20q", h.Tree, what, by.Gap)
	}
	if _, err := by.Frontier(h.Of()); err != nil {
		return fmt.Errorf("tree %s: %w", h.Tree, err)
	}
	if from.Size == 0 {
		return nil
	}
	if err := by.Verify(from, h.Of()); err != nil {
		return fmt.Errorf("tree %s does not go on from the %s before: %w", h.Tree, what, err)
	}
	return nil
}

// evidence counts everything again, if the reports are there.
func (f *folder) evidence(ctx context.Context) error {
	in, err := os.Open(f.path(evidenceFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	done, err := recount.Run(ctx, f.tally, f.keys[len(f.keys)-1], in)
	if err != nil {
		return &Fault{evidenceFile, err}
	}
	f.Recounted, f.Numbers, f.Installations, f.Reports = true, done.Numbers, done.Installations, done.Reports
	if len(done.Far) > 0 && f.first {
		return fault(tallyFile, "%s; it is the first tally of its day, taken when its numbers were asked for", done.Far[0])
	}
	for _, far := range done.Far {
		f.Notes = append(f.Notes, far+". Numbers are asked for at the beginning of the day, and the fleet may have moved on: look at the "+
			"next tally")
	}
	f.Near = done.Numbers - len(done.Far)
	if done.Settled > 0 {
		f.Notes = append(f.Notes, fmt.Sprintf("%d installations begin with what was settled before their older reports were dropped: "+
			"that these said so cannot be shown any more", done.Settled))
	}
	return f.effects(done.Releases)
}

// effects holds what reports were judged by against what people signed, offline.
func (f *folder) effects(releases []published.Release) error {
	signed, err := f.signedEffects()
	if err != nil {
		return err
	}
	for _, r := range releases {
		if r.Effect == nil {
			continue
		}
		for model, builds := range buildsOf(r) {
			sums, ok := signed[r.Name]
			doc, _ := r.EffectFor(model, builds)
			switch {
			case !ok:
				f.Notes = append(f.Notes, fmt.Sprintf("nothing in the feed says any more what release %s promised: by what it was judged "+
					"is the server's word", r.Name))
			case !sums[format.SHA256(doc.Bytes())]:
				return fault(evidenceFile, "line 1: release %s on model %s is judged by other rules than people signed", r.Name, model)
			default:
				f.Effects++
			}
		}
	}
	return nil
}

func buildsOf(r published.Release) map[string][]effect.Build {
	all := map[string][]effect.Build{}
	for _, p := range r.Packages {
		all[p.Model] = append(all[p.Model], effect.Build{Fingerprint: p.Build.Fingerprint, Model: p.Model, Variant: p.Variant})
	}
	return all
}

// signedEffects are the SHA-256 of the effect documents that the offline roles list, by release.
func (f *folder) signedEffects() (map[string]map[string]bool, error) {
	listed := f.snap.Files[tufrepo.Targets]
	if listed.Version == 0 {
		return nil, nil
	}
	top, info, err := f.metadata(tufrepo.Targets, listed.Version, f.newest())
	if err != nil {
		return nil, err
	}
	all := map[string]map[string]bool{}
	for _, m := range info.Models {
		role, ok := f.snap.Files[m.Role]
		if !ok {
			continue
		}
		_, mine, err := f.metadata(m.Role, role.Version, top)
		if err != nil {
			return nil, err
		}
		for _, target := range mine.Targets {
			name, is := strings.CutPrefix(target.Path, strings.TrimSuffix(tufrepo.EffectPath(m.Role, ""), ".effect.json"))
			name, effects := strings.CutSuffix(name, ".effect.json")
			if !is || !effects {
				continue
			}
			if all[name] == nil {
				all[name] = map[string]bool{}
			}
			all[name][target.SHA256] = true
		}
	}
	return all, nil
}
