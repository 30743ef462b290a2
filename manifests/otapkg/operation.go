// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Operation types of update_metadata.proto that a full payload may hold.
const (
	opReplace   = 0
	opReplaceBZ = 1
	opZero      = 6
	opDiscard   = 7
	opReplaceXZ = 8

	opSourceCopy = 4 // of deltas, and without data of its own
)

// minorOf is the lowest minor version that knows an operation type. A full payload says 0 and may use the
// types of which fullOp speaks.
var minorOf = map[uint64]uint32{opReplace: 0, opReplaceBZ: 0, opSourceCopy: 2, 5: 2, opZero: 4, opDiscard: 4,
	opReplaceXZ: 3, 9: 5, 10: 4, 11: 8, 12: 9, 13: 9}

func fullOp(kind uint64) bool {
	switch kind {
	case opReplace, opReplaceBZ, opZero, opDiscard, opReplaceXZ:
		return true
	}
	return false
}

// operation is one step: data of the payload, or nothing, becomes blocks of a partition.
type operation struct {
	kind         uint64
	offset, size int64  // of its data in the blobs
	placed       bool   // offset is given
	hash         []byte // SHA-256 of its data
	blocks       uint64 // written
}

// extent is a run of blocks.
type extent struct{ start, n uint64 }

// maxBlocks is what maxSize holds in the smallest blocks that make sense.
const maxBlocks = uint64(maxSize) / 512

// readOperation reads an InstallOperation. dst receives each destination extent in order.
func readOperation(w *wire, end int64, dst func(extent) error) (op operation, err error) {
	typed := false
	for w.pos < end {
		f, err := w.next(end)
		if err != nil {
			return op, err
		}
		after := w.pos + f.n
		switch {
		case f.num == 1 && f.typ == protowire.VarintType:
			op.kind, typed = f.v, true
		case f.num == 2 && f.typ == protowire.VarintType:
			op.offset, op.placed = clampInt64(f.v), true
		case f.num == 3 && f.typ == protowire.VarintType:
			op.size = clampInt64(f.v)
		case f.num == 6 && f.typ == protowire.BytesType:
			e, err := readExtent(w, after)
			if err != nil {
				return op, err
			}
			op.blocks += e.n
			if err := dst(e); err != nil {
				return op, err
			}
		case f.num == 8 && f.typ == protowire.BytesType:
			if op.hash, err = w.bytes(f.n, 64); err != nil {
				return op, err
			}
		}
		if op.blocks > maxBlocks {
			return op, fmt.Errorf("an operation writes %d blocks", op.blocks)
		}
		if err := w.skip(after-w.pos, end); err != nil {
			return op, err
		}
	}
	if !typed {
		return op, errors.New("an operation has no type")
	}
	return op, nil
}

func readExtent(w *wire, end int64) (e extent, err error) {
	for w.pos < end {
		f, err := w.next(end)
		if err != nil {
			return e, err
		}
		switch {
		case f.num == 1 && f.typ == protowire.VarintType:
			e.start = f.v
		case f.num == 2 && f.typ == protowire.VarintType:
			e.n = f.v
		}
		if err := w.skip(f.n, end); err != nil {
			return e, err
		}
	}
	if e.start > maxBlocks || e.n > maxBlocks {
		return e, fmt.Errorf("an operation writes block %d and %d more", e.start, e.n)
	}
	return e, nil
}

// judgeOperation finds an unknown type, and data that does not follow the data before it: update_engine applies
// data while it streams, and gives up where an operation's data does not begin where the last one's ended
// (AOSP update_engine/payload_consumer/delta_performer.cc).
func (p *Payload) judgeOperation(part string, n int, op operation, fs *Findings) {
	// there may be two million, good or bad
	who := func() string { return fmt.Sprintf("operation %d of %s", n, show(part)) }
	need, known := minorOf[op.kind]
	if !known && !fs.full(ABMinor) {
		fs.add(Finding{Code: ABMinor, Found: fmt.Sprintf("type %d", op.kind), Wanted: "an operation that phones know",
			Message: fmt.Sprintf("%s has type %d, which no phone knows.", who(), op.kind)})
	}
	p.needMinor = max(p.needMinor, need)
	if known && !fullOp(op.kind) {
		p.deltaOps = true
	}
	if op.kind == opZero || op.kind == opDiscard || op.kind == opSourceCopy {
		if (op.placed || op.size != 0) && !fs.full(ABRange) {
			fs.add(Finding{Code: ABRange, Found: fmt.Sprintf("data for type %d", op.kind), Wanted: "no data",
				Message: fmt.Sprintf("%s has data, and an operation of its type takes none; phones refuse it.", who())})
		}
		return
	}
	if op.size <= 0 || !op.placed || len(op.hash) != 32 {
		if fs.full(ABRange) {
			return
		}
		fs.add(Finding{Code: ABRange, Found: fmt.Sprintf("%d bytes, hash of %d bytes", op.size, len(op.hash)),
			Wanted: "data with its place and SHA-256", Message: fmt.Sprintf("%s has no data, or no place or SHA-256 of it.",
				who())})
		return
	}
	if op.offset != p.blobEnd && !fs.full(ABRange) {
		fs.add(Finding{Code: ABRange, Found: fmt.Sprintf("data at byte %d", op.offset),
			Wanted: fmt.Sprintf("data from byte %d", p.blobEnd), Fix: "Build the package again.",
			Message: fmt.Sprintf("The data of %s begins at byte %d of the blobs; the data in front of it ends at byte %d, "+
				"and phones read on from there.", who(), op.offset, p.blobEnd)})
	}
	p.blobEnd = max(p.blobEnd, op.offset+op.size)
}

