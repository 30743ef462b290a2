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
)

// readLocals compares each entry with its own header (APPNOTE 4.3.7), fills in where its content lies, and
// checks that the entries tile the file from byte 0 to the directory. Entries whose content cannot be
// addressed are left out.
func readLocals(src source, e *ending, all []central, fs *Findings) ([]Entry, error) {
	slices.SortStableFunc(all, func(a, b central) int { return cmp.Compare(a.header, b.header) })
	good := make([]Entry, 0, len(all))
	var buf []byte // for one local header
	var size, packed int64
	end, before := int64(0), ""
	for i := range all {
		c := &all[i]
		c.judge(fs)
		size, packed = min(size+c.Size, 2*maxSize), min(packed+c.Packed, 2*maxSize)
		ok, err := c.readLocal(src, e, &buf, fs)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if i == 0 && e.shift == 0 && c.header > 0 {
			fs.add(prefix(c.header))
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
			fs.add(gap(end, c.header-end))
		}
		next := e.dir
		if i+1 < len(all) {
			next = all[i+1].header
		}
		after, err := c.afterContent(src, next, fs)
		if err != nil {
			return nil, err
		}
		if after > end {
			end, before = after, c.Name
		}
		good = append(good, c.Entry)
	}
	if len(all) > 0 && end < e.dir {
		fs.add(gap(end, e.dir-end))
	}
	if len(all) == 0 && e.dir > e.shift {
		fs.add(gap(0, e.dir))
	}
	if size > packed*maxTotalRatio+totalSlack {
		fs.add(Finding{Code: ZipBomb, Found: human(size), Wanted: fmt.Sprintf("at most %s",
			human(packed*maxTotalRatio+totalSlack)),
			Message: fmt.Sprintf("The package would unpack to %s from %s; a hundredfold is the limit.", human(size),
				human(packed))})
	}
	return good, nil
}

// readLocal compares the entry with its local header and sets Offset. ok is false if there is no such header
// or the content would not lie before the directory.
func (c *central) readLocal(src source, e *ending, buf *[]byte, fs *Findings) (ok bool, err error) {
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
	if flags, method := le.Uint16(h[6:]), le.Uint16(h[8:]); flags != c.flags || method != c.method {
		fs.add(c.mismatch(fmt.Sprintf("directory says method %d and flags %#x, its own header says %d and %#x", c.method,
			c.flags, method, flags)))
	}
	c.compareSizes(h, rest[n:], fs)
	return true, nil
}

// compareSizes compares sizes and checksum. With a data descriptor the local header may leave them zero.
func (c *central) compareSizes(h, extra []byte, fs *Findings) {
	crc := le.Uint32(h[14:])
	packed, size := int64(le.Uint32(h[18:])), int64(le.Uint32(h[22:]))
	var wide []*int64
	if size == 0xFFFFFFFF {
		wide = append(wide, &size)
	}
	if packed == 0xFFFFFFFF {
		wide = append(wide, &packed)
	}
	if err := readZip64Extra(extra, wide); err != nil {
		fs.add(c.mismatch("in its own header, " + err.Error()))
		return
	}
	if c.flags&flagDescriptor != 0 && crc == 0 && packed == 0 && size == 0 {
		return
	}
	if crc != c.CRC32 || packed != c.Packed || size != c.Size {
		fs.add(c.mismatch(fmt.Sprintf("directory says %d bytes packed to %d with checksum %08x, its own header says %d, "+
			"%d, %08x", c.Size, c.Packed, c.CRC32, size, packed, crc)))
	}
}

// afterContent returns the offset after the entry's content and its data descriptor (APPNOTE 4.3.9), which
// may have four forms: with or without a signature, with sizes of four or eight bytes.
func (c *central) afterContent(src source, next int64, fs *Findings) (int64, error) {
	end := c.Offset + c.Packed
	if c.flags&flagDescriptor == 0 {
		return end, nil
	}
	room := next - end
	if room < 0 {
		return end, nil // an overlap, which the caller finds
	}
	b, err := src.bytes(end, min(room, 24))
	if err != nil {
		return 0, err
	}
	for _, n := range []int{16, 12, 24, 20} {
		if n <= len(b) && c.isDescriptor(b[:n]) {
			return end + int64(n), nil
		}
	}
	fs.add(c.mismatch("the data descriptor after its content says something else than the directory, or is missing"))
	return end, nil
}

func (c *central) isDescriptor(b []byte) bool {
	if len(b)%8 == 0 { // 16 and 24 bytes: with signature
		if string(b[:4]) != "PK\x07\x08" {
			return false
		}
		b = b[4:]
	}
	if le.Uint32(b) != c.CRC32 {
		return false
	}
	if len(b) == 12 {
		return int64(le.Uint32(b[4:])) == c.Packed && int64(le.Uint32(b[8:])) == c.Size
	}
	return le.Uint64(b[4:]) == uint64(c.Packed) && le.Uint64(b[12:]) == uint64(c.Size)
}
