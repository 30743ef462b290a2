// SPDX-License-Identifier: Apache-2.0

package recount

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"landed/manifests/effect"
	"landed/manifests/heads"
	"landed/manifests/report"
	"landed/manifests/strict"
	"landed/manifests/tally"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/published"
	"landed/server/settle"
)

// Done is how much a recount went through.
type Done struct {
	Installations int64
	Reports       int64
	Settled       int64 // of Installations: begin with what a cut settled, since older reports were dropped
	Numbers       int   // that were computed again
	// Far are published numbers that lie farther from what follows than the rule of their threshold lets them, each in words. Of the
	// first tally of a day, taken right after they were asked for, that is a fault; later on that day a fleet may have moved on.
	Far      []string
	Releases []published.Release
}

// Run has all reports of a file of evidence come in again, and computes every number of t from them. keys are
// those that a root names for the snapshot. The error names the
// first that differs.
func Run(ctx context.Context, t tally.Tally, keys []tufrepo.Key, evidence io.Reader) (done Done, err error) {
	in := bufio.NewScanner(evidence)
	in.Buffer(make([]byte, 0, 1<<16), MaxLine)
	r, err := begin(t, in)
	if err != nil {
		return done, err
	}
	last, sum, ended := report.Reference(""), sha256.New(), false
	hashed := func() { sum.Write(append(in.Bytes(), '\n')) }
	hashed()
	for line := 2; in.Scan(); line++ {
		if ended {
			return done, fmt.Errorf("line %d: it stands behind the end", line)
		}
		if bytes.HasPrefix(in.Bytes(), []byte(`{"sha256":`)) {
			var end tally.Trailer
			if err = one(in.Bytes(), &end); err == nil {
				err = end.Verify(t.Number, hex.EncodeToString(sum.Sum(nil)), keys)
			}
			if err != nil { // a number that differs says more
				_, _, differs := r.compare()
				return done, cmp.Or(differs, fmt.Errorf("line %d: %w", line, err))
			}
			ended = true
			continue
		}
		hashed()
		var of History
		if err := one(in.Bytes(), &of); err != nil {
			return done, fmt.Errorf("line %d: %w", line, err)
		}
		if of.Ref <= last {
			return done, fmt.Errorf("line %d: installation %s is not in order, or there twice", line, of.Ref)
		}
		last = of.Ref
		if err := r.installation(ctx, of); err != nil {
			return done, fmt.Errorf("line %d: installation %s: %w", line, of.Ref, err)
		}
		done.Installations++
		done.Reports += int64(len(of.Reports))
		if of.Settled != nil {
			done.Settled++
		}
		if err := ctx.Err(); err != nil {
			return done, err
		}
	}
	if err := in.Err(); err != nil {
		return done, err
	}
	if !ended {
		return done, errors.New("its last line is missing: it was not received whole")
	}
	done.Releases = r.rules.Readable
	done.Numbers, done.Far, err = r.compare()
	return done, err
}

// one reads a line, which is written in one form alone.
func one(line []byte, into any) error {
	if err := strict.JSON(line, into); err != nil {
		return err
	}
	var again bytes.Buffer
	if err := Write(&again, into); err != nil {
		return err
	}
	if !bytes.Equal(bytes.TrimSuffix(again.Bytes(), []byte("\n")), line) {
		return errors.New("it is not written in its one form")
	}
	return nil
}

// run is a recount under way.
type run struct {
	t        tally.Tally
	key      []byte
	rules    judged
	rollouts []fleet.Rollout
	replay   settle.Replayer
	counter  *Counter
	rows     []row
	leaves   map[[2]string][][]byte // by release and model
}

type row struct {
	n    int64
	leaf []byte
}

// judged are the published releases as reports are judged by them.
type judged struct{ published.Releases }

// Of implements settle.Rules.
func (j judged) Of(_ context.Context, release, model string) (effect.Standard, error) {
	by, ok := j.Standard(release, model)
	if !ok {
		return by, fmt.Errorf("it speaks of release %.80q on model %.80q, which is not among the published ones", release, model)
	}
	return by, nil
}

func begin(t tally.Tally, in *bufio.Scanner) (*run, error) {
	var h Header
	if !in.Scan() {
		return nil, cmp.Or(in.Err(), io.ErrUnexpectedEOF)
	}
	if err := one(in.Bytes(), &h); err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	key, err := hex.DecodeString(h.Key)
	switch {
	case h.Schema != Schema:
		return nil, fmt.Errorf("line 1: schema is %d; wanted %d", h.Schema, Schema)
	case h.Tally != t.Number:
		return nil, fmt.Errorf("line 1: it is the evidence of tally %d, and the tally is number %d", h.Tally, t.Number)
	case err != nil || len(key) != tally.KeySize:
		return nil, errors.New("line 1: the key of the day is no 32 bytes in hex")
	case len(h.Unreadable) > 0:
		return nil, fmt.Errorf("line 1: the server could not judge by these releases, and nobody can count again what speaks of "+
			"them: %v", h.Unreadable)
	}
	r := &run{t: t, key: key, counter: NewCounter(t.AsOf, t.Schema), leaves: map[[2]string][][]byte{}}
	by, rollouts, err := h.control()
	if err == nil {
		r.rules.Releases, err = h.releases()
	}
	if err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	r.rollouts, r.replay = rollouts, settle.Replayer{Rules: r.rules, By: by}
	return r, nil
}