// judgeRanges compares all data with the room for it, and partitions with what is written to them.
func (p *Payload) judgeRanges(fs *Findings) {
	room := p.src.size - p.blobs()
	if p.signed {
		if p.sigOffset > room || p.sigSize <= 0 || p.sigSize > maxSignatures || p.sigSize != room-p.sigOffset {
			fs.add(Finding{Code: ABRange, Found: fmt.Sprintf("a signature of %d bytes at byte %d of %d", p.sigSize,
				p.sigOffset, room), Wanted: "a signature that ends the payload",
				Fix: "Upload the whole payload as the build made it.",
				Message: fmt.Sprintf("The payload signature should lie at byte %d of the blobs with %d bytes; "+
					"the blobs have %d bytes and it must end them.", p.sigOffset, p.sigSize, room)})
			p.signed = false
		} else {
			room = p.sigOffset
		}
	}
	if p.blobEnd != room {
		fs.add(Finding{Code: ABRange, Found: fmt.Sprintf("data up to byte %d", p.blobEnd), Wanted: fmt.Sprintf("%d", room),
			Fix: "Upload the whole payload as the build made it; it may have been cut.",
			Message: fmt.Sprintf("Operations use data up to byte %d of the blobs, which have %d bytes; "+
				"phones want all of them used.", p.blobEnd, room)})
	}
	for _, x := range p.parts {
		if len(x.hash) != 32 || x.Size <= 0 || x.Size >= maxSize || x.Size%int64(p.blockSize) != 0 {
			fs.add(Finding{Code: ABRange, Found: fmt.Sprintf("%d bytes, hash of %d bytes", x.Size, len(x.hash)),
				Wanted: "a size in whole blocks and a SHA-256",
				Message: fmt.Sprintf("Partition %s lacks the size in whole blocks or the SHA-256 that it has after the update.",
					show(x.Name))})
		} else if have := uint64(x.Size) / uint64(p.blockSize); x.end > have {
			fs.add(Finding{Code: ABRange, Found: fmt.Sprintf("blocks up to %d", x.end), Wanted: fmt.Sprintf("%d blocks", have),
				Message: fmt.Sprintf("Operations write beyond the end of partition %s: up to block %d of %d.", show(x.Name),
					x.end, have)})
		} else if !p.Delta() && x.mixed {
			fs.add(Finding{Code: ABRange, Found: "blocks out of order", Wanted: "each block once, in order",
				Message: fmt.Sprintf("The operations of the full partition %s write blocks twice, or not in their order.",
					show(x.Name))})
		} else if x.blocks > have || (!p.Delta() && x.blocks != have) {
			fs.add(Finding{Code: ABRange, Found: fmt.Sprintf("%d blocks written", x.blocks),
				Wanted: fmt.Sprintf("%d blocks", have), Message: fmt.Sprintf("Operations write %d blocks of partition %s, "+
					"which has %d.", x.blocks, show(x.Name), have)})
		}
	}
}

// judgeGroups wants the dynamic partitions of a group to fit into its room.
func (p *Payload) judgeGroups(fs *Findings) {
	size := map[string]int64{}
	for _, x := range p.parts {
		size[x.Name] = x.Size
	}
	for _, g := range p.groups {
		var sum int64
		for _, name := range g.parts {
			sum = min(sum+size[name], 2*maxSize)
		}
		if sum > g.size {
			fs.add(Finding{Code: ABRange, Found: human(sum), Wanted: "at most " + human(g.size),
				Message: fmt.Sprintf("The partitions of group %s take %s, its room is %s.", show(g.name), human(sum),
					human(g.size))})
		}
	}
}

// judgeMinor wants a full payload to say 0 and a delta to say a version that has its operations.
func (p *Payload) judgeMinor(fs *Findings) {
	delta := p.Delta() || p.deltaOps
	switch need := max(p.needMinor, 2); {
	case !delta && p.minor != 0:
		fs.add(Finding{Code: ABMinor, Found: fmt.Sprint(p.minor), Wanted: "0",
			Message: fmt.Sprintf("The payload is full, yet says minor version %d; a full payload says 0.", p.minor)})
	case delta && p.deltaOps && !p.Delta():
		fs.add(Finding{Code: ABMinor, Found: "operations on old partitions", Wanted: "the old partitions' sizes and hashes",
			Message: "The payload reads old partitions but does not say which; phones could not check them."})
	case delta && (p.minor < need || p.minor > 9 || (p.partial && p.minor < 7)):
		fs.add(Finding{Code: ABMinor, Found: fmt.Sprint(p.minor), Wanted: fmt.Sprintf("%d to 9", need),
			Message: fmt.Sprintf("The payload is a delta of minor version %d; its operations need at least %d, "+
				"and phones know up to 9.", p.minor, need)})
	}
}
