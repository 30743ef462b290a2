// SPDX-License-Identifier: Apache-2.0

// Package verify checks from outside what a server says of a rollout: with what it publishes, and nothing else.
//
// Parties: otactl verify-status, for a journalist, an owner or an auditor; a folder of files that were fetched from a
// server, or copied from it by any other means. It promises to name the first thing that does not hold, with the file in
// which it stands, to find any byte of these files that was changed, and to need neither the server nor its word once they are
// there. It refuses to trust a file for what another one says.
package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"landed/internal/format"
	"landed/manifests/heads"
	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/manifests/tufrepo"
	"landed/server/recount"
)

// The files of a folder, as they are named below the address of the server.
const (
	metadataDir  = "tuf/metadata/"
	tallyFile    = "tally.json"
	evidenceFile = "tally/evidence.jsonl"
)

func ownedFile(ref report.Reference) string { return "tally/installations/" + string(ref) + ".json" }

// Fault is what does not hold, and the file in which that stands.
type Fault struct {
	File string
	Err  error
}

func (f *Fault) Error() string { return f.File + ": " + f.Err.Error() }

// Unwrap gives what does not hold.
func (f *Fault) Unwrap() error { return f.Err }

func fault(file, format string, args ...any) error { return &Fault{file, fmt.Errorf(format, args...)} }

// Result is what was checked and holds.
type Result struct {
	Number    int64     `json:"tally"`
	Day       string    `json:"day"`
	AsOf      time.Time `json:"as_of"`
	Threshold int       `json:"threshold"`
	Trusted   string    `json:"trusted_root"` // SHA-256 of the root that everything follows from, hex
	Roots     int       `json:"roots"`
	Snapshots int       `json:"snapshots"`
	Steps     int       `json:"steps"`   // from one head to the next that are proven
	Tallies   int       `json:"tallies"` // that are there
	Pages     int       `json:"pages"`
	Shown     int       `json:"shown"` // counts that pages show, and the tally has
	Owner     string    `json:"owner,omitempty"`
	// Of the reports; zeros if they are not there.
	Recounted     bool     `json:"recounted"`
	Numbers       int      `json:"numbers"`
	Near          int      `json:"near,omitempty"` // of Numbers, above threshold 0: as near to what follows as the rule wants
	Installations int64    `json:"installations"`
	Reports       int64    `json:"reports"`
	Effects       int      `json:"effects"` // documents by which reports are judged, that people signed
	Notes         []string `json:"notes"`   // what a reader should know, and is no fault
}

// folder is a check under way.
type folder struct {
	Result
	dir   string
	roots [][]byte        // that are trusted, the oldest first
	keys  [][]tufrepo.Key // that each names for the snapshot
	snap  tufrepo.Info    // the newest
	heads map[int64][]tufrepo.TreeHead
	under map[int64]int // by snapshot: the root by which it is signed
	tally tally.Tally
	first bool // it is the first of its UTC day
}

// Options say what is asked beyond what everybody can check.
type Options struct {
	Root  []byte           // that is trusted; nil: the first that is published
	Owner report.Reference // "" for none
}

