// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"errors"
	"syscall"

	"landed/manifests/tufrepo"
	"landed/server/blob"
)

// listed are the files that handsets were told of before a publication, by their names in the folder: what is wrong with
// one of these was so before, and may stop nothing. A file that is listed for the first time must be there.
type listed map[string]bool

// listed is what this process made the folder say or, before it did, what the folder says.
func (l locked) listed(next State) listed {
	s, ok := l.repo.Served()
	roots := s.Version(tufrepo.Root)
	if !ok {
		s = l.repo.folder.says(next)
		named, _ := l.repo.folder.versions()
		roots = named[tufrepo.Root]
	}
	all := listed{}
	for _, t := range s.Targets() {
		all[tufrepo.StoredTarget(t.Path, t.SHA256)] = true
	}
	for role, info := range s.info {
		if role != tufrepo.Snapshot && role != tufrepo.Timestamp {
			all[tufrepo.MetadataFile(role, info.Version)] = true
		}
	}
	for v := int64(1); v <= roots; v++ { // clients walk them one by one
		all[tufrepo.MetadataFile(tufrepo.Root, v)] = true
	}
	return all
}

// says is what the timestamp in the folder leads to, as far as it can be read. Of a role that next has in the same version
// nothing need be read.
func (f folder) says(next State) State {
	s := State{set: tufrepo.Set{Files: map[string][]byte{}}, info: map[string]tufrepo.Info{}}
	if f.readInto(&s, tufrepo.Timestamp, 0) != nil {
		return s
	}
	snapshot := s.info[tufrepo.Timestamp].Files[tufrepo.Snapshot].Version
	if f.readInto(&s, tufrepo.Snapshot, snapshot) != nil {
		return s
	}
	for role, file := range s.info[tufrepo.Snapshot].Files {
		if same := next.info[role]; same.Version == file.Version {
			s.info[role], s.set.Files[role] = same, next.set.Files[role]
			continue
		}
		_ = f.readInto(&s, role, file.Version) // what cannot be read is listed by nothing
	}
	return s
}

// leaves says if a file that could not be put into the folder is left out, and is told once. Else err stops what is
// published: the file is new, the disk is full, or nobody waits any more.
func (l locked) leaves(ctx context.Context, err error, known bool, lost map[string]bool, name, what, sha256 string) bool {
	gone := errors.Is(err, blob.ErrNotFound)
	full := errors.Is(err, blob.ErrNoSpace) || errors.Is(err, syscall.ENOSPC)
	if !gone && (!known || full || ctx.Err() != nil) {
		return false
	}
	lost[name] = true
	switch {
	case l.lost[name]:
	case gone:
		l.repo.cfg.Log.ErrorContext(ctx, "published content is lost; handsets cannot get it until the same file is uploaded again",
			"path", what, "sha256", sha256)
	default:
		l.repo.cfg.Log.ErrorContext(ctx, "a published file cannot be put into the feed folder, and handsets may not get it until "+
			"that is mended; everything else is published", "path", what, "err", err)
	}
	return true
}
