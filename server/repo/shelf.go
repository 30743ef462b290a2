// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"landed/manifests"
	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
)

// shelfDir is where the files for the updaters of others lie in the feed folder: see package shelf. Which there are, and
// their bytes, is said by documents that the offers roles list; so they change with a publication, and every server of a
// cluster has the same.
const shelfDir = "legacy"

// Shelf is the part of a Repo in these files. It is beside the feed: whatever is wrong with it has handsets given what they
// are given, and a publication that is done.
type Shelf struct{ *Repo }

// Fault says what is not given away as it was signed, and why; nil if all is. It is tried again with each publication, and at
// each tick.
func (r Shelf) Fault() error {
	if p := r.shelfFault.Load(); p != nil {
		return *p
	}
	return nil
}

// stand remembers how the files stand, and tells it whenever it is something else.
func (r Shelf) stand(ctx context.Context, err error) {
	was := r.Fault()
	r.shelfFault.Store(&err)
	switch {
	case err == nil && was != nil:
		r.cfg.Log.InfoContext(ctx, "phones with the updaters of others are given all that was signed again")
	case err != nil && (was == nil || was.Error() != err.Error()):
		r.cfg.Log.ErrorContext(ctx, "phones with the updaters of others are not given all that was signed, and a file server may still give "+
			"them what was withdrawn; handsets are given everything. It is tried again at each tick", "err", err)
	}
}

// maxAmiss bounds the faults that are told by name.
const maxAmiss = 10

// amiss is one error of many, each with its words.
func amiss(faults []error) error {
	if n := len(faults) - maxAmiss; n > 0 {
		faults = append(slices.Clone(faults[:maxAmiss]), fleet.Errorf(fleet.Pending, shelfAmiss, "and %d more", n))
	}
	return errors.Join(faults...)
}

const shelfAmiss = "shelf_amiss"

func notShelved(name string, err error) error {
	why := Why(err)
	if errors.Is(err, blob.ErrNotFound) {
		why = "its content is lost; upload the same file again"
	}
	return &fleet.Error{Kind: fleet.Pending, Code: shelfAmiss, Err: err, Msg: fmt.Sprintf("%s: %s", path.Join(shelfDir, name), why)}
}

// placed is a file, and the document that lists it: "armani on stable".
type placed struct {
	shelf.File
	of string
}

// files are those that s lists, by path, and what is wrong with its documents. What a model that was given up listed last is
// not among them. A path that two documents have with the same bytes is one file; with others, neither is given away.
func (r Shelf) files(ctx context.Context, s State) (map[string]shelf.File, []error) {
	docs, faults := r.documents(ctx, s)
	files, taken := map[string]shelf.File{}, map[string]placed{}
	for _, doc := range docs {
		of := doc.Model + " on " + doc.Channel
		for _, f := range doc.Files {
			first, is := taken[f.Path]
			switch {
			case !is:
				taken[f.Path], files[f.Path] = placed{f, of}, f
			case !first.Same(f):
				delete(files, f.Path)
				faults = append(faults, fleet.Errorf(fleet.Conflict, shelfAmiss, "%s would be two files, of %s and of %s: neither is given away. "+
					"Halt the rollout of one of them; build it again with another version label, or under another name for phones",
					path.Join(shelfDir, f.Path), first.of, of))
			}
		}
	}
	return files, faults
}

// documents are those that s lists and that can be read, by model and channel.
func (r Shelf) documents(ctx context.Context, s State) (docs []shelf.Document, faults []error) {
	read, last := map[string]shelf.Document{}, *r.shelfDocs.Load()
	for _, model := range slices.Sorted(slices.Values(s.Models())) {
		for _, t := range s.Info(tufrepo.OffersRole(model)).Targets {
			if !shelf.Is(t.Path) {
				continue
			}
			doc, known := last[t.SHA256]
			if !known {
				var err error
				if doc, err = r.one(ctx, t, model); err != nil {
					faults = append(faults, &fleet.Error{Kind: fleet.Pending, Code: shelfAmiss, Err: err, Msg: fmt.Sprintf("%s cannot be read, and "+
						"what it lists is withdrawn until it can: nobody knows if that still stands", t.Path)})
					continue
				}
			}
			read[t.SHA256] = doc
			docs = append(docs, doc)
		}
	}
	r.shelfDocs.Store(&read)
	return docs, faults
}

