// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/crc32"
	"sync"
	"sync/atomic"
)

// The sweep holds chunks × chunkSize bytes, whatever the size of the package.
const (
	chunkSize = 1 << 20
	chunks    = 8
)

// stream hashes some ranges of the file, in one go, and keeps the state it had at one offset: what is signed
// is the beginning of what is hashed, so one pass serves both.
type stream struct {
	h      hash.Hash
	ranges []byteRange
	mark   int64 // file offset; 0 for none
	marked hash.Hash
}

// byteRange is the bytes [from, to) of the file.
type byteRange struct{ from, to int64 }

func (s *stream) consume(off int64, b []byte) {
	for _, sp := range s.ranges {
		lo, hi := max(sp.from, off), min(sp.to, off+int64(len(b)))
		if lo >= hi {
			continue
		}
		if s.marked == nil && lo < s.mark && s.mark <= hi {
			s.h.Write(b[lo-off : s.mark-off])
			s.marked, _ = s.h.(hash.Cloner).Clone() // the hashes of the standard library always can
			lo = s.mark
		}
		s.h.Write(b[lo-off : hi-off])
	}
}

func (s *stream) sum() []byte { return s.h.Sum(nil) }

// atMark is the digest of everything before the mark.
func (s *stream) atMark() []byte {
	if s.marked == nil {
		return s.h.Sum(nil)
	}
	return s.marked.Sum(nil)
}

func sha256Of(mark int64, ranges ...byteRange) *stream {
	return &stream{h: sha256.New(), ranges: ranges, mark: mark}
}
func sha1Of(ranges ...byteRange) *stream { return &stream{h: sha1.New(), ranges: ranges} }
func md5Of(ranges ...byteRange) *stream  { return &stream{h: md5.New(), ranges: ranges} }

// checksums computes CRC-32 of stored entries, which must be disjoint and in the order of their bytes.
type checksums struct {
	entries []Entry
	next    int
	crc     uint32
	wrong   []error
}

func (c *checksums) consume(off int64, b []byte) {
	end := off + int64(len(b))
	for c.next < len(c.entries) {
		e := c.entries[c.next]
		lo, hi := max(e.Offset, off), min(e.Offset+e.Size, end)
		if lo < hi {
			c.crc = crc32.Update(c.crc, crc32.IEEETable, b[lo-off:hi-off])
		}
		if e.Offset+e.Size > end {
			return
		}
		if c.crc != e.CRC32 {
			what := fmt.Sprintf("has checksum %08x, promised is %08x", c.crc, e.CRC32)
			c.wrong = append(c.wrong, &contentError{name: e.Name, what: what})
		}
		c.next, c.crc = c.next+1, 0
	}
}

// consumer receives the whole file in order. It may not keep b.
type consumer interface{ consume(off int64, b []byte) }

// chunk is one buffer on its way through all consumers; the last of them gives it back.
type chunk struct {
	off  int64
	b    []byte
	left atomic.Int32
}

// sweep reads the file once, from its first byte to its last, and hands every byte to every consumer. Each
// consumer runs in its own goroutine; the slowest sets the pace, because the buffers are few.
func sweep(src source, consumers ...consumer) error {
	free := make(chan *chunk, chunks)
	for range chunks {
		free <- &chunk{b: make([]byte, min(chunkSize, max(src.size, 1)))}
	}
	var wg sync.WaitGroup
	lines := make([]chan *chunk, len(consumers))
	for i, t := range consumers {
		lines[i] = make(chan *chunk, chunks)
		wg.Go(func() {
			for c := range lines[i] {
				t.consume(c.off, c.b)
				if c.left.Add(-1) == 0 {
					free <- c
				}
			}
		})
	}
	var fault error
	for off := int64(0); off < src.size && fault == nil; {
		c := <-free
		c.off, c.b = off, c.b[:min(int64(cap(c.b)), src.size-off)]
		if n, err := src.r.ReadAt(c.b, off); n < len(c.b) {
			fault = readFault(off+int64(n), err)
			break
		}
		off += int64(len(c.b))
		c.left.Store(int32(len(lines)))
		for _, l := range lines {
			l <- c
		}
	}
	for _, l := range lines {
		close(l)
	}
	wg.Wait()
	return fault
}
