// SPDX-License-Identifier: Apache-2.0

package otapkg

import "fmt"

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
	var total int64
	for _, x := range p.parts {
		total = min(total+min(x.Size, maxSize), 2*maxSize)
		if f, wrong := p.judgePartition(x); wrong {
			f.Code = ABRange
			fs.add(f)
		}
	}
	if total > maxSize {
		fs.add(Finding{Code: ABRange, Found: human(total) + " or more", Wanted: "at most " + human(maxSize),
			Message: "The partitions are larger together than any phone."})
	}
}

// judgePartition finds what is wrong with the size of a partition, or with the blocks that are read and written.
func (p *Payload) judgePartition(x partition) (f Finding, wrong bool) {
	bad := func(found, wanted, format string, args ...any) (Finding, bool) {
		return Finding{Found: found, Wanted: wanted, Fix: "Build the package again.",
			Message: fmt.Sprintf(format, args...)}, true
	}
	if len(x.hash) != 32 || !wholeBlocks(x.Size, p.blockSize) {
		return bad(fmt.Sprintf("%d bytes, hash of %d bytes", x.Size, len(x.hash)), "a size in whole blocks and a SHA-256",
			"Partition %s lacks the size in whole blocks or the SHA-256 that it has after the update.", show(x.Name))
	}
	have := uint64(x.Size) / uint64(p.blockSize)
	switch {
	case x.end > have:
		return bad(fmt.Sprintf("blocks up to %d", x.end), fmt.Sprintf("%d blocks", have),
			"Operations write beyond the end of partition %s: up to block %d of %d.", show(x.Name), x.end, have)
	case !p.anyOld() && x.mixed:
		return bad("blocks out of order", "each block once, in order",
			"The operations of the full partition %s write blocks twice, or not in their order.", show(x.Name))
	case x.blocks > have || x.verity > have || (!x.old && x.blocks+x.verity != have):
		return bad(fmt.Sprintf("%d blocks written", x.blocks), fmt.Sprintf("%d blocks", have-min(x.verity, have)),
			"Operations write %d blocks of partition %s, which has %d, of which the phone computes %d.", x.blocks, show(x.Name),
			have, x.verity)
	case x.reads && !x.old && p.Delta():
		return bad("operations on the old partition", "its size and SHA-256",
			"Operations read what partition %s was before, but the payload does not say what it was; phones could not check it.",
			show(x.Name))
	case x.reads && x.old && (len(x.oldHash) != 32 || !wholeBlocks(x.oldSize, p.blockSize)):
		return bad(fmt.Sprintf("%d bytes, hash of %d bytes", x.oldSize, len(x.oldHash)),
			"a size in whole blocks and a SHA-256",
			"Partition %s lacks the size in whole blocks or the SHA-256 that it must have before the update.", show(x.Name))
	case x.reads && x.old && x.readEnd > uint64(x.oldSize)/uint64(p.blockSize):
		return bad(fmt.Sprintf("blocks up to %d", x.readEnd), fmt.Sprintf("%d blocks", x.oldSize/int64(p.blockSize)),
			"Operations read beyond the end of the old partition %s: up to block %d of %d.", show(x.Name), x.readEnd,
			x.oldSize/int64(p.blockSize))
	}
	return Finding{}, false
}

func wholeBlocks(size int64, blockSize uint32) bool {
	return size > 0 && size < maxSize && size%int64(blockSize) == 0
}

// judgeTwice finds a block that a delta writes twice. The operations of a delta follow the files of the old system and not
// the blocks, so it takes one bit a block: 32 MiB for the largest partition that makes sense. Only for a payload of which
// judgeRanges found nothing: then the bits of all partitions are no more than those of maxSize.
func (p *Payload) judgeTwice(fs *Findings) error {
	for _, x := range p.parts {
		if !x.mixed {
			continue
		}
		seen := make(blockSet, (uint64(x.Size)/uint64(p.blockSize)+63)/64)
		var block uint64
		var twice bool
		dst := func(e extent) error {
			if at, again := seen.add(e); again && !twice {
				block, twice = at, true
			}
			return nil
		}
		w := newWire(p.src.r, 0, x.from, x.to)
		err := w.fields(x.to, func(f field, after int64) (err error) {
			if f.message(8) {
				_, err = readOperation(w, after, dst, anywhere)
			}
			return err
		})
		if err != nil {
			return err
		}
		if twice {
			fs.add(Finding{Code: ABRange, Found: fmt.Sprintf("block %d twice", block), Wanted: "each block once",
				Fix: "Build the package again.", Message: fmt.Sprintf("Two operations of %s write block %d: what it holds "+
					"afterwards would depend on their order.", show(x.Name), block)})
		}
	}
	return nil
}

// blockSet has one bit a block.
type blockSet []uint64

// add takes in the blocks of e, which the set has room for, and gives one of them that it had already.
func (s blockSet) add(e extent) (twice uint64, again bool) {
	for at, end := e.start, e.start+e.n; at < end; {
		n := min(64-at%64, end-at)
		mask := ^uint64(0) >> (64 - n) << (at % 64)
		if s[at/64]&mask != 0 && !again {
			twice, again = at, true
		}
		s[at/64] |= mask
		at += n
	}
	return twice, again
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
