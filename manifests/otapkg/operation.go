// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"errors"
	"fmt"
)

// Operation types of update_metadata.proto that the code speaks of.
const (
	opReplace    = 0
	opReplaceBZ  = 1
	opSourceCopy = 4
	opZero       = 6
	opDiscard    = 7

	opReplaceZstd = 14
)

// opKind is what is known of a type of operation.
type opKind struct {
	name   string
	minor  uint32 // lowest minor version that knows it; a full payload says 0 and may use the types without source
	data   bool   // takes data of the payload
	source bool   // reads the old partition
	newer  bool   // known only to newer update_engines
}

// opKinds are the types of update_metadata.proto, by number. MOVE and BSDIFF worked in place, in format 1.
// REPLACE_ZSTD has been in the payloads of some makers since 2024, and in ChromiumOS from minor version 8.
var opKinds = [...]opKind{
	opReplace:     {name: "REPLACE", data: true},
	opReplaceBZ:   {name: "REPLACE_BZ", data: true},
	2:             {name: "MOVE"},
	3:             {name: "BSDIFF", data: true},
	opSourceCopy:  {name: "SOURCE_COPY", minor: 2, source: true},
	5:             {name: "SOURCE_BSDIFF", minor: 2, data: true, source: true},
	opZero:        {name: "ZERO", minor: 4},
	opDiscard:     {name: "DISCARD", minor: 4},
	8:             {name: "REPLACE_XZ", minor: 3, data: true},
	9:             {name: "PUFFDIFF", minor: 5, data: true, source: true},
	10:            {name: "BROTLI_BSDIFF", minor: 4, data: true, source: true},
	11:            {name: "ZUCCHINI", minor: 8, data: true, source: true},
	12:            {name: "LZ4DIFF_BSDIFF", minor: 9, data: true, source: true},
	13:            {name: "LZ4DIFF_PUFFDIFF", minor: 9, data: true, source: true},
	opReplaceZstd: {name: "REPLACE_ZSTD", minor: 8, data: true, newer: true},
}

// Minor versions of deltas: those that every update_engine since Android 14 knows end at 9.
const (
	minMinor     = 2
	commonMinor  = 9
	maxMinor     = 10
	partialMinor = 7 // from here on update_engine knows partial updates
)

func kindOf(kind uint64) (k opKind, known bool) {
	if kind < uint64(len(opKinds)) {
		return opKinds[kind], true
	}
	return opKind{}, false
}

// operation is one step: data of the payload, or nothing, becomes blocks of a partition.
type operation struct {
	kind         uint64
	offset, size int64  // of its data in the blobs
	placed       bool   // offset is given
	hash         []byte // SHA-256 of its data
	blocks       uint64 // written
	reads        uint64 // blocks of the old partition
	sourceHash   int    // bytes of the SHA-256 of what it reads
}

// extent is a run of blocks.
type extent struct{ start, n uint64 }

// maxBlocks is what maxSize holds in the smallest blocks that make sense.
const maxBlocks = uint64(maxSize) / 512

// readOperation reads an InstallOperation. dst receives each destination extent in order, src each source extent.
func readOperation(w *wire, end int64, dst, src func(extent) error) (op operation, err error) {
	typed := false
	err = w.fields(end, func(f field, after int64) (err error) {
		switch {
		case f.number(1):
			op.kind, typed = f.v, true
		case f.number(2):
			op.offset, op.placed = clampInt64(f.v), true
		case f.number(3):
			op.size = clampInt64(f.v)
		case f.message(4):
			err = readExtent(w, after, &op.reads, src)
		case f.message(6):
			err = readExtent(w, after, &op.blocks, dst)
		case f.message(8):
			op.hash, err = w.bytes(f.n, 64)
		case f.message(9):
			op.sourceHash = int(min(f.n, 64))
		}
		return err
	})
	if err == nil && !typed {
		err = errors.New("an operation has no type")
	}
	return op, err
}

