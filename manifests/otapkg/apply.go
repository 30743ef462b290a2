// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"cmp"
	"compress/bzip2"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// Payload reads the payload.bin of an A/B package; nil without findings if there is none that is stored.
func (a *Archive) Payload() (*Payload, Findings, error) {
	e, ok := a.Entry(namePayload)
	if !ok {
		return nil, nil, nil
	}
	return a.payload(e)
}

func (a *Archive) payload(e Entry) (*Payload, Findings, error) {
	if !e.Stored || e.Packed != e.Size {
		return nil, nil, nil
	}
	return ReadPayload(io.NewSectionReader(a.src.r, e.Offset, e.Size), e.Size)
}

// errPayload is the [ErrContent] of a payload.
var errPayload error = contentFault("the payload is not what its manifest promises")

// contentFault is an [ErrContent] in other words than those of the zip.
type contentFault string

func (c contentFault) Error() string        { return string(c) }
func (c contentFault) Is(target error) bool { return target == ErrContent }

// ErrUnsupported is wrapped by the error about an operation that this program cannot carry out. It says nothing about the
// payload: update_engine may be able to.
var ErrUnsupported = errors.New("not supported by this program")

// WritePartition writes the named partition of a full payload to w as it will be after the update. Each
// operation's data is compared with its SHA-256 before any of it is used, and the whole partition at the
// end: w holds the partition only if the error is nil. An error wraps [ErrContent] if the payload is at
// fault, and [ErrUnsupported] if this program cannot do what it asks; others come from r or w. Operations may be
// REPLACE, REPLACE_BZ, REPLACE_ZSTD, ZERO and DISCARD and must follow the order of the blocks, as delta_generator
// writes full payloads.
func (p *Payload) WritePartition(name string, w io.Writer) error {
	i := slices.IndexFunc(p.parts, func(x partition) bool { return x.Name == name })
	if i < 0 {
		return fmt.Errorf("payload has no partition %s: %w", show(name), errPayload)
	}
	x := p.parts[i]
	switch {
	case x.old:
		return fmt.Errorf("partition %s is a delta: %w", show(name), ErrUnsupported)
	case x.verity > 0:
		return fmt.Errorf("partition %s with a hash tree that the phone computes: %w", show(name), ErrUnsupported)
	case len(x.hash) != sha256.Size:
		return fmt.Errorf("partition %s lacks its SHA-256: %w", show(name), errPayload)
	}
	out := &partitionWriter{w: w, left: x.Size, sum: sha256.New()}
	in, n := newWire(p.src.r, 0, x.from, x.to), 0
	err := in.fields(x.to, func(f field, after int64) error {
		if !f.message(8) {
			return nil
		}
		n++
		if err := p.apply(in, after, out); err != nil {
			return fmt.Errorf("partition %s, operation %d: %w", show(name), n, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if out.left != 0 {
		return fmt.Errorf("partition %s lacks its last %d bytes: %w", show(name), out.left, errPayload)
	}
	if !bytes.Equal(out.sum.Sum(nil), x.hash) {
		return fmt.Errorf("partition %s is not what the manifest promises (SHA-256): %w", show(name), errPayload)
	}
	return nil
}

// apply reads one operation and writes what it makes.
func (p *Payload) apply(in *wire, end int64, out *partitionWriter) error {
	op, err := readOperation(in, end, out.place, anywhere)
	if err != nil {
		return err
	}
	want := int64(op.blocks) * int64(p.blockSize)
	switch op.kind {
	case opZero, opDiscard:
		return out.zeros(want)
	case opReplace, opReplaceBZ, opReplaceZstd:
	default:
		k, _ := kindOf(op.kind)
		return fmt.Errorf("operation type %d (%s): %w", op.kind, cmp.Or(k.name, "unknown"), ErrUnsupported)
	}
	from := p.blobs() + op.offset
	if !p.src.within(from, op.size) {
		return fmt.Errorf("its data lies outside of the payload: %w", errPayload)
	}
	if err := p.checkData(from, op); err != nil {
		return err
	}
	section := &faultReader{r: io.NewSectionReader(p.src.r, from, op.size), left: op.size}
	data, done, err := unpacker(op.kind, section)
	if err != nil {
		return err
	}
	defer done()
	n, err := io.Copy(out, io.LimitReader(data, want+1))
	switch {
	case section.fault != nil:
		return section.fault
	case out.fault != nil:
		return out.fault
	case err != nil:
		return fmt.Errorf("its data cannot be unpacked: %w: %w", errPayload, err)
	case n != want:
		return fmt.Errorf("it makes %d bytes for %d blocks: %w", n, op.blocks, errPayload)
	}
	return nil
}

// unpacker reads what the data of a REPLACE operation unpack to. done gives back what it holds.
func unpacker(kind uint64, data io.Reader) (unpacked io.Reader, done func(), err error) {
	switch kind {
	case opReplaceBZ:
		return bzip2.NewReader(data), func() {}, nil
	case opReplaceZstd:
		z, err := zstd.NewReader(data, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, fmt.Errorf("its data cannot be unpacked: %w", err)
		}
		return z, z.Close, nil
	}
	return data, func() {}, nil
}

// maxWindow is the most that data may look back at while they are unpacked: what update_engine allows REPLACE_XZ
// (payload_consumer/xz_extent_writer.cc).
const maxWindow = 64 << 20

// checkData compares the data of an operation with its SHA-256.
func (p *Payload) checkData(from int64, op operation) error {
	h := sha256.New()
	if n, err := io.Copy(h, io.NewSectionReader(p.src.r, from, op.size)); err != nil {
		return readFault(from+n, err)
	} else if n != op.size {
		return readFault(from+n, nil)
	}
	if !bytes.Equal(h.Sum(nil), op.hash) {
		return fmt.Errorf("its data is not what the manifest promises (SHA-256): %w", errPayload)
	}
	return nil
}

// partitionWriter hashes what is written and keeps to the size of the partition.
type partitionWriter struct {
	w     io.Writer
	sum   hash.Hash
	left  int64
	block uint64 // next block to be written
	fault error  // of w
}

func (o *partitionWriter) place(e extent) error {
	if e.start != o.block {
		return fmt.Errorf("it writes block %d where block %d comes next: %w", e.start, o.block, errPayload)
	}
	o.block += e.n
	return nil
}

func (o *partitionWriter) Write(b []byte) (int, error) {
	if int64(len(b)) > o.left {
		return 0, errors.New("more data than the partition has room for")
	}
	if _, err := o.w.Write(b); err != nil {
		o.fault = fmt.Errorf("write partition: %w", err)
		return 0, o.fault
	}
	o.sum.Write(b)
	o.left -= int64(len(b))
	return len(b), nil
}

var zeroes [64 << 10]byte

func (o *partitionWriter) zeros(n int64) error {
	for n > 0 {
		k, err := o.Write(zeroes[:min(n, int64(len(zeroes)))])
		if o.fault == nil && err != nil {
			return fmt.Errorf("%w: %w", errPayload, err)
		} else if err != nil {
			return err
		}
		n -= int64(k)
	}
	return nil
}
