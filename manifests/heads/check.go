// SPDX-License-Identifier: Apache-2.0

package heads

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"landed/manifests/tufrepo"
)

// Read gives a file below /tuf/metadata/ by its name, such as "7.snapshot.json" and "heads/7.json"; an error that is
// fs.ErrNotExist if there is none.
type Read func(name string) ([]byte, error)

// Result is what Check found.
type Result struct {
	Snapshots int                         // that were read
	Missing   int                         // numbers that no snapshot has
	Steps     int                         // from one head to the next that are proven, over all trees
	First     map[string]int64            // by tree, the version of the first snapshot that speaks of it
	Newest    map[string]tufrepo.TreeHead // by tree
	Breaks    []Break                     // in the order in which they are met
	// Waiting are the trees whose newest head has no proof yet: that follows some seconds after the head.
	Waiting []string
}

// Break is a place at which a tree does not go on, as far as what is published shows.
type Break struct {
	Snapshot int64
	Tree     string // "" if the snapshot itself is at fault
	Gap      string // as the proof says; "" if it says none
	Words    string
}

func (b Break) String() string { return b.Words }

// Check verifies the chain of heads from the first snapshot to the newest. root, if it is not nil, is a root that the caller
// trusts: without one, the first that is published is taken. What cannot be read at all is an error.
func Check(read Read, root []byte) (Result, error) {
	c := chain{read: read, Result: Result{First: map[string]int64{}, Newest: map[string]tufrepo.TreeHead{}},
		at: map[string]int64{}, waits: map[string]Break{}}
	if err := c.trust(root); err != nil {
		return c.Result, err
	}
	newest, err := c.newest()
	if err != nil {
		return c.Result, err
	}
	c.under = len(c.roots) - 1
	for v := int64(1); v <= newest; v++ {
		doc, err := read(tufrepo.MetadataFile(tufrepo.Snapshot, v))
		if errors.Is(err, fs.ErrNotExist) {
			c.Missing++ // its number was passed over, or a mirror does not keep it
			continue
		}
		if err != nil {
			return c.Result, err
		}
		c.Snapshots++
		c.snapshot(v, doc, v == newest)
	}
	c.Waiting = slices.Sorted(maps.Keys(c.waits))
	return c.Result, nil
}

// chain is how far the check came.
type chain struct {
	Result
	read  Read
	roots [][]byte         // that are trusted, the newest first
	under int              // of roots, the one by which the newest snapshot so far is signed
	at    map[string]int64 // by tree, the snapshot of its newest head
	waits map[string]Break // by tree, that its newest head has no proof
}

// trust loads the roots, each of which the one before vouches for.
func (c *chain) trust(root []byte) error {
	next := int64(1)
	if root != nil {
		info, err := tufrepo.Read(root)
		if err == nil && info.Type != tufrepo.Root {
			err = errors.New("it is the metadata of another role")
		}
		if err != nil {
			return fmt.Errorf("what is to be trusted is no root: %w", err)
		}
		c.roots, next = [][]byte{root}, info.Version+1
	}
	for ; ; next++ {
		doc, err := c.read(tufrepo.MetadataFile(tufrepo.Root, next))
		if errors.Is(err, fs.ErrNotExist) && len(c.roots) > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("root %d: %w", next, err)
		}
		by := doc // the first vouches for itself
		if len(c.roots) > 0 {
			by = c.roots[0]
		}
		n, err := tufrepo.CountSignatures(by, tufrepo.Root, doc)
		if err == nil && !n.Done() {
			err = errors.New("too few signatures")
		}
		if err != nil {
			return fmt.Errorf("root %d is not signed as the one before wants: %w", next, err)
		}
		c.roots = slices.Insert(c.roots, 0, doc)
	}
}

