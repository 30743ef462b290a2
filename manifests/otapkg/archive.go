// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
)

// Names that mean something in an OTA package.
const (
	nameMetadata   = "META-INF/com/android/metadata"
	nameMetadataPB = "META-INF/com/android/metadata.pb"
	nameOTACert    = "META-INF/com/android/otacert"
	nameScript     = "META-INF/com/google/android/updater-script"
	nameBuildProp  = "system/build.prop"
	namePayload    = "payload.bin"
	nameProperties = "payload_properties.txt"
)

// Entry is one file or folder of a package.
type Entry struct {
	Name   string `json:"name"`   // with / between folders; a folder ends in /
	Size   int64  `json:"size"`   // bytes when unpacked
	Packed int64  `json:"packed"` // bytes in the zip
	Offset int64  `json:"offset"` // of the content, from the start of the zip
	CRC32  uint32 `json:"crc32"`  // IEEE, of the unpacked content
	Stored bool   `json:"stored"` // not compressed: Offset and Size address the content itself

	header int64  // offset of its local header
	flags  uint16 // general purpose flags
	wide   bool   // uses Zip64
}

// Archive is a package whose zip directory was read strictly.
type Archive struct {
	src     source
	end     *ending
	entries []Entry
	byName  map[string]int
}

// ReadArchive reads the zip directory of the package of size bytes in r and every header that it points to.
// The archive is nil if there is no directory to read. It must not be used if the findings refuse it: it then
// serves only to find more that is wrong. The error is only ever one of r.
func ReadArchive(r io.ReaderAt, size int64) (*Archive, Findings, error) {
	var fs Findings
	src := source{r, size}
	end, err := readEnding(src, &fs)
	if err != nil || end == nil {
		return nil, fs, err
	}
	all, err := readDirectory(src, end, &fs)
	if err != nil {
		return nil, fs, err
	}
	judgeNames(all, &fs)
	entries, err := readLocals(src, end, all, &fs)
	if err != nil {
		return nil, fs, err
	}
	a := &Archive{src: src, end: end, entries: entries, byName: make(map[string]int, len(entries))}
	for i, e := range entries {
		if _, dup := a.byName[e.Name]; !dup {
			a.byName[e.Name] = i
		}
	}
	return a, fs, nil
}

// Entries lists the entries in the order of their bytes. The caller may keep the slice.
func (a *Archive) Entries() []Entry { return slices.Clone(a.entries) }

// Entry finds an entry by its exact name.
func (a *Archive) Entry(name string) (Entry, bool) {
	i, ok := a.byName[name]
	if !ok {
		return Entry{}, false
	}
	return a.entries[i], true
}

// ErrContent is wrapped by every error about content that is not what the directory promises: another
// length, another checksum, or no valid DEFLATE stream. Other errors come from the reader of the package.
var ErrContent = errors.New("content is not what the zip directory promises")

// Open reads the content of one entry. Reading never yields more than Entry.Size bytes, and it ends with
// io.EOF only if length and checksum are right; otherwise with an error that wraps [ErrContent].
// A name that is not there gives an error that wraps fs.ErrNotExist.
func (a *Archive) Open(name string) (io.ReadCloser, error) {
	e, ok := a.Entry(name)
	if !ok {
		return nil, fmt.Errorf("open %s in package: %w", show(name), fs.ErrNotExist)
	}
	section := &faultReader{r: io.NewSectionReader(a.src.r, e.Offset, e.Packed), left: e.Packed}
	c := &content{entry: e, from: section, section: section, crc: crc32.NewIEEE()}
	if !e.Stored {
		c.packed = bufio.NewReader(section) // flate reads no byte too many from a reader with ReadByte
		inflate := flate.NewReader(c.packed)
		c.from, c.inflate = inflate, inflate
	}
	return c, nil
}

// faultReader tells a fault of the package's reader from a fault of its content.
type faultReader struct {
	r     io.Reader
	left  int64
	fault error
}

func (f *faultReader) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	f.left -= int64(n)
	if err == io.EOF && f.left > 0 {
		err = io.ErrUnexpectedEOF // the file is shorter than its size says
	}
	if err != nil && err != io.EOF {
		f.fault = err
	}
	return n, err
}

// content checks an entry while it is read.
type content struct {
	entry   Entry
	from    io.Reader
	section *faultReader
	packed  *bufio.Reader // nil if stored
	inflate io.Closer     // nil if stored
	crc     hash.Hash32
	read    int64
	done    error
}

func (c *content) Read(b []byte) (int, error) {
	if c.done != nil {
		return 0, c.done
	}
	if len(b) == 0 {
		return 0, nil
	}
	left := c.entry.Size - c.read
	if left == 0 {
		c.done = c.finish()
		return 0, c.done
	}
	n, err := c.from.Read(b[:min(int64(len(b)), left)])
	c.read += int64(n)
	c.crc.Write(b[:n])
	if err != nil && c.read < c.entry.Size {
		c.done = c.wrong(fmt.Sprintf("ends after %d of %d bytes", c.read, c.entry.Size), err)
		return n, c.done
	}
	return n, nil
}

// finish looks one byte beyond the promised size and compares the checksum.
func (c *content) finish() error {
	var more [1]byte
	if n, err := io.ReadFull(c.from, more[:]); n > 0 {
		return c.wrong(fmt.Sprintf("goes on after %d bytes", c.entry.Size), nil)
	} else if !errors.Is(err, io.EOF) {
		return c.wrong("cannot be unpacked to its end", err)
	}
	if c.packed != nil && int64(c.packed.Buffered())+c.section.left > 0 {
		return c.wrong("holds bytes behind its compressed end", nil)
	}
	if c.crc.Sum32() != c.entry.CRC32 {
		return c.wrong(fmt.Sprintf("has checksum %08x, promised is %08x", c.crc.Sum32(), c.entry.CRC32), nil)
	}
	return io.EOF
}

func (c *content) wrong(what string, cause error) error {
	if c.section.fault != nil {
		return fmt.Errorf("read %s in package: %w", show(c.entry.Name), c.section.fault)
	}
	if cause == nil || cause == io.EOF || cause == io.ErrUnexpectedEOF {
		return fmt.Errorf("entry %s %s: %w", show(c.entry.Name), what, ErrContent)
	}
	return fmt.Errorf("entry %s %s: %w: %w", show(c.entry.Name), what, ErrContent, cause)
}

func (c *content) Close() error {
	if c.done == nil {
		c.done = errors.New("entry is closed")
	}
	if c.inflate != nil {
		return c.inflate.Close()
	}
	return nil
}

// small reads an entry of at most its cap into memory. Content that is wrong becomes a finding; ok is false
// then, and if there is no such entry or it is too large, which the directory's own check has found.
func (a *Archive) small(name string, fs *Findings) (text []byte, ok bool, err error) {
	e, found := a.Entry(name)
	if most, _ := capOf(name); !found || e.Size > most {
		return nil, false, nil
	}
	rc, err := a.Open(name)
	if err != nil {
		return nil, false, err
	}
	defer rc.Close()
	var b bytes.Buffer
	b.Grow(int(e.Size))
	if _, err := io.Copy(&b, rc); errors.Is(err, ErrContent) {
		fs.add(mismatch("Entry "+show(name), err.Error()))
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	return b.Bytes(), true, nil
}
