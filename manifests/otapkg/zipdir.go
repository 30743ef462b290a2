// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
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

func (c *central) mismatch(what string) Finding { return mismatch("Entry "+show(c.Name), what) }

// judge finds what is wrong with an entry by itself.
func (c *central) judge(fs *Findings) {
	if why := badName(c.Name); why != "" {
		fs.add(badPath(c.Name, why))
	}
	folder := strings.HasSuffix(c.Name, "/")
	switch mode := c.attr >> 16 & 0o170000; {
	case mode == 0o120000:
		fs.add(Finding{Code: ZipPath, Found: show(c.Name), Wanted: "files and folders", Fix: "Let the script make the link.",
			Message: fmt.Sprintf("Entry %s is a symbolic link, which could lead out of the package.", show(c.Name))})
	case mode != 0 && mode != 0o100000 && mode != 0o040000:
		fs.add(Finding{Code: ZipPath, Found: show(c.Name), Wanted: "files and folders",
			Message: fmt.Sprintf("Entry %s is a device or a pipe.", show(c.Name))})
	}
	if c.flags&flagEncrypted != 0 || c.flags&^uint16(flagsKnown) != 0 {
		fs.add(Finding{Code: ZipMethod, Found: fmt.Sprintf("flags %#04x", c.flags), Wanted: "no encryption",
			Message: fmt.Sprintf("Entry %s is encrypted or uses features that recovery does not have.", show(c.Name))})
	}
	if c.method != stored && c.method != deflated {
		fs.add(Finding{Code: ZipMethod, Found: fmt.Sprintf("method %d", c.method), Wanted: "stored (0) or deflated (8)",
			Fix: "Pack it with zip or signapk.",
			Message: fmt.Sprintf("Entry %s is packed by method %d; recovery reads stored and deflated entries only.",
				show(c.Name), c.method)})
	}
	if c.disk != 0 {
		fs.add(Finding{Code: ZipMethod, Found: fmt.Sprintf("disk %d", c.disk), Wanted: "one file",
			Message: fmt.Sprintf("Entry %s lies on another disk.", show(c.Name))})
	}
	if c.Stored && c.Size != c.Packed {
		fs.add(c.mismatch(fmt.Sprintf("it is stored, yet packed size %d is not its size %d", c.Packed, c.Size)))
	}
	if folder && (c.Size != 0 || c.Packed > 2) {
		fs.add(c.mismatch("it is a folder with content"))
	}
	c.judgeSize(fs)
}

func badPath(name, why string) Finding {
	return Finding{Code: ZipPath, Found: show(name), Wanted: "a plain relative path",
		Fix:     "Build the package without this entry.",
		Message: fmt.Sprintf("Entry name %s %s.", show(name), why)}
}

// badName says what is wrong with an entry name, or nothing.
func badName(name string) string {
	switch {
	case name == "":
		return "is empty"
	case !utf8.ValidString(name):
		return "is not UTF-8"
	case strings.ContainsAny(name, "\\") || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return "holds a backslash or a control character"
	case strings.HasPrefix(name, "/"):
		return "is absolute and would leave the package"
	case slices.Contains(strings.Split(name, "/"), ".."):
		return "would leave the package"
	}
	return ""
}

// maxRatio is a little above the best that DEFLATE can do.
const maxRatio = 1032

// entryCap is the most that the entries which are read into memory may hold.
var entryCap = map[string]int64{
	nameMetadata:   64 << 10,
	nameMetadataPB: 1 << 20,
	nameProperties: 4 << 10,
	nameScript:     4 << 20,
	nameOTACert:    64 << 10,
	nameBuildProp:  1 << 20,
}

func (c *central) judgeSize(fs *Findings) {
	limit, why := maxSize, ""
	if most, ok := entryCap[c.Name]; ok {
		limit = most
	} else if strings.HasSuffix(c.Name, ".transfer.list") {
		limit = 64 << 20
	} else if c.method == deflated && c.Packed < maxSize/maxRatio {
		limit, why = c.Packed*maxRatio+64, ", the most that its packed size can hold"
	}
	if c.Size > limit || c.Size >= maxSize || c.Packed >= maxSize {
		fs.add(Finding{Code: ZipBomb, Found: fmt.Sprintf("%d bytes", c.Size), Wanted: fmt.Sprintf("at most %d", limit),
			Message: fmt.Sprintf("%s would unpack to %s; the limit is %s%s.", show(c.Name), human(c.Size), human(limit), why)})
	}
}

// human writes a size for people.
func human(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

// judgeNames refuses names that some file system or reader would take for the same, and files where others need a
// folder: to unpack both fails in the middle, when the old system is gone.
func judgeNames(all []central, fs *Findings) {
	keys, seen := make([]string, len(all)), make(map[string]int, len(all))
	for i, c := range all {
		keys[i] = strings.ToLower(path.Clean(c.Name))
		j, dup := seen[keys[i]]
		if !dup {
			seen[keys[i]] = i
			continue
		}
		what := fmt.Sprintf("%s occurs twice (bytes %d and %d).", show(c.Name), all[j].header, c.header)
		if all[j].Name != c.Name {
			what = fmt.Sprintf("%s and %s are the same name to some readers (bytes %d and %d).", show(all[j].Name),
				show(c.Name), all[j].header, c.header)
		}
		fs.add(Finding{Code: ZipDup, Found: show(c.Name), Wanted: "each name once",
			Fix: "Build the package again with one of them.", Message: what})
	}
	for i, key := range keys {
		for end := strings.LastIndexByte(key, '/'); end > 0; end = strings.LastIndexByte(key[:end], '/') {
			j, is := seen[key[:end]]
			if is && !strings.HasSuffix(all[j].Name, "/") && !fs.full(ZipDup) {
				fs.add(Finding{Code: ZipDup, Found: show(all[j].Name), Wanted: "a file or a folder",
					Fix:     "Build the package again with one of them.",
					Message: fmt.Sprintf("%s is a file, yet %s lies in a folder of that name.", show(all[j].Name), show(all[i].Name))})
			}
		}
	}
}
