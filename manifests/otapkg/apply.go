// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"compress/bzip2"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Payload reads the payload.bin of an A/B package; nil without findings if there is none that is stored.
func (a *Archive) Payload() (*Payload, Findings, error) {
	e, ok := a.Entry(namePayload)
	if !ok || !e.Stored || e.Packed != e.Size {
		return nil, nil, nil
	}
	return ReadPayload(io.NewSectionReader(a.src.r, e.Offset, e.Size), e.Size)
}

// WritePartition writes the named partition of a full payload to w as it will be after the update. Each
// operation's data is compared with its SHA-256 before any of it is used, and the whole partition at the
// end: w holds the partition only if the error is nil. An error wraps [ErrContent] if the payload is at
// fault; others come from r or w. Operations may be REPLACE, REPLACE_BZ, ZERO and DISCARD and must follow
// the order of the blocks, as delta_generator writes full payloads.
func (p *Payload) WritePartition(name string, w io.Writer) error {
	i := slices.IndexFunc(p.parts, func(x partition) bool { return x.Name == name })
	if i < 0 {
		return fmt.Errorf("payload has no partition %s: %w", show(name), ErrContent)
	}
	x := p.parts[i]
	if x.old || len(x.hash) != sha256.Size {
		return fmt.Errorf("partition %s is not full or lacks its SHA-256: %w", show(name), ErrContent)
	}
	out := &partitionWriter{w: w, left: x.Size, sum: sha256.New()}
	in := newWire(p.src.r, 0, x.from, x.to)
	for n := 1; in.pos < x.to; {
		f, err := in.next(x.to)
		if err != nil {
			return err
		}
		after := in.pos + f.n
		if f.num == 8 && f.typ == protowire.BytesType {
			if err := p.apply(in, after, out); err != nil {
				return fmt.Errorf("partition %s, operation %d: %w", show(name), n, err)
			}
			n++
		}
		if err := in.skip(after-in.pos, x.to); err != nil {
			return err
		}
	}
	if out.left != 0 {
		return fmt.Errorf("partition %s lacks its last %d bytes: %w", show(name), out.left, ErrContent)
	}
	if !bytes.Equal(out.sum.Sum(nil), x.hash) {
		return fmt.Errorf("partition %s is not what the manifest promises (SHA-256): %w", show(name), ErrContent)
	}
	return nil
}

// apply reads one operation and writes what it makes.
func (p *Payload) apply(in *wire, end int64, out *partitionWriter) error {
	op, err := readOperation(in, end, out.place)
	if err != nil {
		return err
	}
	want := int64(op.blocks) * int64(p.blockSize)
	switch op.kind {
	case opZero, opDiscard:
		return out.zeros(want)
	case opReplace, opReplaceBZ:
	default:
		return fmt.Errorf("operation type %d is not supported: %w", op.kind, ErrContent)
	}
	from := p.blobs() + op.offset
	if !p.src.within(from, op.size) {
		return fmt.Errorf("its data lies outside of the payload: %w", ErrContent)
	}
	if err := p.checkData(from, op); err != nil {
		return err
	}
	section := &faultReader{r: io.NewSectionReader(p.src.r, from, op.size), left: op.size}
	data := io.Reader(section)
	if op.kind == opReplaceBZ {
		data = bzip2.NewReader(data)
	}
	n, err := io.Copy(out, io.LimitReader(data, want+1))
	switch {
	case section.fault != nil:
		return section.fault
	case out.fault != nil:
		return out.fault
	case err != nil:
		return fmt.Errorf("its data cannot be unpacked: %w: %w", ErrContent, err)
	case n != want:
		return fmt.Errorf("it makes %d bytes for %d blocks: %w", n, op.blocks, ErrContent)
	}
	return nil
}

// checkData compares the data of an operation with its SHA-256.
func (p *Payload) checkData(from int64, op operation) error {
	h := sha256.New()
	if n, err := io.Copy(h, io.NewSectionReader(p.src.r, from, op.size)); err != nil {
		return readFault(from+n, err)
	} else if n != op.size {
		return readFault(from+n, nil)
	}
	if !bytes.Equal(h.Sum(nil), op.hash) {
		return fmt.Errorf("its data is not what the manifest promises (SHA-256): %w", ErrContent)
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
		return fmt.Errorf("it writes block %d where block %d comes next: %w", e.start, o.block, ErrContent)
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
			return fmt.Errorf("%w: %w", ErrContent, err)
		} else if err != nil {
			return err
		}
		n -= int64(k)
	}
	return nil
}
