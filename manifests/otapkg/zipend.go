// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Layouts are those of PKWARE's APPNOTE.TXT: 4.3.16 end of central directory (EOCD), 4.3.14 and 4.3.15 Zip64.
const (
	eocdLen      = 22
	zip64EOCDLen = 56
	zip64LocLen  = 20
	maxComment   = 65535

	// maxEntries bounds memory; real packages hold up to some 10,000.
	maxEntries = 32768
	maxSize    = int64(1) << 40
)

var le = binary.LittleEndian

// ending is what the last bytes of the file say about the archive.
type ending struct {
	eocd    int64  // offset of the EOCD
	comment []byte // its comment, up to the end of the file
	dir     int64  // offset of the directory
	dirEnd  int64  // and of the first byte after it
	count   int64  // entries it should hold
	shift   int64  // bytes by which everything lies later than it says
	wide    bool   // it is a Zip64 directory
	spare   bool   // it has a Zip64 record that no number in it asks for
}

// readEnding finds the one zip directory. It returns nil if there is none to go on with.
//
// The rule is recovery's: the EOCD with its comment ends the file and no second one follows. The earliest
// EOCD that ends the file is taken; readers that search backwards find the same one, because whatever
// follows it is refused.
func readEnding(src source, fs *Findings) (*ending, error) {
	n := min(src.size, eocdLen+maxComment)
	base := src.size - n
	tail, err := src.bytes(base, n)
	if err != nil {
		return nil, err
	}
	at, last := findEOCD(tail)
	if last < 0 {
		return nil, noArchive(src, fs)
	}
	if signed := footedEOCD(tail); at < 0 && signed >= 0 {
		at = signed
		fs.add(Finding{Code: SigSize, Found: fmt.Sprintf("a comment of %d bytes", le.Uint16(tail[at+20:])),
			Wanted: fmt.Sprintf("%d, up to the signature's footer", len(tail)-at-eocdLen), Fix: "Sign the package again.",
			Message: fmt.Sprintf("The zip directory says that its comment has %d bytes, the signature footer says %d.",
				le.Uint16(tail[at+20:]), len(tail)-at-eocdLen)})
	}
	if at >= 0 && last != at {
		fs.add(Finding{Code: ZipTwoDir, Found: fmt.Sprintf("a directory end at byte %d and another at byte %d",
			base+int64(at), base+int64(last)),
			Wanted: "one", Fix: "Build and sign the package again from its files.",
			Message: fmt.Sprintf("A second zip directory begins at byte %d, inside the comment. "+
				"Devices and servers would read different contents. Recovery refuses this too.", base+int64(last))})
	}
	if at < 0 {
		at = last
		end := base + int64(at) + eocdLen + int64(le.Uint16(tail[at+20:]))
		if end > src.size {
			fs.add(Finding{Code: ZipNot, Found: fmt.Sprintf("%d bytes", src.size), Wanted: fmt.Sprintf("%d bytes", end),
				Fix: "Upload the file again; it was cut off.",
				Message: fmt.Sprintf("The zip directory says that the file has %d bytes, but it has %d: the end is missing.", end,
					src.size)})
			return nil, nil
		}
		fs.add(Finding{Code: ZipTrail, Found: fmt.Sprintf("%d bytes from byte %d", src.size-end, end),
			Wanted: "nothing after the archive", Fix: "Upload the file as the build made it.",
			Message: fmt.Sprintf("%d bytes lie after the zip directory and its comment.", src.size-end)})
	}
	e := &ending{eocd: base + int64(at), comment: tail[at+eocdLen:]}
	ok, err := e.readDirectoryPlace(src, tail[at:at+eocdLen], fs)
	if err != nil || !ok {
		return nil, err
	}
	return e, nil
}