// readWithin bounds how long one document is waited for: the feed waits with it.
const readWithin = 5 * time.Second

// one reads a document, from the folder or else from the store, which may be away.
func (r Shelf) one(ctx context.Context, t tufrepo.Target, role string) (shelf.Document, error) {
	text, err := r.folder.at().ReadFile(path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256)))
	if err != nil || Digest(text) != t.SHA256 {
		wait, cancel := context.WithTimeout(ctx, readWithin)
		defer cancel()
		if text, err = r.Document(wait, t); err != nil {
			return shelf.Document{}, err
		}
	}
	doc, err := shelf.Parse(text)
	if err == nil && (manifests.Model{Device: doc.Model}).Role() != role {
		err = errors.New("it is of another model")
	}
	return doc, err
}

// given are the files for the updaters of others that are given away, by path, and what is wrong with the documents of them.
type given struct {
	files  map[string]shelf.File
	faults []error
}

// give has this server give away the files that s lists, and no others. A document that cannot be read takes its files away:
// nobody knows if what they offer still stands.
func (r Shelf) give(ctx context.Context, s State) given {
	files, faults := r.files(ctx, s)
	r.shelved.Store(&files)
	if r.cfg.Shelved != nil {
		r.cfg.Shelved(files)
	}
	return given{files, faults}
}

// namesOf are the files that are given away as names of the content with a SHA-256.
func (r Shelf) namesOf(sha256 string) (files []shelf.File) {
	if all := r.shelved.Load(); all != nil {
		for _, f := range *all {
			if f.Target != nil && f.Target.SHA256 == sha256 {
				files = append(files, f)
			}
		}
	}
	return files
}

// shelve makes the folder have the files that are given away, and no others. What cannot be done is a standing of its own, see
// [Shelf.Fault].
func (l locked) shelve(ctx context.Context, g given) {
	err := l.lay(ctx, g)
	if err != nil && l.madeRoom(err) {
		err = l.lay(ctx, g)
	}
	Shelf{l.repo}.stand(ctx, err)
}

// lay writes the files: packages before the files that name them.
func (l locked) lay(ctx context.Context, g given) error {
	faults := slices.Clone(g.faults)
	paths := slices.Sorted(maps.Keys(g.files))
	slices.SortStableFunc(paths, func(a, b string) int { return targetsFirst(g.files[a]) - targetsFirst(g.files[b]) })
	for _, p := range paths {
		if err := (beside{l.repo.folder}).put(ctx, g.files[p]); err != nil {
			faults = append(faults, notShelved(p, err))
		}
	}
	return amiss(append(faults, beside{l.repo.folder}.keepOnly(g.files)...))
}

func targetsFirst(f shelf.File) int {
	if f.Target != nil {
		return 0
	}
	return 1
}

// checkShelf names each file for other updaters that is not, byte for byte, what was signed, and each that nobody signed.
func (w *Writer) checkShelf(ctx context.Context, s State) (faults []string) {
	files, amiss := Shelf{w.repo}.files(ctx, s)
	for _, err := range amiss {
		faults = append(faults, fleet.InOneLine(err))
	}
	f := beside{w.repo.folder}
	const again = "start the server, it writes it again"
	for _, p := range slices.Sorted(maps.Keys(files)) {
		name, file := path.Join(shelfDir, p), files[p]
		if file.Target != nil {
			if f.links != nil && !f.named(name, targetOf(file)) {
				faults = append(faults, fmt.Sprintf("%s in the feed folder is no name of %s, as was signed; %s", name, file.Target.Path, again))
			}
			continue
		}
		have, err := f.at().ReadFile(name)
		if err != nil || string(have) != file.Content() {
			faults = append(faults, fmt.Sprintf("%s in the feed folder is not what was signed (%d bytes, wanted %d); %s", name, len(have),
				len(file.Content()), again))
		}
	}
	names, err := f.names()
	if err != nil {
		faults = append(faults, err.Error())
	}
	for _, name := range names {
		if file, is := files[name]; !strings.HasSuffix(name, "/") && (!is || file.Target != nil && f.links == nil) {
			faults = append(faults, fmt.Sprintf("%s/%s lies in the feed folder, and nothing that was signed says so; start the server, it "+
				"takes it away", shelfDir, name))
		}
	}
	return faults
}
