// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"net/http"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"landed/manifests/tufrepo"
)

// renewal is the short way through a poll whose timestamp has changed: what is known is held against what is said now.
type renewal struct {
	fetch    *fetcher
	clock    *clock
	copies   *copies
	known    *trustedmetadata.TrustedMetadata
	last     lastPoll
	now      time.Time
	snapshot []byte // a newer one that was fetched
}

// unchanged does the first half of the TUF workflow with go-tuf's own checks, on what this process has
// verified before: next root, timestamp, snapshot. It answers one question only: is everything that this
// model's metadata said still said, and unexpired? The timestamp is renewed many times a day and other
// models change; most polls end here. At the least doubt it answers no, and the whole workflow decides.
// What it gives was verified anew, and lies with the copies; nil if the timestamp is the known one.
func (r *renewal) unchanged() (fresh *trustedmetadata.TrustedMetadata, same bool) {
	defer func() {
		if recover() != nil {
			fresh, same = nil, false
		}
	}()
	timestamp, ok := r.timestamp()
	if !ok {
		return nil, false
	}
	if sum, err := tufrepo.SignedDigest(timestamp); err == nil && `"`+sum+`"` == r.last.Validator {
		return nil, r.stillGood() // from a server that compares no tags, or not this one
	}
	if olderThan(r.known, timestamp, r.now) {
		return nil, r.stillGood() // from one of several, that is a little behind
	}
	fresh = &trustedmetadata.TrustedMetadata{Root: r.known.Root, Timestamp: r.known.Timestamp, RefTime: r.now,
		Targets: map[string]*metadata.Metadata[metadata.TargetsType]{}}
	if _, err := fresh.UpdateTimestamp(timestamp); err != nil {
		return nil, false
	}
	if !r.sameSnapshot(fresh) || r.clock.checkLifetime(tufrepo.Snapshot, fresh.Snapshot.Signed.Expires) != nil {
		return nil, false
	}
	for name, doc := range r.known.Targets {
		before, now := r.known.Snapshot.Signed.Meta[name+".json"], fresh.Snapshot.Signed.Meta[name+".json"]
		if doc.Signed.IsExpired(r.now) || !sameMeta(before, now) {
			return nil, false
		}
		fresh.Targets[name] = doc
	}
	r.copies.keep(timestampFile, timestamp)
	if r.snapshot != nil {
		r.copies.keep(snapshotFile, r.snapshot)
	}
	return fresh, r.copies.settle() == nil
}

// timestamp fetches the timestamp, if the root is known to be the newest.
func (r *renewal) timestamp() ([]byte, bool) {
	_, err := r.fetch.metadata(tufrepo.MetadataFile(tufrepo.Root, r.known.Root.Signed.Version+1), tufrepo.MaxRootBytes)
	if status, ok := errors.AsType[*metadata.ErrDownloadHTTP](err); !ok || status.StatusCode != http.StatusNotFound {
		return nil, false // there is a newer root, or nobody knows
	}
	text, err := r.fetch.metadata(timestampFile, maxTimestamp)
	return text, err == nil
}

// stillGood says that nothing of what is known has expired. Nothing is kept: what came is not what was verified, it
// only says the same.
func (r *renewal) stillGood() bool {
	return r.now.Before(r.last.Expires) && !r.known.Timestamp.Signed.IsExpired(r.now)
}

// sameSnapshot brings fresh to the snapshot that its timestamp names.
func (r *renewal) sameSnapshot(fresh *trustedmetadata.TrustedMetadata) bool {
	meta := fresh.Timestamp.Signed.Meta[snapshotFile]
	fresh.Snapshot = r.known.Snapshot
	if sameMeta(r.known.Timestamp.Signed.Meta[snapshotFile], meta) {
		return !r.known.Snapshot.Signed.IsExpired(r.now)
	}
	length := meta.Length
	if length == 0 {
		length = tufrepo.MaxSnapshotBytes
	}
	text, err := r.fetch.metadata(tufrepo.MetadataFile(tufrepo.Snapshot, meta.Version), length)
	if err != nil {
		return false
	}
	r.snapshot = text
	_, err = fresh.UpdateSnapshot(text, false)
	return err == nil
}

func sameMeta(a, b *metadata.MetaFiles) bool {
	if a == nil || b == nil || a.Version != b.Version || a.Length != b.Length || len(a.Hashes) != len(b.Hashes) {
		return false
	}
	for name, sum := range a.Hashes {
		if string(sum) != string(b.Hashes[name]) {
			return false
		}
	}
	return true
}
