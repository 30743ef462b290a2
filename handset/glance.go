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

// glance does the first half of the TUF workflow with go-tuf's own checks, on what this process has
// verified before: next root, timestamp, snapshot. It answers one question only: is everything that this
// model's metadata said still said, and unexpired? The timestamp is renewed many times a day and other
// models change; most polls end here. At the least doubt it answers no, and the whole workflow decides.
func (f *feed) glance() (same bool) {
	known := f.c.known
	if known == nil || f.c.mem.Offer != nil {
		return false
	}
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	_, err := f.fetch.DownloadFile(f.c.metadataURL(tufrepo.MetadataFile(tufrepo.Root, known.Root.Signed.Version+1)), tufrepo.MaxRootBytes, 0)
	if status, ok := errors.AsType[*metadata.ErrDownloadHTTP](err); !ok || status.StatusCode != http.StatusNotFound {
		return false // there is a newer root, or nobody knows
	}
	fresh := &trustedmetadata.TrustedMetadata{Root: known.Root, Timestamp: known.Timestamp, RefTime: f.now, Targets: map[string]*metadata.Metadata[metadata.TargetsType]{}}
	if _, err := fresh.UpdateTimestamp(f.fetch.timestamp()); err != nil {
		return false
	}
	if !f.sameSnapshot(known, fresh) || f.lasting(tufrepo.Snapshot, fresh.Snapshot.Signed.Expires) != nil {
		return false
	}
	for name, doc := range known.Targets {
		if doc.Signed.IsExpired(f.now) || !sameMeta(known.Snapshot.Signed.Meta[name+".json"], fresh.Snapshot.Signed.Meta[name+".json"]) {
			return false
		}
		fresh.Targets[name] = doc
	}
	return f.keep(fresh)
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

// keep puts what a glance has verified where go-tuf looks for it next time.
func (f *feed) keep(fresh *trustedmetadata.TrustedMetadata) bool {
	f.c.copies["timestamp.json"] = f.fetch.timestamp()
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

// remember keeps the trusted state for the next glance, and how long it lasts: until the first of its metadata
// expires, and never longer than an honest timestamp would.
func (f *feed) remember(trusted *trustedmetadata.TrustedMetadata) {
	f.expires = earliest(f.now.Add(timestampLife+slack), trusted.Root.Signed.Expires, trusted.Timestamp.Signed.Expires, trusted.Snapshot.Signed.Expires)
	for _, doc := range trusted.Targets {
		f.expires = earliest(f.expires, doc.Signed.Expires)
	}
	f.c.mem.Watch.fit(trusted.Timestamp.Signed.Expires, f.c.cfg.Now(), onlineKeys(trusted.Root))
	f.c.known = trusted
	f.c.mem.ETag, f.c.mem.Expires = f.etag, f.expires
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