// Folder checks all that is in a folder.
func Folder(ctx context.Context, dir string, o Options) (Result, error) {
	f := &folder{dir: dir, heads: map[int64][]tufrepo.TreeHead{}, under: map[int64]int{}, Result: Result{Notes: []string{}}}
	for _, step := range []func() error{
		func() error { return f.trust(o.Root) }, f.feed, f.tallies, f.pages,
		func() error { return f.owner(o.Owner) },
		func() error { return f.evidence(ctx) },
	} {
		if err := step(); err != nil {
			return f.Result, err
		}
		if err := ctx.Err(); err != nil {
			return f.Result, err
		}
	}
	return f.Result, nil
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// read reads a file; one that is missing is named.
func (f *folder) read(name string) ([]byte, error) {
	text, err := os.ReadFile(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Fault{name, fmt.Errorf("it is missing: %w", fs.ErrNotExist)}
	}
	return text, err
}

// trust goes through the roots, each of which the one before vouches for.
func (f *folder) trust(root []byte) error {
	next := int64(1)
	if root != nil {
		info, err := tufrepo.Read(root)
		if err != nil || info.Type != tufrepo.Root {
			return errors.New("what is to be trusted is no root")
		}
		f.roots, next = [][]byte{root}, info.Version+1
	}
	for ; ; next++ {
		name := metadataDir + tufrepo.MetadataFile(tufrepo.Root, next)
		doc, err := f.read(name)
		if errors.Is(err, fs.ErrNotExist) && len(f.roots) > 0 {
			break
		}
		if err != nil {
			return err
		}
		by := [][]byte{doc} // the first vouches for itself
		if len(f.roots) > 0 {
			if n, err := tufrepo.CountSignatures(f.newest(), tufrepo.Root, doc); err != nil || !n.Done() {
				return fault(name, "the root before it does not vouch for it: it was changed, or is of somebody else")
			}
			by = append(by, f.newest())
		}
		if err := tufrepo.Exact(doc, tufrepo.Root, by...); err != nil {
			return &Fault{name, err}
		}
		if info, err := tufrepo.Read(doc); err != nil || info.Version != next {
			return fault(name, "it is another version than its name says")
		}
		f.roots = append(f.roots, doc)
	}
	f.Roots, f.Trusted = len(f.roots), format.SHA256(f.roots[0])
	for _, doc := range f.roots {
		info, err := tufrepo.Read(doc)
		if err != nil || info.Root == nil {
			return errors.New("what is to be trusted is no root")
		}
		f.keys = append(f.keys, info.Root.Snapshot.Keys)
	}
	return nil
}

// newest is the newest root.
func (f *folder) newest() []byte { return f.roots[len(f.roots)-1] }

// inForce looks for the root by which something is signed, from one on: what comes later is signed by that root or a later one, so
// that a key which was replaced signs nothing any more once its successor did.
func (f *folder) inForce(from int, signed func(root int) error) (root int, err error) {
	for n := from; n < len(f.roots); n++ {
		by := signed(n)
		if by == nil {
			return n, nil
		}
		if err == nil || n == len(f.roots)-1 {
			err = by
		}
	}
	return from, err
}

// metadata reads a file of metadata in which no byte was changed.
func (f *folder) metadata(role string, version int64, by ...[]byte) ([]byte, tufrepo.Info, error) {
	name := metadataDir + tufrepo.MetadataFile(role, version)
	doc, err := f.read(name)
	if err != nil {
		return nil, tufrepo.Info{}, err
	}
	if err := tufrepo.Exact(doc, role, by...); err != nil {
		return nil, tufrepo.Info{}, &Fault{name, err}
	}
	info, err := tufrepo.Read(doc)
	if err == nil && version > 0 && info.Version != version {
		err = errors.New("it is another version than its name says")
	}
	if err != nil {
		return nil, info, &Fault{name, err}
	}
	return doc, info, nil
}

// feed checks the timestamp, every snapshot, and that the heads in each go on from those before.
func (f *folder) feed() error {
	_, stamp, err := f.metadata(tufrepo.Timestamp, 0, f.newest())
	if err != nil {
		return err
	}
	newest := stamp.Files[tufrepo.Snapshot]
	last, under := map[string]before{}, 0
	for v := int64(1); v <= newest.Version; v++ {
		if v == newest.Version {
			under = len(f.roots) - 1
		}
		var doc []byte
		var info tufrepo.Info
		under, err = f.inForce(under, func(root int) (err error) {
			doc, info, err = f.metadata(tufrepo.Snapshot, v, f.roots[root])
			return err
		})
		if errors.Is(err, fs.ErrNotExist) && v < newest.Version {
			continue // its number was passed over
		}
		if err != nil {
			return err
		}
		if v == newest.Version && newest.SHA256 != "" && format.SHA256(doc) != newest.SHA256 {
			return fault(metadataDir+tufrepo.MetadataFile(tufrepo.Snapshot, v), "it is not the one that the timestamp names")
		}
		f.Snapshots++
		f.snap, f.heads[v], f.under[v] = info, info.Heads, under
		if err := f.proof(v, info.Heads, last); err != nil {
			return err
		}
	}
	return f.chain()
}

// before is the newest head of a tree that a snapshot had.
type before struct {
	snapshot int64
	head     tufrepo.TreeHead
}

// proof checks the file of proofs beside a snapshot, whole.
func (f *folder) proof(v int64, all []tufrepo.TreeHead, last map[string]before) error {
	if len(all) == 0 {
		return nil
	}
	name := metadataDir + heads.Name(v)
	text, err := f.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		f.Notes = append(f.Notes, fmt.Sprintf("no proof lies beside snapshot %d yet", v))
		for _, h := range all {
			last[h.Tree] = before{v, h}
		}
		return nil
	}
	if err != nil {
		return err
	}
	p, err := heads.Parse(text)
	if err == nil && (!bytes.Equal(p.Bytes(), text) || p.Snapshot != v || len(p.Trees) != len(all)) {
		err = errors.New("it is not the proof of this snapshot, in its one form: a byte of it was changed")
	}
	if err != nil {
		return &Fault{name, err}
	}
	for _, h := range all {
		was := last[h.Tree]
		last[h.Tree] = before{v, h}
		t, ok := p.Of(h.Tree)
		if !ok || t.Size != h.Size || t.After != was.snapshot || t.From != was.head.Size {
			return fault(name, "tree %s: it is not the proof of the step to these %d leaves", h.Tree, h.Size)
		}
		if len(t.Range) > 0 || t.Gap == "" {
			if _, err := t.Frontier(h); err != nil {
				return fault(name, "tree %s: %w", h.Tree, err)
			}
		}
		if t.Gap != "" {
			if !slices.Contains([]string{heads.GapRestore, heads.GapLost, heads.GapBroken}, t.Gap) || len(t.Proof) > 0 {
				return fault(name, "tree %s: its gap makes no sense", h.Tree)
			}
			continue // chain tells of it
		}
		if t.From == 0 && len(t.Proof) > 0 {
			return fault(name, "tree %s: a proof from nothing has no hashes", h.Tree)
		}
		if t.From > 0 {
			if err := t.Verify(was.head, h); err != nil {
				return fault(name, "tree %s: %w", h.Tree, err)
			}
		}
	}
	return nil
}