// newest is the version of the snapshot that the timestamp names.
func (c *chain) newest() (int64, error) {
	doc, err := c.read(tufrepo.MetadataFile(tufrepo.Timestamp, 0))
	if err != nil {
		return 0, err
	}
	if n, err := tufrepo.CountSignatures(c.roots[0], tufrepo.Timestamp, doc); err != nil || !n.Done() {
		return 0, errors.New("the newest root does not vouch for the signature of this timestamp")
	}
	info, err := tufrepo.Read(doc)
	return info.Files[tufrepo.Snapshot].Version, err
}

// signed says if a root vouches for a snapshot: the newest for the newest, and for those before it none that came before the root of
// the snapshot before, so that a key which was replaced signs nothing any more once its successor did.
func (c *chain) signed(doc []byte, newest bool) error {
	if newest {
		c.under = 0
	}
	for n := c.under; n >= 0; n-- {
		if of, err := tufrepo.CountSignatures(c.roots[n], tufrepo.Snapshot, doc); err == nil && of.Done() {
			c.under = n
			return nil
		}
	}
	return errors.New("no root that was in force vouches for the signature of this snapshot")
}

func (c *chain) broken(snapshot int64, tree, gap, format string, args ...any) {
	c.Breaks = append(c.Breaks, Break{snapshot, tree, gap, fmt.Sprintf("snapshot %d: ", snapshot) + fmt.Sprintf(format, args...)})
}

// snapshot goes on by the heads of one.
func (c *chain) snapshot(v int64, doc []byte, newest bool) {
	info, err := tufrepo.Read(doc)
	if err == nil && (info.Type != tufrepo.Snapshot || info.Version != v) {
		err = errors.New("it is another file than its name says")
	}
	if err = errors.Join(err, c.signed(doc, newest)); err != nil {
		c.broken(v, "", "", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		return
	}
	if len(info.Heads) == 0 {
		return
	}
	text, err := c.read(Name(v))
	var p Proof
	if err == nil {
		p, err = Parse(text)
	}
	if err == nil && p.Snapshot != v {
		err = fmt.Errorf("the proof beside it is that of snapshot %d", p.Snapshot)
	}
	for _, h := range info.Heads {
		c.step(v, h, p, err)
	}
}

// step goes on from the newest head of a tree to h.
func (c *chain) step(v int64, h tufrepo.TreeHead, p Proof, unread error) {
	was, have := c.Newest[h.Tree]
	after := c.at[h.Tree]
	c.Newest[h.Tree], c.at[h.Tree] = h, v
	t, is := p.Of(h.Tree)
	if late, waits := c.waits[h.Tree]; waits && was != h { // another came without it
		c.Breaks = append(c.Breaks, late)
		delete(c.waits, h.Tree)
	}
	switch {
	case !have:
		c.First[h.Tree] = v
	case was == h:
		c.Steps++ // it says the same
	case is && t.Gap != "":
		c.broken(
			v,
			h.Tree,
			t.Gap,
			"%s: %d leaves, after %d in snapshot %d, and no proof between them: the server says %.20q",
			h.Tree,
			h.Size,
			was.Size,
			after,
			t.Gap,
		)
	case was.Size == h.Size:
		c.broken(v, h.Tree, "", "%s: two roots of %d leaves, here and in snapshot %d: a row was changed", h.Tree, h.Size, after)
	case errors.Is(unread, fs.ErrNotExist):
		c.waits[h.Tree] = Break{
			v,
			h.Tree,
			GapUnproven,
			fmt.Sprintf("snapshot %d: %s: there is no proof that it goes on from snapshot %d",
				v, h.Tree, after),
		}
	case unread != nil:
		c.broken(v, h.Tree, "", "%s: the proof that it goes on from snapshot %d cannot be read: %v", h.Tree, after, unread)
	case !is:
		c.broken(v, h.Tree, "", "%s: no proof leads here from the %d leaves of snapshot %d", h.Tree, was.Size, after)
	default:
		if err := t.Verify(was, h); err != nil {
			c.broken(v, h.Tree, "", "%s: %d leaves do not go on from the %d of snapshot %d: %v", h.Tree, h.Size, was.Size, after, err)
			return
		}
		c.Steps++
	}
}
