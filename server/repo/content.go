// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"

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

// lacks says if the content of something that is published is gone.
func (w *Writer) lacks() bool {
	w.losing.Lock()
	defer w.losing.Unlock()
	return len(w.lost) > 0
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
