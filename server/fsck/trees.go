// SPDX-License-Identifier: Apache-2.0

package fsck

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/seal"
)

// said is what one signed snapshot says of the trees.
type said struct {
	by      string
	version int64
	heads   []tufrepo.TreeHead
}

// trees computes every tree again, and holds it against every stored head, every head in a published snapshot, and
// those in snapshots that somebody kept.
func (k *checker) trees(ctx context.Context) error {
	return k.DB.View(ctx, func(tx fleet.Tx) error {
		all, err := k.snapshots(ctx, tx)
		if err != nil {
			k.fault(fmt.Sprintf("the published snapshots cannot be read: %v", err))
		}
		for _, tree := range fleet.Trees() {
			signed, err := tallied(ctx, tx, tree)
			if err != nil {
				return err
			}
			w, err := seal.Walk(ctx, tx, tree, append(claims(tree, all), signed...), func(leaves int64) {
				k.progress(fmt.Sprintf("%s: %d rows are as they were sealed, or named", tree, leaves))
			})
			k.Leaves[tree] = w.Leaves
			_ = k.all(w.Faults, nil)
			if err != nil {
				k.fault(err.Error())
				continue
			}
			if err := k.unproven(ctx, tx, w, all); err != nil {
				return err
			}
			if w.Lost > 0 {
				k.Notes = append(k.Notes, fmt.Sprintf("%s: %d sealed rows were lost with their file (otactl audit has %s or %s), and the "+
					"tree goes on behind them; what %d heads and snapshots say of them cannot be checked", tree, w.Lost, seal.ActionBegin,
					seal.ActionRestore, w.Unborne))
			}
			if left := w.Leaves - w.Sealed; left > 0 {
				k.Notes = append(k.Notes, fmt.Sprintf("%s: the last %d rows are not sealed yet; an edit of them is not found by the "+
					"tree", tree, left))
			}
		}
		return nil
	})
}

func claims(tree fleet.Tree, all []said) (found []seal.Claim) {
	for _, s := range all {
		for _, h := range s.heads {
			if h.Tree == string(tree) {
				root, _ := hex.DecodeString(h.Root) // its form was checked when it was read
				found = append(found, seal.Claim{Head: fleet.Head{Tree: tree, Size: h.Size, Root: root}, By: s.by})
			}
		}
	}
	return found
}

// unproven tells what rows were lost by a restored database, which the trail says, from what somebody took out.
func (k *checker) unproven(ctx context.Context, tx fleet.Tx, w seal.Walked, all []said) error {
	if len(w.Unproven) == 0 {
		return nil
	}
	back, err := returns(ctx, tx, w.Tree)
	if err != nil {
		return err
	}
	for _, c := range w.Unproven {
		if kept, by := back.restored(c, w.Unproven, all); by != "" {
			k.Notes = append(k.Notes, fmt.Sprintf("%s: %s says %d rows; the database was restored from an older copy, and %s goes on "+
				"from %d (otactl audit has publish.adopt or restore): the rows between were lost", w.Tree, c.By, c.Size, by, kept))
			continue
		}
		k.fault(fmt.Sprintf("%s: %s says that there were %d rows with the root %x; the rows that are here do not bear that out: "+
			"one of the first %d was changed, removed or added since. Restore a backup and compare", w.Tree, c.By, c.Size, c.Root[:8],
			c.Size))
	}
	return nil
}

// went is what the trail says of a database that went back: how often it was taken up again, and to how many leaves of a tree.
type went struct {
	tree  fleet.Tree
	taken int
	to    []int64
}

// restored finds a later snapshot that goes on from before c: one with fewer rows; or, where the trail says that no more than
// fewer were brought back, one that the rows bear out, or one without any heads, as is published while nobody has said what
// was lost.
func (is went) restored(c seal.Claim, unproven []seal.Claim, all []said) (kept int64, by string) {
	at := slices.IndexFunc(all, func(s said) bool { return s.by == c.By })
	if at < 0 || is.taken == 0 {
		return 0, "" // a tally that the database has: whatever it forgot came later
	}
	for _, s := range all[at:] {
		if s.version <= all[at].version {
			continue
		}
		has := slices.IndexFunc(s.heads, func(h tufrepo.TreeHead) bool { return h.Tree == string(is.tree) })
		if has >= 0 && s.heads[has].Size < c.Size {
			return s.heads[has].Size, s.by
		}
		borne := has >= 0 && !slices.ContainsFunc(unproven, func(u seal.Claim) bool { return u.By == s.by })
		if n := slices.IndexFunc(is.to, func(to int64) bool { return to < c.Size }); n >= 0 && (borne || len(s.heads) == 0) {
			return is.to[n], s.by
		}
	}
	return 0, ""
}