// chain is what otactl heads check finds.
func (f *folder) chain() error {
	found, err := heads.Check(func(name string) ([]byte, error) { return f.read(metadataDir + name) }, f.roots[0])
	if err != nil {
		return err
	}
	f.Steps = found.Steps
	for _, b := range found.Breaks {
		switch b.Gap {
		case heads.GapRestore, heads.GapLost, heads.GapUnproven:
			f.Notes = append(f.Notes, b.Words+"; ask the server's people what they say of it")
		default:
			return fault(metadataDir+tufrepo.MetadataFile(tufrepo.Snapshot, b.Snapshot), "%s", b.Words)
		}
	}
	return nil
}

// pages holds each page against what the tally has of it, byte by byte and number by number.
func (f *folder) pages() error {
	wanted := map[string]bool{"status.json": true, "releases.json": true}
	for _, c := range f.tally.Cells {
		wanted["releases/"+c.Release+".json"] = true
	}
	for _, p := range f.tally.Pages {
		delete(wanted, p.Path)
	}
	for _, path := range slices.Sorted(maps.Keys(wanted)) {
		return fault(tallyFile, "it says nothing of the page %s, which everybody is shown", path)
	}
	for _, p := range f.tally.Pages {
		text, err := f.read(p.Path)
		if err != nil {
			return err
		}
		if err := recount.Page(f.tally, p.Path, text); err != nil {
			return &Fault{p.Path, err}
		}
		if format.SHA256(text) != p.SHA256 {
			return fault(p.Path, "every number on it is that of the tally, but it is not the page that was signed: a byte was changed")
		}
		f.Pages++
	}
	for _, c := range slices.Concat(f.tally.Models, f.tally.Cells) {
		f.Shown += len(c.Numbers)
	}
	return nil
}

// owner checks the place of one installation in the tally.
func (f *folder) owner(ref report.Reference) error {
	if ref == "" {
		return nil
	}
	text, err := f.read(ownedFile(ref))
	if err != nil {
		return err
	}
	o, err := tally.ParseOwned(text)
	if err == nil {
		err = o.Verify(f.tally, ref)
	}
	if err != nil {
		return &Fault{ownedFile(ref), err}
	}
	where := "counted for"
	if o.Leaf.Quarantined {
		where = "left out of the figures of"
	}
	f.Owner = fmt.Sprintf("your newest report, sequence in row %d, is %s release %s on model %s as %q", o.Row, where, o.Leaf.Release,
		o.Leaf.Model, strings.ReplaceAll(o.Leaf.Class, "_", " "))
	return nil
}