// readExtent reads one extent, adds its blocks to sum and hands it on.
func readExtent(w *wire, end int64, sum *uint64, to func(extent) error) error {
	var e extent
	err := w.fields(end, func(f field, _ int64) error {
		switch {
		case f.number(1):
			e.start = f.v
		case f.number(2):
			e.n = f.v
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case e.start > maxBlocks || e.n > maxBlocks:
		return fmt.Errorf("an operation names block %d and %d more", e.start, e.n)
	}
	if *sum += e.n; *sum > maxBlocks {
		return fmt.Errorf("an operation names %d blocks", *sum)
	}
	return to(e)
}

// anywhere takes an extent of which nothing is wanted.
func anywhere(extent) error { return nil }

// judgeOperation finds a type that the format no longer has, data that does not follow the data before it, and blocks that
// no operation of the type could read or write. update_engine applies data while it streams, and gives up where an
// operation's data does not begin where the last one's ended (AOSP update_engine/payload_consumer/delta_performer.cc).
func (p *Payload) judgeOperation(x *partition, op operation, fs *Findings) {
	k, known := kindOf(op.kind)
	p.needMinor = max(p.needMinor, k.minor)
	p.deltaOps = p.deltaOps || k.source
	x.reads = x.reads || k.source
	if !known || k.newer {
		p.newer.note(op.kind)
	}
	// There may be two million, good or bad: words are made only for those that are kept.
	add := func(code Code, found, wanted, what string) {
		fs.add(Finding{Code: code, Found: found, Wanted: wanted, Fix: "Build the package again.",
			Message: fmt.Sprintf("Operation %d of %s %s.", x.Operations, show(x.Name), what)})
	}
	if (op.kind == 2 || op.kind == 3) && !fs.full(ABMinor) {
		add(ABMinor, k.name, "an operation of format 2", "has type "+k.name+", which works in place, as payloads of format 1 "+
			"did; update_engine has it no more")
	}
	if !fs.full(ABRange) {
		op.judgeBlocks(k, known, p.blockSize, add)
		op.judgeData(k, known, p.blobEnd, add)
	}
	if k.data || !known {
		p.blobEnd = max(p.blobEnd, op.offset+op.size)
	}
}

type addOperation func(code Code, found, wanted, what string)

// judgeBlocks finds blocks that an operation could not read or write.
func (op *operation) judgeBlocks(k opKind, known bool, blockSize uint32, add addOperation) {
	switch {
	case !known:
	case op.blocks == 0:
		add(ABRange, "no blocks", "the blocks that it writes", "writes no block")
	case k.source && op.reads == 0:
		add(ABRange, "no source", "the blocks that it reads", "has type "+k.name+" and reads no block of the old partition")
	case op.kind == opSourceCopy && op.reads != op.blocks:
		add(ABRange, fmt.Sprintf("%d blocks to %d", op.reads, op.blocks), "as many as are read",
			fmt.Sprintf("copies %d blocks to %d", op.reads, op.blocks))
	case k.source && op.sourceHash != 0 && op.sourceHash != 32:
		add(ABRange, fmt.Sprintf("%d bytes", op.sourceHash), "a SHA-256",
			fmt.Sprintf("has %d bytes where the SHA-256 of what it reads belongs", op.sourceHash))
	case op.kind == opReplace && op.size != int64(op.blocks)*int64(blockSize):
		add(ABRange, fmt.Sprintf("%d bytes", op.size), fmt.Sprintf("%d blocks of %d bytes", op.blocks, blockSize),
			fmt.Sprintf("puts %d bytes into %d blocks of %d", op.size, op.blocks, blockSize))
	}
}

// judgeData wants the data of an operation, with its SHA-256, at the byte at which the data before it end.
func (op *operation) judgeData(k opKind, known bool, at int64, add addOperation) {
	has := op.placed || op.size != 0 // of an unknown type nobody can say whether it takes data
	switch {
	case known && !k.data && has:
		add(ABRange, "data for "+k.name, "no data", "has data, and an operation of its type takes none; phones refuse it")
	case known && !k.data, !known && !has:
	case op.size <= 0 || !op.placed || len(op.hash) != 32:
		add(ABRange, fmt.Sprintf("%d bytes, hash of %d bytes", op.size, len(op.hash)), "data with its place and SHA-256",
			"has no data, or no place or SHA-256 of it")
	case op.offset != at:
		add(ABRange, fmt.Sprintf("data at byte %d", op.offset), fmt.Sprintf("data from byte %d", at),
			fmt.Sprintf("has its data at byte %d of the blobs; the data in front of it ends at byte %d, "+
				"and phones read on from there", op.offset, at))
	}
}
