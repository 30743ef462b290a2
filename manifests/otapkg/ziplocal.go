// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// The limits of what a whole package may unpack to: a hundred times its packed size and a little more.
const (
	maxTotalRatio = 100
	totalSlack    = 16 << 20

	headersAhead = 64 << 10 // bytes that are read with a header, for those of small entries behind it
)

// readLocals compares each entry with its own header (APPNOTE 4.3.7), fills in where its content lies, and
// checks that the entries tile the file from byte 0 to the directory. Entries whose content cannot be
// addressed are left out.
func (a *Archive) readLocals(all []central, fs *Findings) error {
	src, e := source{newAhead(a.src, headersAhead), a.src.size}, a.end
	slices.SortStableFunc(all, func(a, b central) int { return cmp.Compare(a.header, b.header) })
	a.entries = make([]Entry, 0, len(all))
	forms := streamForms{spare: e.spare}
	var buf []byte    // for one local header
	var gaps Findings // told only if nobody knows what they are
	end, before := int64(0), ""
	for i := range all {
		c := &all[i]
		c.judge(&forms, fs)
		ok, err := c.readLocal(src, e, &buf, &forms, fs)
		if err != nil {
			return err
		}
		if !ok {
			a.lost[c.Name] = true
			continue
		}
		if i == 0 && e.shift == 0 && c.header > 0 {
			gaps.add(prefix(c.header))
			end = c.header
		}
		if i == 0 {
			end = max(end, e.shift)
		}
		if c.header < end {
			fs.add(Finding{Code: ZipOverlap, Found: fmt.Sprintf("bytes %d to %d", c.header, end),
				Wanted: "entries that share nothing", Fix: "Build the package again.",
				Message: fmt.Sprintf("Entries %s and %s share bytes %d–%d.", show(before), show(c.Name), c.header,
					min(end, c.Offset+c.Packed)-1)})
		} else if c.header > end {
			gaps.add(gap(end, c.header-end))
		}
		next := e.dir
		if i+1 < len(all) {
			next = all[i+1].header
		}
		if err := c.readTail(src, next, &forms, fs); err != nil {
			return err
		}
		if after := c.Offset + c.Packed + c.tail; after > end {
			end, before = after, c.Name
		}
		a.entries = append(a.entries, c.Entry)
	}
	if len(all) > 0 && end < e.dir {
		gaps.add(gap(end, e.dir-end))
	}
	if len(all) == 0 && e.dir > e.shift {
		gaps.add(gap(0, e.dir))
	}
	if len(a.lost) == 0 { // else they are entries that were refused
		*fs = append(*fs, gaps...)
	}
	judgeTotal(all, fs)
	forms.judge(fs)
	return nil
}

// judgeTotal bounds the work of unpacking everything. Packed sizes of entries that share nothing add up to less
// than the file.
func judgeTotal(all []central, fs *Findings) {
	var size, packed int64
	for _, c := range all {
		size, packed = min(size+c.Size, 2*maxSize), min(packed+c.Packed, 2*maxSize)
	}
	if most := packed*maxTotalRatio + totalSlack; size > most {
		fs.add(Finding{Code: ZipBomb, Found: human(size), Wanted: fmt.Sprintf("at most %s", human(most)),
			Message: fmt.Sprintf("The package would unpack to %s from %s; a hundredfold is the limit.", human(size),
				human(packed))})
	}
}

// readLocal compares the entry with its local header and sets Offset. ok is false if there is no such header
// or the content would not lie before the directory.
func (c *central) readLocal(src source, e *ending, buf *[]byte, forms *streamForms, fs *Findings) (ok bool, err error) {
	if c.header < 0 || c.header > e.dir-localLen {
		fs.add(c.mismatch(fmt.Sprintf("the directory puts it at byte %d, where no entry can be", c.header)))
		return false, nil
	}
	*buf = slices.Grow((*buf)[:0], localLen+2*math.MaxUint16)
	h, err := src.into((*buf)[:0:localLen], c.header, localLen)
	if err != nil {
		return false, err
	}
	if string(h[:4]) != "PK\x03\x04" {
		fs.add(c.mismatch(fmt.Sprintf("the directory puts it at byte %d, where no entry begins", c.header)))
		return false, nil
	}
	n, x := int64(le.Uint16(h[26:])), int64(le.Uint16(h[28:]))
	c.Offset = c.header + localLen + n + x
	if c.Offset > e.dir || c.Packed > e.dir-c.Offset {
		fs.add(c.mismatch("its content would run into the directory"))
		return false, nil
	}
	rest, err := src.into((*buf)[localLen:localLen], c.header+localLen, n+x)
	if err != nil {
		return false, err
	}
	if string(rest[:n]) != c.Name {
		fs.add(c.mismatch("its own header names it " + show(string(rest[:n]))))
	}
	c.needs = max(c.needs, h[4])
	c.judgeNeeds(fs)
	if flags, method := le.Uint16(h[6:]), le.Uint16(h[8:]); flags != c.flags || method != c.method {
		fs.add(c.mismatch(fmt.Sprintf("directory says method %d and flags %#x, its own header says %d and %#x", c.method,
			c.flags, method, flags)))
	}
	c.compareSizes(h, rest[n:], forms, fs)
	return true, nil
}

