// SPDX-License-Identifier: Apache-2.0

package repo

import (
	"context"
	"errors"
	"syscall"

	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// NotPublished is the code of what is stored, and not in the feed yet.
const NotPublished = "stored_not_published"

// Served is the state that the feed folder was last made to say by this process; ok is false before that.
func (r *Repo) Served() (s State, ok bool) {
	if p := r.served.Load(); p != nil {
		return *p, true
	}
	return State{}, false
}

// Failing is what kept the last publication from being done; nil if it was done, or refused because of what it was.
func (r *Repo) Failing() error {
	if p := r.failing.Load(); p != nil {
		return *p
	}
	return nil
}

// FolderFault says why the feed folder could not be served by a file server, or not be written; nil if all is well.
func (r *Repo) FolderFault(ctx context.Context) error {
	newest, err := r.newest(ctx)
	if err != nil {
		return err
	}
	return r.folder.fault(newest > 0)
}

// heard remembers if the last publication was done. What is refused for what it is says nothing about the server.
func (w *Writer) heard(err error) error {
	e, ok := errors.AsType[*fleet.Error](err)
	switch {
	case err == nil:
		w.repo.failing.Store(nil)
	case ok && (e.Code == wouldBreak || e.Code == contentMissing):
	default:
		w.repo.failing.Store(&err)
	}
	return err
}

func (w *Writer) madeRoom(err error) bool {
	return w.repo.cfg.MakeRoom != nil && w.repo.cfg.MakeRoom(err)
}

// Why is the cause of err in words that may be shown: those of an error for people, or what the system says.
func Why(err error) string {
	if words, ok := fleet.Words(err); ok {
		return words
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return "its log says why"
}

// lags says if the folder lacks something that was published, or is not there.
func (w *Writer) lags(ctx context.Context) bool {
	if w.repo.cfg.Cluster != nil {
		at, err := w.repo.Replica().feed(ctx)
		_, served := w.repo.Replica().Position()
		return err == nil && at.Stored > 0 && (at.Stored > served || w.repo.folder.isThere() != nil ||
			!w.repo.folder.has(tufrepo.Timestamp))
	}
	newest, err := w.repo.newest(ctx)
	return err == nil && newest > 0 && (newest > w.written || w.repo.folder.isThere() != nil || !w.repo.folder.has(tufrepo.Timestamp))
}

// has says if the newest file of an unversioned role lies in the folder.
func (f folder) has(role string) bool {
	doc, err := f.read(tufrepo.MetadataFile(role, 0))
	return err == nil && doc != nil
}
