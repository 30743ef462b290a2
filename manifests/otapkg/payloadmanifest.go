// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// formatOne are the operations and the partitions of a manifest of format 1.
var formatOne = []protowire.Number{1, 2, 6, 7, 8, 9}

// readManifest reads a DeltaArchiveManifest. The blobs may come before the signature's place is known, so
// ranges are judged at the end.
func (p *Payload) readManifest(w *wire, fs *Findings) error {
	err := w.fields(p.metadataSize(), func(f field, after int64) error {
		switch {
		case slices.Contains(formatOne, f.num) && f.typ == protowire.BytesType:
			return fmt.Errorf("field %d belongs to format 1; some phones refuse it in format 2, others pass over it", f.num)
		case f.typ == protowire.VarintType:
			p.number(f)
		case f.message(13):
			return p.readPartition(w, after, fs)
		case f.message(15):
			return p.readDynamic(w, after)
		case f.message(18):
			b, err := w.bytes(f.n, 64)
			p.spl = string(b)
			return err
		}
		return nil
	})
	if err == nil && p.blockSize != onlyBlockSize {
		err = fmt.Errorf("blocks of %d bytes; update_engine writes blocks of %d", p.blockSize, onlyBlockSize)
	}
	return err
}

// onlyBlockSize is the block size of every payload (AOSP system/update_engine: block_size in update_metadata.proto,
// kBlockSize in payload_generator/delta_diff_generator.h). Whatever is kept for each block is bounded by it: a manifest of
// a few bytes that claims blocks of one byte may not ask for memory by the gigabyte.
const onlyBlockSize = 4096

func (p *Payload) number(f field) {
	switch f.num {
	case 3:
		if p.blockSize == onlyBlockSize { // another stays, whatever is said later: by it others were read
			p.blockSize = clampUint32(f.v)
		}
	case 4:
		p.sigOffset, p.signed = clampInt64(f.v), true
	case 5:
		p.sigSize = clampInt64(f.v)
	case 12:
		p.minor = clampUint32(f.v)
	case 14:
		p.maxTimestamp = int64(f.v)
	case 16:
		p.partial = f.v != 0
	}
}

func clampUint32(v uint64) uint32 { return uint32(min(v, math.MaxUint32)) }

// readPartition reads a PartitionUpdate.
func (p *Payload) readPartition(w *wire, end int64, fs *Findings) error {
	if len(p.parts) == maxPartitions {
		return fmt.Errorf("more than %d partitions", maxPartitions)
	}
	x := partition{from: w.pos, to: end}
	dst, src := x.extent, x.source
	err := w.fields(end, func(f field, after int64) (err error) {
		switch {
		case f.message(1):
			var b []byte
			b, err = w.bytes(f.n, 64)
			x.Name = string(b)
		case f.number(2):
			x.runs = f.v != 0
		case f.message(6):
			x.old = true
			x.oldSize, x.oldHash, err = readInfo(w, after)
		case f.message(7):
			if x.Size, x.hash, err = readInfo(w, after); err == nil {
				x.SHA256 = fmt.Sprintf("%x", x.hash)
			}
		case f.message(11), f.message(15):
			var n uint64
			err = readExtent(w, after, &n, x.computed)
		case f.message(8):
			if p.operations++; p.operations > maxOperations {
				return fmt.Errorf("more than %d operations", maxOperations)
			}
			var op operation
			if op, err = readOperation(w, after, dst, src); err == nil {
				x.Operations++
				p.judgeOperation(&x, op, fs)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if !plainName(x.Name) || slices.ContainsFunc(p.parts, func(y partition) bool { return y.Name == x.Name }) {
		return fmt.Errorf("partition name %s is missing, odd or used twice", show(x.Name))
	}
	p.parts = append(p.parts, x)
	return nil
}

// plainName accepts the names of Android partitions: they become file names on the handset.
func plainName(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return s != ""
}

// readInfo reads a PartitionInfo: bytes and SHA-256 of a partition, before or after the update.
func readInfo(w *wire, end int64) (size int64, hash []byte, err error) {
	err = w.fields(end, func(f field, _ int64) (err error) {
		switch {
		case f.number(1):
			size = clampInt64(f.v)
		case f.message(2):
			hash, err = w.bytes(f.n, 64)
		}
		return err
	})
	return size, hash, err
}

// readDynamic reads DynamicPartitionMetadata: groups of partitions and their room.
func (p *Payload) readDynamic(w *wire, end int64) error {
	return w.fields(end, func(f field, after int64) error {
		if !f.message(1) {
			return nil
		}
		if len(p.groups) == maxPartitions {
			return errors.New("too many groups of partitions")
		}
		g, err := readGroup(w, after)
		p.groups = append(p.groups, g)
		return err
	})
}

func readGroup(w *wire, end int64) (g group, err error) {
	err = w.fields(end, func(f field, _ int64) error {
		switch {
		case f.number(2):
			g.size = clampInt64(f.v)
		case f.message(1), f.message(3):
			b, err := w.bytes(f.n, 64)
			if f.num == 1 {
				g.name = string(b)
			} else if g.parts = append(g.parts, string(b)); len(g.parts) > maxPartitions {
				return errors.New("a group with too many partitions")
			}
			return err
		}
		return nil
	})
	return g, err
}
