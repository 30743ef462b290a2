// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"landed/internal/durable"
	"landed/manifests"
	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
)

// shelfDir is where the files for the updaters of others lie in the feed folder: see package shelf. Which there are, and
// their bytes, is said by documents that the offers roles list; so they change with a publication, and every server of a
// cluster has the same.
const shelfDir = "legacy"

// shelves reads the documents of what a Repo publishes.
type shelves struct{ *Repo }

// files are those that s lists, by path. What a model that was given up listed last is not among them.
func (r shelves) files(ctx context.Context, s State) (map[string]shelf.File, error) {
	read, last := map[string]shelf.Document{}, *r.shelfDocs.Load()
	files := map[string]shelf.File{}
	var faults []error
	owner, twice := map[string]string{}, map[string]string{} // of files, and of a second one of their path
	for _, model := range slices.Sorted(slices.Values(s.Models())) {
		for _, t := range s.Info(tufrepo.OffersRole(model)).Targets {
			if !shelf.Is(t.Path) {
				continue
			}
			doc, known := last[t.SHA256]
			if !known {
				var err error
				if doc, err = r.one(ctx, t, model); err != nil {
					faults = append(faults, err)
					continue
				}
			}
			read[t.SHA256] = doc
			for _, f := range doc.Files {
				of := doc.Model + " on " + doc.Channel
				if one, taken := files[f.Path]; taken && !one.Same(f) {
					twice[f.Path] = of
					continue
				}
				files[f.Path], owner[f.Path] = f, of
			}
		}
	}
	for path, second := range twice { // whose phones could not tell them apart
		r.cfg.Log.ErrorContext(ctx, "two files have one name for other updaters; neither is given away", "path", path, "one", owner[path],
			"other", second)
		delete(files, path)
	}
	r.shelfDocs.Store(&read)
	return files, errors.Join(faults...)
}

func (r shelves) one(ctx context.Context, t tufrepo.Target, role string) (shelf.Document, error) {
	text, err := r.Document(ctx, t)
	if err != nil {
		return shelf.Document{}, fmt.Errorf("%s cannot be read: %w", t.Path, err)
	}
	doc, err := shelf.Parse(text)
	if err == nil && (manifests.Model{Device: doc.Model}).Role() != role {
		err = errors.New("it is of another model")
	}
	if err != nil {
		return doc, fmt.Errorf("%s: %w", t.Path, err)
	}
	return doc, nil
}

// shelve makes the folder have the files for the updaters of others that s lists, and no others, and announces them. Packages
// are there before the files that name them. A document that cannot be read takes its files away, and is told: nobody knows
// if what they offer still stands.
func (l locked) shelve(ctx context.Context, s State) error {
	files, unread := shelves{l.repo}.files(ctx, s)
	paths := slices.Sorted(maps.Keys(files))
	slices.SortStableFunc(paths, func(a, b string) int { // links first
		return targetsFirst(files[a]) - targetsFirst(files[b])
	})
	var faults []error
	if l.repo.cfg.Shelved != nil {
		l.repo.cfg.Shelved(files)
	}
	for _, p := range paths {
		faults = append(faults, beside{l.repo.folder}.put(ctx, files[p]))
	}
	return errors.Join(append(faults, beside{l.repo.folder}.keepOnly(files), unread)...)
}

func targetsFirst(f shelf.File) int {
	if f.Target != nil {
		return 0
	}
	return 1
}

// beside is the part of the folder that has the files for the updaters of others.
type beside struct{ folder }

// put makes one file appear, or another name of a target. Where contents are no local files, a package has no further
// name here: the server gives it away under that name all the same.
func (f beside) put(ctx context.Context, file shelf.File) error {
	name := path.Join(shelfDir, file.Path)
	if file.Target == nil {
		if have, err := f.at().ReadFile(name); err == nil && string(have) == file.Content() {
			return nil
		}
		if err := f.at().MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		return f.writeIn(path.Dir(name), path.Base(name), []byte(file.Content()))
	}
	t := targetOf(file)
	if f.links == nil || f.named(name, t) {
		return nil
	}
	return f.linkAs(ctx, t, name)
}

func targetOf(file shelf.File) tufrepo.Target {
	return tufrepo.Target{Path: file.Target.Path, Length: file.Target.Length, SHA256: file.Target.SHA256}
}

// named says if a name of the folder is one of a target.
func (f beside) named(name string, t tufrepo.Target) bool {
	have, err := f.at().Stat(name)
	if err != nil {
		return false
	}
	is, err := f.at().Stat(path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256)))
	return err == nil && os.SameFile(have, is)
}

// keepOnly takes away what is not among files, and folders that are empty then.
func (f beside) keepOnly(files map[string]shelf.File) error {
	var folders []string
	var faults []error
	for _, name := range f.names(&faults) {
		if strings.HasSuffix(name, "/") {
			folders = append(folders, name)
			continue
		}
		file, wanted := files[name]
		if wanted && (file.Target == nil || f.links != nil) {
			continue
		}
		if err := f.at().Remove(path.Join(shelfDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, err)
			continue
		}
		faults = append(faults, f.step(path.Join(shelfDir, name)))
		if err := durable.SyncFolderIn(f.at(), path.Dir(path.Join(shelfDir, name))); err != nil {
			faults = append(faults, err)
		}
	}
	for _, name := range slices.Backward(folders) {
		_ = f.at().Remove(path.Join(shelfDir, name)) // one that is not empty stays
	}
	return errors.Join(faults...)
}

// names lists what lies in the folder of the shelf, by path below it; folders end in a slash, and come before what is in
// them.
func (f beside) names(faults *[]error) (names []string) {
	err := fs.WalkDir(f.at().FS(), shelfDir, func(p string, d fs.DirEntry, err error) error {
		name, below := strings.CutPrefix(p, shelfDir+"/")
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !below:
		case d.IsDir():
			names = append(names, name+"/")
		default:
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		*faults = append(*faults, err)
	}
	return names
}

// checkShelf names each file for other updaters that is not, byte for byte, what was signed, and each that nobody signed.
func (w *Writer) checkShelf(ctx context.Context, s State) (faults []string) {
	files, err := shelves{w.repo}.files(ctx, s)
	if err != nil {
		faults = append(faults, err.Error())
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
	var unread []error
	for _, name := range f.names(&unread) {
		if file, is := files[name]; !strings.HasSuffix(name, "/") && (!is || file.Target != nil && f.links == nil) {
			faults = append(faults, fmt.Sprintf("%s/%s lies in the feed folder, and nothing that was signed says so; start the server, it "+
				"takes it away", shelfDir, name))
		}
	}
	for _, err := range unread {
		faults = append(faults, err.Error())
	}
	return faults
}