// findEOCD returns the first EOCD in tail whose comment ends the file, and the last one of any kind; -1 for none.
func findEOCD(tail []byte) (at, last int) {
	at, last = -1, -1
	sig := []byte("PK\x05\x06")
	for i := 0; ; {
		j := bytes.Index(tail[i:], sig)
		if j < 0 {
			return at, last
		}
		i += j
		if len(tail)-i >= eocdLen {
			last = i
			if at < 0 && i+eocdLen+int(le.Uint16(tail[i+20:])) == len(tail) {
				at = i
			}
		} else if at >= 0 {
			last = i // recovery looks for the four bytes alone
		}
		i += len(sig)
	}
}

// footedEOCD finds the EOCD as recovery does, by the footer of a whole-file signature; -1 if there is none.
func footedEOCD(tail []byte) int {
	n := len(tail)
	if n < footerLen || tail[n-4] != 0xFF || tail[n-3] != 0xFF {
		return -1
	}
	at := n - int(le.Uint16(tail[n-2:])) - eocdLen
	if at < 0 || string(tail[at:at+4]) != "PK\x05\x06" {
		return -1
	}
	return at
}

func noArchive(src source, fs *Findings) error {
	head, err := src.bytes(0, min(src.size, 512))
	if err != nil {
		return err
	}
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) || (len(head) > 262 && string(head[257:262]) == "ustar") {
		fs.add(fastboot("a compressed or tar archive"))
		return nil
	}
	fs.add(Finding{Code: ZipNot, Found: "no zip directory", Wanted: "a zip archive",
		Fix: "Upload the recovery or OTA package itself.",
		Message: "This is not a zip archive. An OTA package ends with a zip directory; " +
			"nothing like it was found in the last 64 KiB."})
	return nil
}

func fastboot(found string) Finding {
	return Finding{Code: ZipFastboot, Found: found, Wanted: "an OTA package",
		Fix: "Upload the recovery package (miui_<name>_<version>_….zip).",
		Message: "This is a fastboot image set for flashing by cable, not an OTA. " +
			"Upload the recovery package (`miui_<name>_<version>_….zip`)."}
}

// readDirectoryPlace reads where the directory lies, from the EOCD b or from the Zip64 records before it.
func (e *ending) readDirectoryPlace(src source, b []byte, fs *Findings) (bool, error) {
	disk, dirDisk := le.Uint16(b[4:]), le.Uint16(b[6:])
	here, total := int64(le.Uint16(b[8:])), int64(le.Uint16(b[10:]))
	size, start := int64(le.Uint32(b[12:])), int64(le.Uint32(b[16:]))
	several := disk != 0 || dirDisk != 0
	e.dirEnd = e.eocd
	marked := here == 0xFFFF || total == 0xFFFF || size == 0xFFFFFFFF || start == 0xFFFFFFFF
	z, err := e.readZip64(src, fs)
	if err != nil {
		return false, err
	}
	if z != nil {
		e.wide, e.spare = marked, !marked
		agree := func(old, marker, now int64) bool { return old == marker || old == now }
		if !agree(here, 0xFFFF, z.here) || !agree(total, 0xFFFF, z.total) || !agree(size, 0xFFFFFFFF, z.size) ||
			!agree(start, 0xFFFFFFFF, z.start) {
			fs.add(mismatch("The zip directory", "its Zip64 record says something else than its ordinary one"))
		}
		here, total, size, start = z.here, z.total, z.size, z.start
		several = z.disk != 0 || !agree(int64(disk), 0xFFFF, 0) || !agree(int64(dirDisk), 0xFFFF, 0)
	}
	if several || here != total {
		fs.add(Finding{Code: ZipMethod, Found: "an archive on several disks", Wanted: "one file",
			Message: "The archive is spread over several disks; an OTA package is one file."})
	}
	e.count = total
	if total > maxEntries {
		fs.add(Finding{Code: ZipBomb, Found: fmt.Sprintf("%d entries", total), Wanted: fmt.Sprintf("at most %d", maxEntries),
			Message: fmt.Sprintf("The archive claims %d entries; the limit is %d.", total, maxEntries)})
		return false, nil
	}
	if size < 0 || start < 0 || size > e.dirEnd || start > e.dirEnd-size {
		fs.add(Finding{Code: ZipNot, Found: fmt.Sprintf("a directory of %d bytes at byte %d", size, start),
			Wanted: fmt.Sprintf("one that ends at byte %d", e.dirEnd), Fix: "Upload the file again; " +
				"it may have been cut or changed.",
			Message: fmt.Sprintf("The zip directory should lie at byte %d with %d bytes, which is not inside the file.", start,
				size)})
		return false, nil
	}
	return true, e.place(src, start, size, fs)
}