// returns reads the lines of the trail by which the server took up what a restored database had forgotten, or somebody
// said what it lost, and how much of a tree was brought back each time.
func returns(ctx context.Context, tx fleet.Tx, tree fleet.Tree) (went, error) {
	is := went{tree: tree}
	for before := int64(0); ; {
		page, err := tx.Audit().List(ctx, before, 500)
		if err != nil || len(page) == 0 {
			return is, err
		}
		for _, e := range page {
			if e.Action == "publish.adopt" || e.Action == fleet.ActionLost && e.Subject == fleet.RestoreSubject {
				is.taken++
			}
			if size, ok := fleet.SealedIn(e.Reason, tree); ok && e.Action == fleet.ActionRestored && e.Subject == fleet.RestoreSubject {
				is.to = append(is.to, size)
			}
		}
		before = page[len(page)-1].N
	}
}

// snapshots reads every snapshot that was published, from the database and from the folder, and those that were kept.
func (k *checker) snapshots(ctx context.Context, tx fleet.Tx) (all []said, err error) {
	roots, err := tx.Metadata().All(ctx, tufrepo.Root)
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(os.DirFS(k.Feed), "metadata/*."+tufrepo.Snapshot+".json")
	if err != nil {
		return nil, err
	}
	if len(roots) == 0 {
		if len(names) > 0 {
			k.fault(fmt.Sprintf("the feed folder holds what was published (%s and others), and the database knows of no publication: it "+
				"is not the one that belongs to this feed. Put that back, or restore a backup", names[0]))
		}
		return nil, nil
	}
	latest, err := tx.Metadata().Latest(ctx, tufrepo.Snapshot)
	if err != nil && !fleet.Is(err, fleet.NotFound) {
		return nil, err
	}
	slices.Reverse(roots) // the newest vouches for most
	read := map[string][sha256.Size]byte{}
	for v := int64(1); v <= latest.Version; v++ {
		m, err := tx.Metadata().Get(ctx, tufrepo.Snapshot, v)
		if fleet.Is(err, fleet.NotFound) {
			continue // its number was passed over after a restore, or it is in the folder alone
		}
		if err != nil {
			return all, err
		}
		all = k.take(all, roots, fmt.Sprintf("snapshot %d", v), m.Bytes)
		read[tufrepo.MetadataFile(tufrepo.Snapshot, v)] = sha256.Sum256(m.Bytes)
	}
	for _, name := range names {
		doc, err := os.ReadFile(filepath.Join(k.Feed, filepath.FromSlash(name)))
		if err != nil {
			k.fault(err.Error())
			continue
		}
		if sum, ok := read[path.Base(name)]; ok && sum == sha256.Sum256(doc) {
			continue // word for word the one that the database has
		}
		all = k.take(all, roots, "the file "+name, doc)
	}
	for _, name := range slices.Sorted(maps.Keys(k.Kept)) {
		all = k.take(all, roots, name, k.Kept[name])
	}
	slices.SortStableFunc(all, func(a, b said) int { return int(a.version - b.version) })
	return all, nil
}

// take adds what a snapshot says, unless it was said already, word for word, in the same version.
func (k *checker) take(all []said, roots []fleet.Metadata, by string, doc []byte) []said {
	info, err := tufrepo.Read(doc)
	if err == nil && info.Type != tufrepo.Snapshot {
		err = errors.New("it is no snapshot")
	}
	if err == nil && !slices.ContainsFunc(roots, func(r fleet.Metadata) bool {
		n, err := tufrepo.CountSignatures(r.Bytes, tufrepo.Snapshot, doc)
		return err == nil && n.Done()
	}) {
		err = errors.New("no root that was published vouches for its signature")
	}
	if err != nil {
		k.fault(fmt.Sprintf("%s: %s", by, strings.ReplaceAll(err.Error(), "\n", "; ")))
		return all
	}
	if slices.ContainsFunc(all, func(s said) bool { return s.version == info.Version && slices.Equal(s.heads, info.Heads) }) {
		return all
	}
	return append(all, said{by, info.Version, info.Heads})
}
