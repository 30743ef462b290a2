// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"net/http"
	"path/filepath"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"landed/manifests/tufrepo"
)

// unchanged does the first half of the TUF workflow with go-tuf's own checks, on what this process has
// verified before: next root, timestamp, snapshot. It answers one question only: is everything that this
// model's metadata said still said, and unexpired? The timestamp is renewed many times a day and other
// models change; most polls end here. At the least doubt it answers no, and the whole workflow decides.
func (f *feed) unchanged() (same bool) {
	known := f.c.known
	if known == nil || f.c.mem.Offer != nil {
		return false
	}
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	next := tufrepo.MetadataFile(tufrepo.Root, known.Root.Signed.Version+1)
	_, err := f.fetch.DownloadFile(f.c.metadataURL(next), tufrepo.MaxRootBytes, 0)
	if status, ok := errors.AsType[*metadata.ErrDownloadHTTP](err); !ok || status.StatusCode != http.StatusNotFound {
		return false // there is a newer root, or nobody knows
	}
	timestamp, err := f.fetch.DownloadFile(f.c.metadataURL(timestampFile), maxTimestamp, 0)
	if err != nil {
		return false
	}
	if sum, err := tufrepo.SignedDigest(timestamp); err == nil && `"`+sum+`"` == f.c.mem.Validator {
		return f.stillGood(known) // from a server that compares no tags, or not this one
	}
	fresh := &trustedmetadata.TrustedMetadata{Root: known.Root, Timestamp: known.Timestamp, RefTime: f.now,
		Targets: map[string]*metadata.Metadata[metadata.TargetsType]{}}
	if _, err := fresh.UpdateTimestamp(timestamp); err != nil {
		return false
	}
	if !f.sameSnapshot(known, fresh) || f.checkLifetime(tufrepo.Snapshot, fresh.Snapshot.Signed.Expires) != nil {
		return false
	}
	for name, doc := range known.Targets {
		before, now := known.Snapshot.Signed.Meta[name+".json"], fresh.Snapshot.Signed.Meta[name+".json"]
		if doc.Signed.IsExpired(f.now) || !sameMeta(before, now) {
			return false
		}
		fresh.Targets[name] = doc
	}
	return f.keep(fresh, timestamp)
}

// stillGood says that nothing of what is known has expired. Nothing is kept: what came is not what was verified, it
// only says the same.
func (f *feed) stillGood(known *trustedmetadata.TrustedMetadata) bool {
	return f.now.Before(f.c.mem.Expires) && !known.Timestamp.Signed.IsExpired(f.now)
}

// sameSnapshot brings fresh to the snapshot that its timestamp names.
func (f *feed) sameSnapshot(known, fresh *trustedmetadata.TrustedMetadata) bool {
	meta := fresh.Timestamp.Signed.Meta["snapshot.json"]
	fresh.Snapshot = known.Snapshot
	if sameMeta(known.Timestamp.Signed.Meta["snapshot.json"], meta) {
		return !known.Snapshot.Signed.IsExpired(f.now)
	}
	length := meta.Length
	if length == 0 {
		length = tufrepo.MaxSnapshotBytes
	}
	text, err := f.fetch.DownloadFile(f.c.metadataURL(tufrepo.MetadataFile(tufrepo.Snapshot, meta.Version)), length, 0)
	if err != nil {
		return false
	}
	f.snapshot = text
	_, err = fresh.UpdateSnapshot(text, false)
	return err == nil
}

// keep puts what was verified here where go-tuf looks for it next time.
func (f *feed) keep(fresh *trustedmetadata.TrustedMetadata, timestamp []byte) bool {
	f.c.copies[timestampFile] = timestamp
	if f.snapshot != nil {
		f.c.copies["snapshot.json"] = f.snapshot
	}
	if !f.c.cfg.Volatile && f.c.writeCopies() != nil {
		return false
	}
	f.remember(fresh)
	return true
}

// writeCopies writes the metadata that was verified outside go-tuf. A volatile client does so only before
// go-tuf works on them again.
func (c *Client) writeCopies() error {
	for name, text := range c.copies {
		if err := replaceFile(c.path(filepath.Join("metadata", name)), text); err != nil {
			return err
		}
		delete(c.copies, name)
	}
	return nil
}

// remember keeps the trusted state for the next poll, and how long it lasts: until the first of its metadata
// expires, and never longer than an honest timestamp would.
func (f *feed) remember(trusted *trustedmetadata.TrustedMetadata) {
	expires := earliest(f.now.Add(timestampLife+slack), trusted.Root.Signed.Expires, trusted.Timestamp.Signed.Expires,
		trusted.Snapshot.Signed.Expires)
	for _, doc := range trusted.Targets {
		expires = earliest(expires, doc.Signed.Expires)
	}
	f.c.mem.Time.fit(trusted.Timestamp.Signed.Expires, f.c.cfg.Now(), onlineKeys(trusted.Root))
	f.c.known = trusted
	f.c.mem.Validator, f.c.mem.Expires = validator(trusted.Timestamp), expires
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
