// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bufio"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// wire reads a protobuf message from a file, field by field, without holding it: a payload manifest may be
// 32 MiB. Messages inside are entered and left by their end, never by recursion on what they claim.
type wire struct {
	in    *bufio.Reader
	pos   int64 // offset of the next byte, counted as the caller counts
	fault error // of the reader; io.ErrUnexpectedEOF if the file is short
}

var errWire error = contentFault("not a valid protobuf message")

func newWire(r io.ReaderAt, base, from, to int64) *wire {
	return &wire{in: bufio.NewReaderSize(io.NewSectionReader(r, base+from, to-from), 32<<10), pos: from}
}

// field is one field of a message: a number in v, or n bytes of content that begin at the reader's position.
type field struct {
	num protowire.Number
	typ protowire.Type
	v   uint64
	n   int64
}

// next reads the next field of the message that ends at end. The caller must read or skip n bytes of a
// length-delimited field before it calls next again.
func (w *wire) next(end int64) (f field, err error) {
	tag, err := w.varint(end)
	if err != nil {
		return f, err
	}
	if f.num, f.typ = protowire.DecodeTag(tag); f.num < protowire.MinValidNumber || f.num > protowire.MaxValidNumber {
		return f, errWire
	}
	switch f.typ {
	case protowire.VarintType:
		f.v, err = w.varint(end)
	case protowire.BytesType:
		var n uint64
		if n, err = w.varint(end); err == nil && n > uint64(end-w.pos) {
			return f, errWire
		}
		f.n = int64(n)
	case protowire.Fixed32Type:
		err = w.skip(4, end)
	case protowire.Fixed64Type:
		err = w.skip(8, end)
	default:
		return f, errWire // groups do not occur
	}
	return f, err
}

// fields reads the message that ends at end and hands every field to visit, with the position behind it. visit may read
// the content of a length-delimited field, all of it or a part; the rest is passed over.
func (w *wire) fields(end int64, visit func(f field, after int64) error) error {
	for w.pos < end {
		f, err := w.next(end)
		if err != nil {
			return err
		}
		after := w.pos + f.n
		if err := visit(f, after); err != nil {
			return err
		}
		if err := w.skip(after-w.pos, end); err != nil {
			return err
		}
	}
	return nil
}

// message says that f is the length-delimited field num, number that it is the number num.
func (f field) message(num protowire.Number) bool {
	return f.num == num && f.typ == protowire.BytesType
}
func (f field) number(num protowire.Number) bool {
	return f.num == num && f.typ == protowire.VarintType
}

func (w *wire) varint(end int64) (uint64, error) {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		if w.pos >= end {
			return 0, errWire
		}
		b, err := w.in.ReadByte()
		if err != nil {
			return 0, w.failed(err)
		}
		w.pos++
		if shift == 63 && b > 1 {
			return 0, errWire
		}
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v, nil
		}
	}
	return 0, errWire
}

func (w *wire) skip(n, end int64) error {
	if n > end-w.pos {
		return errWire
	}
	for n > 0 {
		got, err := w.in.Discard(int(min(n, 1<<20)))
		n, w.pos = n-int64(got), w.pos+int64(got)
		if err != nil {
			return w.failed(err)
		}
	}
	return nil
}

// bytes reads a length-delimited field of at most most bytes.
func (w *wire) bytes(n, most int64) ([]byte, error) {
	if n > most {
		return nil, fmt.Errorf("a field of %d bytes where at most %d make sense: %w", n, most, errWire)
	}
	b := make([]byte, n)
	got, err := io.ReadFull(w.in, b)
	w.pos += int64(got)
	if err != nil {
		return nil, w.failed(err)
	}
	return b, nil
}

func (w *wire) failed(err error) error {
	w.fault = readFault(w.pos, err)
	return w.fault
}
