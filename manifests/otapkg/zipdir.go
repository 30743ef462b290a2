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
)

// central is an entry as the directory describes it.
type central struct {
	Entry
	method uint16
	attr   uint32
	disk   uint16
}

// readDirectory reads the central directory (APPNOTE 4.3.12) and everything in it that can be judged by itself.
func readDirectory(src source, e *ending, fs *Findings) ([]central, error) {
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
			continue
		}
		c, err := parseCentral(head, rest)
		if err != nil {
			fs.add(c.mismatch(err.Error()))
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
	c.flags = le.Uint16(head[8:])
	c.CRC32 = le.Uint32(head[16:])
	c.Packed, c.Size, c.header = int64(le.Uint32(head[20:])), int64(le.Uint32(head[24:])), int64(le.Uint32(head[42:]))
	c.Stored = c.method == stored
	var wide []*int64
	for _, v := range []*int64{&c.Size, &c.Packed, &c.header} {
		if *v == 0xFFFFFFFF {
			wide = append(wide, v)
		}
	}
	if c.disk == 0xFFFF {
		return c, errors.New("it names a disk in Zip64 form")
	}
	c.wide = len(wide) > 0
	return c, readZip64Extra(rest[n:n+x], wide)
}

// Extra fields that matter: Zip64 (APPNOTE 4.5.3) and the Info-ZIP Unicode Path (4.6.9).
const (
	extraZip64       = 0x0001
	extraUnicodePath = 0x7075
)

// readZip64Extra fills in the values whose 32-bit fields hold the marker, and refuses a Zip64 field that is not
// asked for, and a second name: readers differ on what such fields mean.
func readZip64Extra(extra []byte, wide []*int64) error {
	found := false
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return errors.New("an extra field is longer than its room")
		}
		switch body := extra[4 : 4+n]; id {
		case extraUnicodePath:
			return errors.New("it carries a second name, which some readers take and phones do not")
		case extraZip64:
			if found || len(body) != 8*len(wide) || len(wide) == 0 {
				return errors.New("its Zip64 field and its ordinary sizes do not belong together")
			}
			for i, v := range wide {
				*v = clampInt64(le.Uint64(body[8*i:]))
			}
			found = true
		}
		extra = extra[4+n:] // up to three bytes of padding may remain: zipalign leaves them
	}
	if !found && len(wide) > 0 {
		return errors.New("it needs a Zip64 field and has none")
	}
	return nil
}
