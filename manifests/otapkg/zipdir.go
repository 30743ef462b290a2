// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	centralLen = 46
	maxName    = 255 // bytes
	localLen   = 30

	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3
	flagsKnown     = 1<<1 | 1<<2 | flagDescriptor | 1<<11 // deflate level, descriptor, UTF-8

	stored   = 0
	deflated = 8

	maxNeeds = 45 // APPNOTE 4.4.3: Zip64, and nothing that came later
)

// central is an entry as the directory describes it.
type central struct {
	Entry
	method uint16
	needs  byte // version needed to extract, in tenths
	attr   uint32
	disk   uint16
}

// readDirectory reads the central directory (APPNOTE 4.3.12) and everything in it that can be judged by itself.
func (a *Archive) readDirectory(fs *Findings) ([]central, error) {
	src, e := a.src, a.end
	in := bufio.NewReaderSize(io.NewSectionReader(src.r, e.dir, e.dirEnd-e.dir), 64<<10)
	left := e.dirEnd - e.dir
	all := make([]central, 0, min(e.count, maxEntries, left/centralLen))
	head := make([]byte, centralLen)
	var buf []byte
	seen := int64(0)
	for ; left > 0 && seen <= maxEntries; seen++ {
		if left < centralLen {
			fs.add(mismatch("The zip directory", fmt.Sprintf("%d bytes after entry %d are no entry", left, seen)))
			return all, nil
		}
		if _, err := io.ReadFull(in, head); err != nil {
			return nil, readFault(e.dirEnd-left, err)
		}
		names := int64(le.Uint16(head[28:])) + int64(le.Uint16(head[30:])) + int64(le.Uint16(head[32:]))
		if string(head[:4]) != "PK\x01\x02" || left-centralLen < names {
			fs.add(mismatch("The zip directory", fmt.Sprintf("entry %d cannot be read", seen+1)))
			return all, nil
		}
		buf = slices.Grow(buf[:0], int(names))
		rest := buf[:names]
		if _, err := io.ReadFull(in, rest); err != nil {
			return nil, readFault(e.dirEnd-left, err)
		}
		left -= centralLen + names
		if n := le.Uint16(head[28:]); n > maxName { // not kept, so that names cannot fill the memory
			fs.add(badPath(string(rest[:n]), "is longer than 255 bytes"))
			a.lost[""] = true
			continue
		}
		c, err := parseCentral(head, rest)
		if err != nil {
			fs.add(c.mismatch(err.Error()))
			a.lost[c.Name] = true
			continue
		}
		c.header += e.shift
		all = append(all, c)
	}
	if seen != e.count {
		fs.add(mismatch("The zip directory", fmt.Sprintf("it promises %d entries and holds %d", e.count, seen)))
	}
	return all, nil
}

func parseCentral(head, rest []byte) (central, error) {
	n := int(le.Uint16(head[28:]))
	x := int(le.Uint16(head[30:]))
	c := central{method: le.Uint16(head[10:]), attr: le.Uint32(head[38:]), disk: le.Uint16(head[34:])}
	c.Name = string(rest[:n])
	c.needs = head[6]
	c.flags = le.Uint16(head[8:])
	c.CRC32 = le.Uint32(head[16:])
	c.Packed, c.Size, c.header = int64(le.Uint32(head[20:])), int64(le.Uint32(head[24:])), int64(le.Uint32(head[42:]))
	c.Stored = c.method == stored
	if c.disk == 0xFFFF {
		return c, errors.New("it names a disk in Zip64 form")
	}
	z := zip64Field{&c.Size, &c.Packed, &c.header}
	c.wide = z.marked() > 0
	found, err := z.read(rest[n : n+x])
	if err == nil && !found && c.wide {
		err = errors.New("it needs a Zip64 field and has none")
	}
	return c, err
}

// Extra fields that matter: Zip64 (APPNOTE 4.5.3) and the Info-ZIP Unicode Path (4.6.9).
const (
	extraZip64       = 0x0001
	extraUnicodePath = 0x7075

	marker = 0xFFFFFFFF // the value is in the Zip64 field
)

// zip64Field are the values of a header that its Zip64 field may hold, in the order of the field.
type zip64Field []*int64

// marked counts the values whose 32-bit fields hold the marker.
func (z zip64Field) marked() (n int) {
	for _, v := range z {
		if *v == marker {
			n++
		}
	}
	return n
}

// read fills in the marked values, and refuses a field that is not asked for, and a second name: readers
// differ on what such fields mean. A directory's field may hold all three values, as Go's archive/zip writes
// it and Android's libziparchive reads it; those that are not marked must then say the same twice.
func (z zip64Field) read(extra []byte) (found bool, err error) {
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return found, errors.New("an extra field is longer than its room")
		}
		switch body := extra[4 : 4+n]; id {
		case extraUnicodePath:
			return found, errors.New("it carries a second name, which some readers take and phones do not")
		case extraZip64:
			if found || !z.fill(body) {
				return found, errors.New("its Zip64 field and its ordinary sizes do not belong together")
			}
			found = true
		}
		extra = extra[4+n:] // up to three bytes of padding may remain: zipalign leaves them
	}
	return found, nil
}

func (z zip64Field) fill(body []byte) bool {
	marked := z.marked()
	whole := len(z) == 3 && len(body) == 24
	if marked == 0 || len(body) != 8*marked && !whole {
		return false
	}
	for _, v := range z {
		if *v != marker && !whole {
			continue
		}
		now := clampInt64(le.Uint64(body))
		if *v != marker && *v != now {
			return false
		}
		*v, body = now, body[8:]
	}
	return true
}
