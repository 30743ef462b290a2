// SPDX-License-Identifier: Apache-2.0

// Package fsck proves what is stored: it reads a data folder whole, and names everything in it that does not follow from
// what was signed, what was sealed, or what came in.
//
// Parties: otad fsck, and whoever keeps a signed snapshot outside; package server gives it the parts. It promises to
// change nothing, to name each fault with the row and what to do, all at once, in bounded memory, and to go on behind a
// part that cannot be read. It refuses nothing: what it cannot judge it says. It may run beside a server.
package fsck

import (
	"context"
	"fmt"
	"time"

	"landed/server/blob"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/published"
	"landed/server/repo"
	"landed/server/seal"
	"landed/server/store"
)

// Config is what is checked. All fields are needed but Kept and Enough.
type Config struct {
	DB     store.Database
	Repo   *repo.Repo
	Intake *intake.Intake
	Blobs  blob.Store
	Feed   string            // the feed folder
	Kept   map[string][]byte // by name, signed snapshots that somebody kept elsewhere
	Enough int               // faults after which no further check is begun; 0: all checks are made
}

// Result is what was found, and how much was gone through.
type Result struct {
	Faults        []string // in words, at most MaxFaults of each check
	Count         int      // of all faults
	Notes         []string // what a reader should know, and is no fault
	Files         int      // published targets
	Packages      int
	Reports       int64
	Installations int64
	Leaves        map[fleet.Tree]int64
}

// MaxFaults bounds what is listed of one check.
const MaxFaults = 50

type checker struct {
	Config
	Result
	progress func(string)
	listed   int
	verified map[string]bool // contents that were read whole
	lost     *time.Time      // when reports were given up last; nil until that is asked
}

// Run checks everything. The error is that of ctx alone: what cannot be read is a fault. progress is told in words what
// is looked at, and may be nil.
func Run(ctx context.Context, c Config, progress func(string)) (Result, error) {
	k := checker{Config: c, progress: progress, verified: map[string]bool{}}
	if progress == nil {
		k.progress = func(string) {}
	}
	k.Leaves = map[fleet.Tree]int64{}
	for _, check := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"the database file", k.integrity}, {"records", k.records}, {"trees", k.trees}, {"cuts", k.cuts},
		{"reports", k.reports},
		{"figures", k.figures}, {"the feed", k.feed}, {"the published heads", k.heads}, {"the tallies", k.tallies},
		{"releases", k.releases}, {"packages", k.packages},
	} {
		k.progress("checking " + check.name)
		k.listed = 0
		if err := check.run(ctx); err != nil && ctx.Err() == nil {
			k.fault(fmt.Sprintf("%s cannot be checked: %v", check.name, err))
		}
		if left := k.listed - MaxFaults; left > 0 {
			k.Faults = append(k.Faults, fmt.Sprintf("and %d more of %s", left, check.name))
		}
		if err := ctx.Err(); err != nil {
			return k.Result, err
		}
		if c.Enough > 0 && k.Count >= c.Enough {
			break
		}
	}
	return k.Result, nil
}

func (k *checker) fault(words string) {
	k.Count++
	if k.listed++; k.listed <= MaxFaults {
		k.Faults = append(k.Faults, words)
	}
}

func (k *checker) all(faults []string, err error) error {
	for _, f := range faults {
		k.fault(f)
	}
	return err
}

func (k *checker) integrity(ctx context.Context) error { return k.all(k.DB.Integrity(ctx, false)) }
func (k *checker) records(ctx context.Context) error   { return k.all(k.DB.CheckRecords(ctx)) }
func (k *checker) figures(ctx context.Context) error   { return k.all(k.DB.Recount(ctx)) }

