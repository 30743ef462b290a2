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

func readFault(off int64, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // the file is shorter than its size says
	}
	return fmt.Errorf("read package at byte %d: %w", off, err)
}
