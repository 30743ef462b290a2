// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/minio/minio-go/v7"

	"landed/server/blob"
)

const (
	partSize    = 16 << 20 // bytes; content up to this size goes in one request
	maxParts    = 10_000   // S3 allows no more; larger parts are used beyond 156 GiB
	partsAtOnce = 4
)

// upload sends the draft on the condition that the object does not exist, and returns what the store
// has in the end: this draft, or what somebody else sent meanwhile.
func (d *draft) upload(ctx context.Context, ref blob.Ref) (blob.Info, error) {
	var ifAbsent minio.PutObjectOptions
	ifAbsent.SetMatchETagExcept("*") // If-None-Match: *
	err := d.put(ctx, ref, ifAbsent)
	if r := code(err); r.StatusCode == http.StatusNotImplemented || r.Code == minio.NotImplemented {
		// A store without conditional writes. The race that is left is between equal bytes.
		err = d.put(ctx, ref, minio.PutObjectOptions{})
	}
	switch code(err).StatusCode {
	case http.StatusPreconditionFailed, http.StatusConflict:
		// It is there, or is being sent by another upload: then the caller may try again.
		if info, statErr := d.store.Stat(ctx, ref); statErr == nil {
			return info, nil
		}
	}
	if err != nil {
		return blob.Info{}, translate(err)
	}
	return blob.Info{Ref: ref, Size: d.Size()}, nil
}

func (d *draft) put(ctx context.Context, ref blob.Ref, cond minio.PutObjectOptions) error {
	cond.ContentType = "application/octet-stream"
	if d.Size() > partSize {
		return d.putParts(ctx, ref, cond)
	}
	cond.DisableMultipart = true
	_, err := d.store.client.PutObject(ctx, d.store.bucket, d.store.key(ref), d.section(0, d.Size()), d.Size(), cond)
	return err
}

// putParts is a multipart upload. The client's own would do but for one thing: it leaves the condition
// out of the last request, which is where the object appears.
func (d *draft) putParts(ctx context.Context, ref blob.Ref, cond minio.PutObjectOptions) error {
	s, key := d.store, d.store.key(ref)
	id, err := s.core.NewMultipartUpload(ctx, s.bucket, key, minio.PutObjectOptions{ContentType: cond.ContentType})
	if err != nil {
		return err
	}
	parts, err := d.sendParts(ctx, key, id)
	if err == nil {
		_, err = s.core.CompleteMultipartUpload(ctx, s.bucket, key, id, parts, cond)
	}
	if err != nil {
		// Parts cost money until they are thrown away; a done context must not prevent it. If this
		// fails too, the bucket's lifecycle rule is what is left.
		_ = s.core.AbortMultipartUpload(context.WithoutCancel(ctx), s.bucket, key, id)
	}
	return err
}

func (d *draft) sendParts(ctx context.Context, key, id string) ([]minio.CompletePart, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	size := partLength(d.Size())
	parts := make([]minio.CompletePart, (d.Size()+size-1)/size)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(partsAtOnce, len(parts)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(parts)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				n := min(size, d.Size()-i*size)
				part, err := d.store.core.PutObjectPart(ctx, d.store.bucket, key, id, int(i)+1, d.section(i*size, n), n,
					minio.PutObjectPartOptions{})
				if err != nil {
					cancel(err) // the first failure is the one to tell
					return
				}
				parts[i] = minio.CompletePart{PartNumber: int(i) + 1, ETag: part.ETag}
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return parts, nil
}

// partLength keeps the number of parts within what S3 allows.
func partLength(size int64) int64 {
	const mib = 1 << 20
	least := (size + maxParts - 1) / maxParts
	return max(partSize, (least+mib-1)/mib*mib)
}

// section reads the file at its own place, so that parts go at the same time, without buffers, and
// every try begins at its first byte.
func (d *draft) section(off, n int64) *io.SectionReader { return io.NewSectionReader(d.File, off, n) }