func (k *checker) reports(ctx context.Context) error {
	return k.DB.View(ctx, func(tx fleet.Tx) (err error) {
		step := int64(0)
		done, err := k.Intake.Verify(ctx, tx, func(v intake.Verified) {
			if v.Reports/10_000 > step {
				step = v.Reports / 10_000
				k.progress(fmt.Sprintf("%d reports of %d installations are verified", v.Reports, v.Installations))
			}
		}, k.fault)
		k.Reports, k.Installations = done.Reports, done.Installations
		if err != nil {
			return err
		}
		if done.Settled > 0 {
			k.Notes = append(
				k.Notes,
				fmt.Sprintf("%d of %d installations begin with what a cut settled: of %d reports the bodies were "+
					"dropped, as was ruled. That these came, when, in which order and with which bytes is borne out by the trees and the cuts; what "+
					"they said, and that it was judged rightly before the cut, can no longer be shown", done.Settled, done.Installations, done.Dropped),
			)
		}
		kept, err := intake.VerifyProvisional(ctx, tx, k.fault)
		if kept > 0 {
			k.Notes = append(k.Notes, fmt.Sprintf("%d reports are provisional: they stand in no figure, and are judged when there "+
				"is room to store them for good", kept))
		}
		if done.Unjudged > 0 {
			k.Notes = append(k.Notes, fmt.Sprintf("%d installations speak of a release that this program cannot read; their "+
				"verdicts were not checked", done.Unjudged))
		}
		if done.Unreckoned {
			k.Notes = append(
				k.Notes,
				"an admission or a quarantine is not applied to all installations yet: each may stand as it does "+
					"with or without; start the server, and check again in some minutes",
			)
		}
		return err
	})
}

// cuts holds what stands in the place of dropped reports against the trail.
func (k *checker) cuts(ctx context.Context) error {
	return k.DB.View(ctx, func(tx fleet.Tx) error {
		faults, notes, err := seal.Cuts(ctx, tx)
		k.Notes = append(k.Notes, notes...)
		return k.all(faults, err)
	})
}

func (k *checker) feed(ctx context.Context) error {
	faults, err := k.Repo.Check(ctx, func(path string) {
		k.Files++
		k.progress(path)
	})
	return k.all(faults, err)
}

func (k *checker) releases(ctx context.Context) error {
	return k.DB.View(ctx, func(tx fleet.Tx) error {
		all, err := published.Load(ctx, tx)
		for _, u := range all.Unreadable {
			k.fault(u.Err.Error())
		}
		return err
	})
}

// packages reads the content of every package that is not published: the published ones were read with the feed.
func (k *checker) packages(ctx context.Context) error {
	var all []fleet.Package
	var leftovers []string
	if err := k.DB.View(ctx, func(tx fleet.Tx) (err error) {
		if all, err = tx.Packages().List(ctx); err != nil {
			return err
		}
		leftovers, err = tx.Packages().Leftovers(ctx)
		return err
	}); err != nil {
		return err
	}
	named := map[string]bool{}
	for _, p := range all {
		k.Packages++
		named[p.SHA256] = true
		if err := k.content(ctx, p); err != nil {
			k.fault(fmt.Sprintf("package %s (%s): %v; upload the same file again", p.Ref(), p.Name, err))
		}
	}
	for _, sha256 := range leftovers {
		if named[sha256] {
			k.fault(fmt.Sprintf("leftovers: the content %s is noted to be deleted, and a package needs it; restore the database, or "+
				"find out who wrote to it", sha256))
		}
	}
	return nil
}

func (k *checker) content(ctx context.Context, p fleet.Package) error {
	info, err := k.Blobs.Stat(ctx, blob.Ref(p.SHA256))
	if err != nil {
		return err
	}
	if info.Size != p.Size {
		return fmt.Errorf("its content has %d bytes, wanted %d", info.Size, p.Size)
	}
	listed, err := k.Repo.Lists(ctx, p.SHA256)
	if err != nil || listed || k.verified[p.SHA256] {
		return err
	}
	k.verified[p.SHA256] = true
	k.progress(p.Name)
	return blob.Verify(ctx, k.Blobs, blob.Ref(p.SHA256))
}