// place settles the offset of the directory: where it says, or directly before its end if the archive was moved.
func (e *ending) place(src source, start, size int64, fs *Findings) error {
	e.dir = start
	slack := e.dirEnd - size - start
	if slack == 0 {
		return nil
	}
	moved, err := src.bytes(start+slack, min(4, size))
	if err != nil {
		return err
	}
	if string(moved) != "PK\x01\x02" {
		e.dirEnd = start + size
		fs.add(gap(e.dirEnd, slack))
		return nil
	}
	e.dir, e.shift = start+slack, slack
	fs.add(prefix(slack))
	return nil
}

func prefix(n int64) Finding {
	return Finding{Code: ZipPrefix, Found: fmt.Sprintf("%d bytes", n), Wanted: "the first entry at byte 0",
		Fix:     "Upload the file as the build made it.",
		Message: fmt.Sprintf("%d bytes lie before the first entry.", n)}
}

func gap(at, n int64) Finding {
	return Finding{Code: ZipGap, Found: fmt.Sprintf("%d bytes at byte %d", n, at),
		Wanted: "entries that follow one another", Fix: "Build the package again; nothing may hide between entries.",
		Message: fmt.Sprintf("%d unaccounted bytes at byte %d.", n, at)}
}

func mismatch(who, what string) Finding {
	return Finding{Code: ZipMismatch, Found: what, Wanted: "one description of each entry",
		Fix:     "Build the package again.",
		Message: fmt.Sprintf("%s: %s.", who, what)}
}

type zip64End struct{ here, total, size, start, disk int64 }

// readZip64 reads the Zip64 end of directory if its locator lies directly before the EOCD, also one that no
// marker in the EOCD asks for, as Info-ZIP writes it into a pipe.
func (e *ending) readZip64(src source, fs *Findings) (*zip64End, error) {
	if e.eocd < zip64LocLen {
		return nil, nil
	}
	loc, err := src.bytes(e.eocd-zip64LocLen, zip64LocLen)
	if err != nil || string(loc[:4]) != "PK\x06\x07" {
		return nil, err
	}
	at := e.eocd - zip64LocLen - zip64EOCDLen
	if at < 0 {
		fs.add(mismatch("The zip directory", "it has a Zip64 locator, but no Zip64 record before it"))
		return nil, nil
	}
	b, err := src.bytes(at, zip64EOCDLen)
	if err != nil {
		return nil, err
	}
	if string(b[:4]) != "PK\x06\x06" || le.Uint64(b[4:]) != zip64EOCDLen-12 || le.Uint64(loc[8:]) != uint64(at) ||
		le.Uint32(loc[16:]) > 1 {
		fs.add(mismatch("The zip directory", "its Zip64 locator does not point at a plain Zip64 record directly before it"))
		return nil, nil
	}
	e.dirEnd = at
	num := func(i int) int64 { return clampInt64(le.Uint64(b[i:])) }
	return &zip64End{here: num(24), total: num(32), size: num(40), start: num(48),
		disk: int64(le.Uint32(b[16:]) | le.Uint32(b[20:]) | le.Uint32(loc[4:]))}, nil
}

// clampInt64 turns what is far too large into what every check refuses.
func clampInt64(u uint64) int64 {
	if u > uint64(maxSize) {
		return maxSize
	}
	return int64(u)
}
