// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"landed/manifests/tufrepo"
)

// prefixed is the further name of a target in the folder, for clients that put the hash before the whole path, and what is
// written there: a symbolic link from inside targets to the file's own name. It has no bytes, wherever the folder is copied to;
// whatever becomes of the file becomes of both; and a file that was set aside is missing under both.
func prefixed(t tufrepo.Target) (name, to string) {
	name = path.Join(targetsDir, tufrepo.PrefixedTarget(t.Path, t.SHA256))
	return name, strings.Repeat("../", strings.Count(t.Path, "/")) + tufrepo.StoredTarget(t.Path, t.SHA256)
}

// alias makes the further name of a target appear. made is false if it was there.
func (f folder) alias(t tufrepo.Target) (made bool, err error) {
	name, to := prefixed(t)
	if have, err := f.at().Readlink(name); err == nil && have == to {
		return false, nil
	}
	if err := f.at().MkdirAll(path.Dir(name), 0o755); err != nil {
		return false, err
	}
	if err := f.at().Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return true, f.at().Symlink(to, name)
}

// alias gives a target that lies in the folder its further name. Handsets ask for none, so one that cannot be made stops
// nothing: it is told once, and tried again with the next publication.
func (l locked) alias(ctx context.Context, t tufrepo.Target) error {
	f := l.repo.folder
	if !f.keeps(t) {
		return nil
	}
	made, err := f.alias(t)
	switch {
	case err != nil && !l.unlinked.Swap(true):
		name, _ := prefixed(t)
		l.repo.cfg.Log.WarnContext(ctx, "the feed folder takes no link for clients that put the hash before the path (tough); this "+
			"server answers them all the same, another file server cannot", "path", name, "err", err)
	case err == nil && made:
		name, _ := prefixed(t)
		return f.step(name)
	}
	return nil
}

// furtherNames are what a check found of the further names of targets.
type furtherNames struct {
	there   int
	missing []string
	wrong   []string
}

// look looks at that of one target.
func (n *furtherNames) look(f folder, t tufrepo.Target) {
	if !f.keeps(t) {
		return
	}
	name, to := prefixed(t)
	have, err := f.at().Readlink(name)
	switch {
	case err == nil && have == to:
		n.there++
	case errors.Is(err, fs.ErrNotExist):
		n.missing = append(n.missing, fmt.Sprintf("%s, a link to %s, is not in the feed folder; start the server, it puts it there "+
			"again", name, to))
	default:
		n.wrong = append(n.wrong, fmt.Sprintf("%s is no link to %s; start the server, it makes it one", name, to))
	}
}

// faults are what is wrong. A folder without any such name was made by an older program, or lies where there are no links.
func (n *furtherNames) faults() []string {
	if n.there == 0 {
		return n.wrong
	}
	return append(n.wrong, n.missing...)
}
