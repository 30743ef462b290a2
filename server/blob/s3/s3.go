// SPDX-License-Identifier: Apache-2.0

// Package s3 keeps content in a bucket of any S3 store, for servers that have no disk to speak of. Each
// content is the object Prefix + Ref. A prefix belongs to one server: it deletes what its packages leave.
//
// It promises what package blob asks, as far as the store is strongly consistent (all that are in use
// today are). Drafts are temporary files on this machine and reach the store at Commit, by multipart
// upload for more than 16 MiB; an upload that breaks off leaves nothing visible, but if this process
// is killed the store may keep its parts: give the bucket a lifecycle rule that aborts incomplete
// uploads. Memory stays small whatever the size. Of a content no more bytes are asked for than are going to be read, as
// far as the reader says so (blob.Expecter); what is read from start to end is one request.
//
// It refuses a bucket that is missing (see [Config]), and uses no feature beyond plain objects: no
// versions, no ACLs, no checksums in trailing headers, which some stores reject.
//
// The module in s3test runs the contract against a real server:
//
//	cd server/blob/s3/s3test && go test ./...
package s3

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"landed/server/blob"
)

// Store is a blob.Store on a bucket.
type Store struct {
	client  *minio.Client
	core    minio.Core
	bucket  string
	prefix  string
	tempDir string

	gets, asked, came atomic.Int64
}

// Traffic is what has been asked of the bucket since Open, in order to read contents.
type Traffic struct {
	Gets  int64 // requests for bytes of a content; one that the client repeats by itself counts once
	Asked int64 // bytes that they asked for
	Came  int64 // bytes that were read; what was asked beyond them was paid for in vain, or is on its way
}

// Traffic may be called at any time, by whoever keeps figures.
func (s *Store) Traffic() Traffic { return Traffic{s.gets.Load(), s.asked.Load(), s.came.Load()} }

var _ blob.Store = (*Store)(nil)

// Open checks the configuration, and that the bucket is there and the keys open it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	client, err := minio.New(cfg.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""),
		Secure: cfg.TLS,
		Region: cfg.Region,
	})
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	s := &Store{client: client, core: minio.Core{Client: client}, bucket: cfg.Bucket, prefix: cfg.Prefix,
		tempDir: cfg.TempDir}
	if err := s.findBucket(ctx, cfg); err != nil {
		return nil, fmt.Errorf("s3: bucket %s at %s: %w", cfg.Bucket, cfg.Endpoint, err)
	}
	return s, nil
}

func (s *Store) findBucket(ctx context.Context, cfg Config) error {
	ok, err := s.client.BucketExists(ctx, cfg.Bucket)
	if err != nil || ok {
		return translate(err)
	}
	if !cfg.CreateBucket {
		return errors.New("it does not exist; make it, or correct its name")
	}
	err = s.client.MakeBucket(ctx, cfg.Bucket, minio.MakeBucketOptions{Region: cfg.Region})
	if code(err).Code == minio.BucketAlreadyOwnedByYou {
		return nil // another server of ours was faster
	}
	return translate(err)
}

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, ref blob.Ref) (blob.Info, error) {
	if err := errors.Join(ctx.Err(), ref.Check()); err != nil {
		return blob.Info{}, fmt.Errorf("look up content: %w", err)
	}
	object, err := s.client.StatObject(ctx, s.bucket, s.key(ref), minio.StatObjectOptions{})
	if err != nil {
		return blob.Info{}, fmt.Errorf("look up content %s: %w", ref, translate(err))
	}
	return blob.Info{Ref: ref, Size: object.Size}, nil
}

// Delete implements blob.Store. In a bucket with versions the store keeps the old one.
func (s *Store) Delete(ctx context.Context, ref blob.Ref) error {
	if err := errors.Join(ctx.Err(), ref.Check()); err != nil {
		return fmt.Errorf("delete content: %w", err)
	}
	err := translate(s.client.RemoveObject(ctx, s.bucket, s.key(ref), minio.RemoveObjectOptions{}))
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("delete content %s: %w", ref, err)
	}
	return nil
}

// List implements blob.Store. Objects below the prefix that are not named by a ref are passed over.
func (s *Store) List(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		// The client may end a list without a word when its context does.
		fail := func(err error) { yield(blob.Info{}, fmt.Errorf("list content: %w", translate(err))) }
		listCtx, cancel := context.WithCancel(ctx)
		defer cancel()
		for object := range s.client.ListObjectsIter(listCtx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix}) {
			if object.Err != nil {
				fail(object.Err)
				return
			}
			ref, err := blob.ParseRef(strings.TrimPrefix(object.Key, s.prefix))
			if err == nil && !yield(blob.Info{Ref: ref, Size: object.Size}, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			fail(err)
		}
	}
}

func (s *Store) key(ref blob.Ref) string { return s.prefix + string(ref) }

// code is what the store answered, or nothing if err did not come from it. The client's own
// ToErrorResponse does not look into wrapped errors.
func code(err error) minio.ErrorResponse {
	r, _ := errors.AsType[minio.ErrorResponse](err)
	return r
}

// translate turns the store's error codes into those of package blob.
func translate(err error) error {
	switch r := code(err); {
	case r.Code == minio.NoSuchKey:
		return fmt.Errorf("%w (%w)", blob.ErrNotFound, err)
	case r.Code == "QuotaExceeded", r.Code == "XMinioStorageFull", r.Code == "XMinioAdminBucketQuotaExceeded",
		r.StatusCode == http.StatusInsufficientStorage:
		return fmt.Errorf("%w (%w)", blob.ErrNoSpace, err)
	}
	return err
}
