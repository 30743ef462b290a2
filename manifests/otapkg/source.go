// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"errors"
	"fmt"
	"io"
)

// source is the file under inspection.
type source struct {
	r    io.ReaderAt
	size int64
}

// bytes reads n bytes at off. The caller has checked that they lie within the file and that n is capped,
// so that every error is one of the reader.
func (s source) bytes(off, n int64) ([]byte, error) {
	return s.into(nil, off, n)
}

// into is bytes with a buffer that is used again, if it has room.
func (s source) into(b []byte, off, n int64) ([]byte, error) {
	if int64(cap(b)) < n {
		b = make([]byte, n)
	}
	b = b[:n]
	got, err := s.r.ReadAt(b, off)
	if got == len(b) {
		return b, nil
	}
	return nil, readFault(off+int64(got), err)
}

// within reports whether n bytes at off lie inside the file; any values may be asked for.
func (s source) within(off, n int64) bool {
	return off >= 0 && n >= 0 && off <= s.size && n <= s.size-off
}

// ahead reads the file in few large pieces for a reader that asks for many small ones and goes forward: a read of a
// package in an object store costs a request.
type ahead struct {
	src  source
	end  int64  // nothing is read from here on
	room []byte // for one piece
	buf  []byte // the piece at hand, in room
	from int64  // where it lies in the file
}

func newAhead(src source, piece int64) *ahead {
	return &ahead{src: src, end: src.size, room: make([]byte, min(piece, src.size))}
}

func (h *ahead) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		at := off + int64(n)
		if at < h.from || at >= h.from+int64(len(h.buf)) {
			if at >= h.end {
				return n, io.EOF
			}
			h.buf, err = h.src.into(h.room, at, min(int64(len(h.room)), h.end-at))
			if h.from = at; err != nil {
				return n, err
			}
		}
		n += copy(b[n:], h.buf[at-h.from:])
	}
	return n, nil
}

func readFault(off int64, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // the file is shorter than its size says
	}
	return fmt.Errorf("read package at byte %d: %w", off, err)
}