// installation has the reports of one come in again.
func (r *run) installation(ctx context.Context, of History) error {
	stored, err := of.stored()
	if err != nil {
		return err
	}
	h, err := r.replay.Begin(ctx, stored)
	if err != nil {
		return err
	}
	newest := map[string][]byte{} // by id
	for _, s := range stored.Rows {
		sum := s.Sum
		if !s.Dropped() {
			of := sha256.Sum256(s.Envelope)
			sum = of[:]
		}
		leaf := tally.ReportLeaf(s.N, fleet.Hour(s.At), sum)
		r.rows = append(r.rows, row{s.N, leaf})
		newest[fmt.Sprint(s.ID, s.Seq)] = leaf
	}
	if err := r.replay.Replayed(ctx, h, of.Ref, stored.Since()); err != nil {
		return err
	}
	h.Live(r.t.AsOf)
	h.Reckon()
	nonce := tally.Nonce(r.key, of.Ref)
	for _, s := range h.States {
		r.counter.Add(s.Is)
		leaf := LeafOf(s.Is, r.t.AsOf, newest[fmt.Sprint(s.Is.Newest.ID, s.Is.Newest.Seq)])
		cell := [2]string{s.Is.Release, s.Is.Model}
		r.leaves[cell] = append(r.leaves[cell], leaf.Hash(nonce))
	}
	return nil
}

// compare holds what was counted against the tally.
func (r *run) compare() (n int, far []string, err error) {
	slices.SortFunc(r.rows, func(a, b row) int { return cmp.Compare(a.n, b.n) })
	hashes := make([][]byte, len(r.rows))
	for n, one := range r.rows {
		hashes[n] = one.leaf
	}
	root, err := heads.Root(hashes)
	if err != nil {
		return 0, nil, err
	}
	if h, ok := r.t.Head(string(fleet.TreeReports)); ok && (h.Size != int64(len(hashes)) || h.Root != root) ||
		!ok && len(hashes) > 0 {
		return 0, nil, fmt.Errorf("the %d reports are not the %d that the tally's head is over: one of them was changed, added or left out",
			len(hashes), h.Size)
	}
	f := r.counter.Figures()
	want, err := Cells(f, r.rules.Readable, r.rollouts)
	if err != nil {
		return 0, nil, err
	}
	for i := range want {
		c := &want[i]
		c.Root = tally.NewTree(r.key, c.Release, c.Model, r.leaves[[2]string{c.Release, c.Model}]).Root()
	}
	if r.t.Threshold > 0 {
		n, far = farOff(r.t, f)
		return n, far, Differ(r.t.Cells, Committed(want))
	}
	if err := Differ(r.t.Cells, want); err != nil {
		return 0, nil, err
	}
	models := Models(f, r.rules.Readable, r.rollouts)
	for _, c := range slices.Concat(want, models) {
		n += len(c.Numbers)
	}
	return n, nil, Differ(r.t.Models, models)
}

// Cells are the numbers of each release on each model that anybody spoke of, or that it is for.
func Cells(f Figures, releases []published.Release, rollouts []fleet.Rollout) (all []tally.Cell, err error) {
	for _, is := range releases {
		for _, device := range On(is, rollouts) {
			all = append(all, tally.Cell{Model: device, Release: is.Name, Numbers: Own(is, f.OfRelease(is.Name, device))})
		}
	}
	tally.Sort(all)
	for _, c := range f.Cells {
		i := slices.IndexFunc(all, func(have tally.Cell) bool { return have.Release == c.Release && have.Model == c.Model })
		if i < 0 && c.Installations+c.Quarantined.Installations > 0 {
			return nil, fmt.Errorf("reports speak of release %s on model %s, which it is not for", c.Release, c.Model)
		}
	}
	return all, nil
}

// Models are the numbers of each model under the release where it stands.
func Models(f Figures, releases []published.Release, rollouts []fleet.Rollout) (all []tally.Cell) {
	for _, device := range ModelsOf(releases, rollouts) {
		mine := f.Of(device)
		if is, ok := Stands(device, releases, rollouts, mine.Totals); ok {
			all = append(all, tally.Cell{Model: device, Release: is.Name, Numbers: Whole(is, mine)})
		}
	}
	tally.Sort(all)
	return all
}

// Differ names the first number at which what is published differs from what follows.
func Differ(published, follows []tally.Cell) error {
	for n, want := range follows {
		if n >= len(published) || published[n].Model != want.Model || published[n].Release != want.Release {
			return fmt.Errorf("%s: the tally has nothing of it, and it follows", want.Name())
		}
		have := published[n]
		names := maps.Clone(have.Numbers)
		if names == nil {
			names = map[string]int64{}
		}
		maps.Copy(names, want.Numbers)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if have.Numbers[name] != want.Numbers[name] {
				return fmt.Errorf("%s: %s is %d in the tally, and %d follows from the reports", want.Name(), name,
					have.Numbers[name], want.Numbers[name])
			}
		}
		if have.Root != want.Root {
			return fmt.Errorf("%s: every number follows, but the tally commits to other reports than these", want.Name())
		}
	}
	if len(published) > len(follows) {
		return fmt.Errorf("%s: it is in the tally, and nothing of it follows", published[len(follows)].Name())
	}
	return nil
}

func sortRollouts(all []Going) {
	slices.SortFunc(all, func(a, b Going) int {
		return cmp.Or(cmp.Compare(a.Release, b.Release), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Channel, b.Channel))
	})
}
