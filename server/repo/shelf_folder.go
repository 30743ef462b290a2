// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"landed/internal/durable"
	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
	"landed/server/blob"
)

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
	err := f.linkAs(ctx, t, name)
	if info, fault := f.at().Stat(name); errors.Is(err, blob.ErrNotFound) && fault == nil && info.Size() != t.Length {
		err = errors.Join(err, f.at().Remove(name)) // a name of what was cut off, and set aside
	}
	return err
}

func (f beside) unlink(file shelf.File) error {
	err := f.at().Remove(path.Join(shelfDir, file.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
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
func (f beside) keepOnly(files map[string]shelf.File) (faults []error) {
	var folders []string
	names, err := f.names()
	if err != nil {
		faults = append(faults, notShelved("", err))
	}
	for _, name := range names {
		if strings.HasSuffix(name, "/") {
			folders = append(folders, name)
			continue
		}
		file, wanted := files[name]
		if wanted && (file.Target == nil || f.links != nil) {
			continue
		}
		if err := f.at().Remove(path.Join(shelfDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, notShelved(name, err))
			continue
		}
		if err := errors.Join(f.step(path.Join(shelfDir, name)),
			durable.SyncFolderIn(f.at(), path.Dir(path.Join(shelfDir, name)))); err != nil {
			faults = append(faults, notShelved(name, err))
		}
	}
	for _, name := range slices.Backward(folders) {
		_ = f.at().Remove(path.Join(shelfDir, name)) // one that is not empty stays
	}
	return faults
}

// names lists what lies in the folder of the shelf, by path below it; folders end in a slash, and come before what is in
// them.
func (f beside) names() (names []string, err error) {
	err = fs.WalkDir(f.at().FS(), shelfDir, func(p string, d fs.DirEntry, err error) error {
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
	return names, err
}
