// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/minio/minio-go/v7"

	"landed/server/blob"
)

// content reads one object. The client has a type for that, minio.Object, which does not do here: a
// ReadAt that touches the end makes its next Read say EOF wherever it stands, one failed request ends
// it for good, a Seek past the end is an error, and its calls wait for one another.
type content struct {
	// ctx is kept because the methods of io.Reader take none; see blob.Store.Open.
	ctx    context.Context
	store  *Store
	ref    blob.Ref
	size   int64
	at     int64         // where Read goes on
	end    int64         // where the stream ends; at most at if Read has to find out
	stream io.ReadCloser // delivers the bytes from at on; nil until the first Read, and after a Seek
	closed bool

	expected blob.Expected
}

// Expect implements blob.Expecter: a Read that begins at one of the parts asks for that part, and for no byte more.
func (c *content) Expect(parts ...blob.Range) { c.expected = parts }

// Open implements blob.Store. It asks for the size only; bytes flow when they are read.
func (s *Store) Open(ctx context.Context, ref blob.Ref) (blob.Content, error) {
	info, err := s.Stat(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("open content: %w", err)
	}
	return &content{ctx: ctx, store: s, ref: ref, size: info.Size}, nil
}

// Size is the number of bytes.
func (c *content) Size() int64 { return c.size }

// Read reads on. After an error it can be called again: it asks for what is still missing.
func (c *content) Read(p []byte) (int, error) {
	switch {
	case c.closed:
		return 0, fs.ErrClosed
	case len(p) == 0:
		return 0, nil
	case c.at >= c.size:
		return 0, io.EOF
	}
	if c.stream == nil {
		if c.end <= c.at { // or the last one broke off on the way there
			c.end = c.expected.End(c.at, c.size)
		}
		stream, err := c.get(c.at, c.end)
		if err != nil {
			return 0, err
		}
		c.stream = stream
	}
	n, err := c.stream.Read(p[:min(int64(len(p)), c.end-c.at)])
	c.at += int64(n)
	c.store.came.Add(int64(n))
	if err == io.EOF && c.at < c.end {
		err = io.ErrUnexpectedEOF
	}
	if err != nil || c.at == c.end {
		c.drop()
	}
	if err == io.EOF && n > 0 {
		err = nil // of this part; the next Read says if it was the last
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("read content %s at %d: %w", c.ref, c.at, translate(err))
	}
	return n, err
}

// ReadAt is one request, and none beyond the end: stores differ in what they answer to that.
func (c *content) ReadAt(p []byte, off int64) (int, error) {
	switch {
	case c.closed:
		return 0, fs.ErrClosed
	case off < 0:
		return 0, fmt.Errorf("read content %s: place %d is before its start", c.ref, off)
	case len(p) == 0:
		return 0, nil
	case off >= c.size:
		return 0, io.EOF
	}
	want := min(int64(len(p)), c.size-off)
	stream, err := c.get(off, off+want)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	n, err := io.ReadFull(stream, p[:want])
	c.store.came.Add(int64(n))
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return n, fmt.Errorf("read content %s at %d: %w", c.ref, off, translate(err))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Seek moves the place of the next Read, as an *os.File does: also past the end.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	default:
		return 0, fmt.Errorf("seek in content %s: unknown whence %d", c.ref, whence)
	}
	if c.closed {
		return 0, fs.ErrClosed
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek in content %s: place %d is before its start", c.ref, offset)
	}
	if offset != c.at {
		c.drop()
		c.at, c.end = offset, 0
	}
	return offset, nil
}

// Close ends it. No request stays open.
func (c *content) Close() error {
	if c.closed {
		return fs.ErrClosed
	}
	c.closed = true
	c.drop()
	return nil
}

func (c *content) drop() {
	if c.stream != nil {
		c.stream.Close()
		c.stream = nil
	}
}

// get asks for the bytes from start up to end, which are not empty.
func (c *content) get(start, end int64) (io.ReadCloser, error) {
	var opts minio.GetObjectOptions
	if err := opts.SetRange(start, end-1); err != nil {
		return nil, err
	}
	c.store.gets.Add(1)
	c.store.asked.Add(end - start)
	stream, info, _, err := c.store.core.GetObject(c.ctx, c.store.bucket, c.store.key(c.ref), opts)
	if err != nil {
		return nil, fmt.Errorf("read content %s at %d: %w", c.ref, start, translate(err))
	}
	if info.Size != end-start {
		stream.Close()
		return nil, fmt.Errorf("read content %s: asked for %d bytes at %d, the store offers %d; it may not know ranges, "+
			"or the content was replaced",
			c.ref, end-start, start, info.Size)
	}
	return stream, nil
}
