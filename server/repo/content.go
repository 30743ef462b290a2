// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
)

// PointTo is the target that names a small document under path.
func PointTo(path string, text []byte) tufrepo.Target {
	return tufrepo.Target{Path: path, Length: int64(len(text)), SHA256: Digest(text)}
}

// Keep stores a small document, and returns the target that points to it.
func (r *Repo) Keep(ctx context.Context, path string, text []byte) (tufrepo.Target, error) {
	t := PointTo(path, text)
	draft, err := r.cfg.Blobs.Create(ctx)
	if err != nil {
		return t, StorageError(err)
	}
	defer draft.Abort()
	if _, err := io.Copy(draft, bytes.NewReader(text)); err != nil {
		return t, StorageError(err)
	}
	_, err = draft.Commit(ctx, blob.Ref(t.SHA256))
	return t, StorageError(err)
}

// maxDocument bounds what Document reads.
const maxDocument = 1 << 20

// Document is the content of a small target, from the blob store or else from the folder.
func (r *Repo) Document(ctx context.Context, t tufrepo.Target) ([]byte, error) {
	text, err := stored(ctx, r.cfg.Blobs, t)
	if err != nil {
		name := path.Join(targetsDir, tufrepo.StoredTarget(t.Path, t.SHA256))
		if info, fault := r.folder.at().Stat(name); fault == nil && info.Size() <= maxDocument {
			text, err = r.folder.at().ReadFile(name)
		}
	}
	if err == nil && Digest(text) != t.SHA256 {
		err = errors.New("its bytes are not those that were signed")
	}
	return text, err
}

func stored(ctx context.Context, blobs blob.Store, t tufrepo.Target) ([]byte, error) {
	c, err := blobs.Open(ctx, blob.Ref(t.SHA256))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return io.ReadAll(io.LimitReader(c, maxDocument))
}

// contentIsHere refuses to list a target for the first time whose content is not stored: a listed file is never
// missing.
func contentIsHere(ctx context.Context, blobs blob.Store, prev, next State) error {
	listed := map[string]bool{}
	for _, t := range prev.Targets() {
		listed[t.SHA256] = true
	}
	var faults []error
	for _, t := range next.Targets() {
		if listed[t.SHA256] {
			continue
		}
		_, err := blobs.Stat(ctx, blob.Ref(t.SHA256))
		if errors.Is(err, blob.ErrNotFound) {
			faults = append(faults, fmt.Errorf("%s", t.Path))
		} else if err != nil {
			return err
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fleet.Errorf(fleet.Conflict, contentMissing, "nothing was published, because the content of what "+
			"would be listed "+
			"is not in the store: %s; upload it again", fleet.InOneLine(err))
	}
	return nil
}

// linkAll puts every target into the folder. One that was listed before and cannot be put there is told and left out, and so
// is one whose content was lost: to stop there would end the timestamps of every model, and with them all updates and halts.
func (l locked) linkAll(ctx context.Context, targets []tufrepo.Target, known listed, lost map[string]bool) error {
	for _, t := range targets {
		name := tufrepo.StoredTarget(t.Path, t.SHA256)
		if err := l.repo.folder.link(ctx, t); err != nil {
			if !l.leaves(ctx, err, known[name], lost, name, t.Path, t.SHA256) {
				return err
			}
			continue
		}
		if err := l.alias(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// lacks says if something that is published is not in the folder, or not given away.
func (w *Writer) lacks() bool {
	w.losing.Lock()
	defer w.losing.Unlock()
	return len(w.lost) > 0 || Shelf{w.repo}.Fault() != nil
}

// KeepAgain stores a small published document again, if nobody could read it when the folder was last written: its content was
// lost or is damaged, and unlike a package nobody can send it again. A store that gives no answer is left alone.
func KeepAgain(ctx context.Context, r *Repo, t tufrepo.Target, text []byte) error {
	if !r.writer.misses(t) {
		return nil
	}
	have, err := stored(ctx, r.cfg.Blobs, t)
	damaged := err == nil && Digest(have) != t.SHA256
	if !damaged && !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	if damaged {
		if err := blob.SetAside(ctx, r.cfg.Blobs, blob.Ref(t.SHA256)); err != nil {
			return err
		}
	}
	if _, err := r.Keep(ctx, t.Path, text); err != nil {
		return err
	}
	r.cfg.Log.InfoContext(ctx, "a published document was lost or damaged, and was made again", "path", t.Path)
	return r.folder.linkAnew(ctx, t)
}

// misses says if a document was not there, or not to be read, when the folder was last written.
func (w *Writer) misses(t tufrepo.Target) bool {
	w.losing.Lock()
	defer w.losing.Unlock()
	_, read := (*w.repo.shelfDocs.Load())[t.SHA256]
	looked := w.repo.shelved.Load() != nil // else nobody knows: the folder was not written since the start
	return w.lost[tufrepo.StoredTarget(t.Path, t.SHA256)] || shelf.Is(t.Path) && looked && !read
}

// StorageError gives faults of the blob store their words.
func StorageError(err error) error {
	if errors.Is(err, blob.ErrNoSpace) {
		return &fleet.Error{Kind: fleet.NoSpace, Code: "no_space", Err: err,
			Msg: "the storage is full and nothing was stored; free some space or enlarge it, then send the file again"}
	}
	if errors.Is(err, blob.ErrMismatch) {
		return &fleet.Error{Kind: fleet.Conflict, Code: "damaged_content", Err: err,
			Msg: "content of this digest is stored with another length, so it is damaged; run \"otad fsck\""}
	}
	return err
}
