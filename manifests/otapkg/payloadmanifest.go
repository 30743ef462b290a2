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
	end := p.metadataSize()
	for w.pos < end {
		f, err := w.next(end)
		if err != nil {
			return err
		}
		after := w.pos + f.n
		switch {
		case slices.Contains(formatOne, f.num) && f.typ == protowire.BytesType:
			return fmt.Errorf("field %d belongs to format 1; some phones refuse it in format 2, others pass over it", f.num)
		case f.typ == protowire.VarintType:
			p.number(f)
		case f.num == 13 && f.typ == protowire.BytesType:
			err = p.readPartition(w, after, fs)
		case f.num == 15 && f.typ == protowire.BytesType:
			err = p.readDynamic(w, after)
		case f.num == 18 && f.typ == protowire.BytesType:
			var b []byte
			b, err = w.bytes(f.n, 64)
			p.spl = string(b)
		}
		if err != nil {
			return err
		}
		if f.typ == protowire.BytesType {
			if err := w.skip(after-w.pos, end); err != nil {
				return err
			}
		}
	}
	if p.blockSize == 0 || p.blockSize > 1<<20 {
		return fmt.Errorf("block size %d makes no sense", p.blockSize)
	}
	return nil
}

func (p *Payload) number(f field) {
	switch f.num {
	case 3:
		p.blockSize = clampUint32(f.v)
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
	for w.pos < end {
		f, err := w.next(end)
		if err != nil {
			return err
		}
		after := w.pos + f.n
		switch {
		case f.num == 1 && f.typ == protowire.BytesType:
			var b []byte
			b, err = w.bytes(f.n, 64)
			x.Name = string(b)
		case f.num == 2 && f.typ == protowire.VarintType:
			x.runs = f.v != 0
		case f.num == 6 && f.typ == protowire.BytesType:
			x.old = true
		case f.num == 7 && f.typ == protowire.BytesType:
			err = x.readInfo(w, after)
		case f.num == 8 && f.typ == protowire.BytesType:
			if p.operations++; p.operations > maxOperations {
				return fmt.Errorf("more than %d operations", maxOperations)
			}
			var op operation
			if op, err = readOperation(w, after, x.extent); err == nil {
				x.Operations++
				p.judgeOperation(x.Name, x.Operations, op, fs)
			}
		}
		if err != nil {
			return err
		}
		if err := w.skip(after-w.pos, end); err != nil {
			return err
		}
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

// readInfo reads a PartitionInfo: what the partition is after the update.
func (x *partition) readInfo(w *wire, end int64) error {
	for w.pos < end {
		f, err := w.next(end)
		if err != nil {
			return err
		}
		after := w.pos + f.n
		switch {
		case f.num == 1 && f.typ == protowire.VarintType:
			x.Size = clampInt64(f.v)
		case f.num == 2 && f.typ == protowire.BytesType:
			if x.hash, err = w.bytes(f.n, 64); err != nil {
				return err
			}
			x.SHA256 = fmt.Sprintf("%x", x.hash)
		}
		if err := w.skip(after-w.pos, end); err != nil {
			return err
		}
	}
	return nil
}

// readDynamic reads DynamicPartitionMetadata: groups of partitions and their room.
func (p *Payload) readDynamic(w *wire, end int64) error {
	for w.pos < end {
		f, err := w.next(end)
		if err != nil {
			return err
		}
		after := w.pos + f.n
		if f.num == 1 && f.typ == protowire.BytesType {
			if len(p.groups) == maxPartitions {
				return errors.New("too many groups of partitions")
			}
			g, err := readGroup(w, after)
			if err != nil {
				return err
			}
			p.groups = append(p.groups, g)
		}
		if err := w.skip(after-w.pos, end); err != nil {
			return err
		}
	}
	return nil
}

func readGroup(w *wire, end int64) (g group, err error) {
	for w.pos < end {
		f, err := w.next(end)
		if err != nil {
			return g, err
		}
		after := w.pos + f.n
		switch {
		case f.num == 2 && f.typ == protowire.VarintType:
			g.size = clampInt64(f.v)
		case (f.num == 1 || f.num == 3) && f.typ == protowire.BytesType:
			b, err := w.bytes(f.n, 64)
			if err != nil {
				return g, err
			}
			if f.num == 1 {
				g.name = string(b)
			} else if g.parts = append(g.parts, string(b)); len(g.parts) > maxPartitions {
				return g, errors.New("a group with too many partitions")
			}
		}
		if err := w.skip(after-w.pos, end); err != nil {
			return g, err
		}
	}
	return g, nil
}