// compareSizes compares sizes and checksum. With a data descriptor the local header may leave each of them zero.
func (c *central) compareSizes(h, extra []byte, forms *streamForms, fs *Findings) {
	crc := le.Uint32(h[14:])
	packed, size := int64(le.Uint32(h[18:])), int64(le.Uint32(h[22:]))
	z := zip64Field{&size, &packed}
	marked := z.marked()
	found, err := z.read(extra)
	if err != nil {
		fs.add(c.mismatch("in its own header, " + err.Error()))
		return
	}
	if bare := marked > 0 && !found; bare || marked == 1 {
		forms.bare = append(forms.bare, c.Name)
	} else if found && c.Size < marker && c.Packed < marker {
		forms.needless = append(forms.needless, c.Name)
	}
	// Without a field the marker says no more than that the directory has the size.
	same := func(own, listed int64) bool {
		return own == listed || own == marker && !found && listed >= marker || own == 0 && c.flags&flagDescriptor != 0
	}
	if !same(int64(crc), int64(c.CRC32)) || !same(packed, c.Packed) || !same(size, c.Size) {
		fs.add(c.mismatch(fmt.Sprintf("directory says %d bytes packed to %d with checksum %08x, its own header says %d, "+
			"%d, %08x", c.Size, c.Packed, c.CRC32, size, packed, crc)))
	}
}

// readTail finds the entry's data descriptor (APPNOTE 4.3.9) between its content and next, where the next header or
// the directory begins. It may have four forms: with or without a signature, with sizes of four or eight bytes.
// Whatever it does not fill is a gap, which the caller finds. A descriptor that no header speaks of is accepted
// if it says nothing new: avbroot leaves such behind.
func (c *central) readTail(src source, next int64, forms *streamForms, fs *Findings) error {
	end := c.Offset + c.Packed
	stated := c.flags&flagDescriptor != 0
	room := next - end
	if room < 0 || !stated && room != 16 && room != 24 {
		return nil // an overlap or a gap, which the caller finds
	}
	b, err := src.bytes(end, min(room, 24))
	if err != nil {
		return err
	}
	for _, n := range []int{int(min(room, 25)), 16, 12, 24, 20} { // what fills the room first
		if n <= len(b) && c.isDescriptor(b[:n]) {
			c.tail = int64(n)
			break
		}
	}
	big := c.Size >= marker || c.Packed >= marker
	switch {
	case stated && c.tail == 0:
		fs.add(c.mismatch("the data descriptor after its content says something else than the directory, or is missing"))
		c.tail = int64(len(b)) // so that it is not told once more as a gap
	case c.tail == 0:
	case !stated:
		forms.former = append(forms.former, c.Name)
	case c.tail >= 20 && !big:
		forms.long = append(forms.long, c.Name)
	case c.Stored:
		forms.stored = append(forms.stored, c.Name)
	}
	return nil
}

func (c *central) isDescriptor(b []byte) bool {
	switch len(b) {
	case 16, 24: // with signature
		if string(b[:4]) != "PK\x07\x08" {
			return false
		}
		b = b[4:]
	case 12, 20:
	default:
		return false
	}
	if le.Uint32(b) != c.CRC32 {
		return false
	}
	if len(b) == 12 {
		return int64(le.Uint32(b[4:])) == c.Packed && int64(le.Uint32(b[8:])) == c.Size
	}
	return le.Uint64(b[4:]) == uint64(c.Packed) && le.Uint64(b[12:]) == uint64(c.Size)
}
