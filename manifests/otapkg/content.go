// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bufio"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"sync"
)

// ErrContent is wrapped by every error about content that is not what the directory promises: another
// length, another checksum, or no valid DEFLATE stream. Other errors come from the reader of the package.
var ErrContent = errors.New("content is not what the zip directory promises")

// contentError is an [ErrContent] that knows its entry.
type contentError struct {
	name, what string // what goes on after "entry x"
	cause      error  // of the decompressor; nil for none
}

func (e *contentError) Error() string {
	text := fmt.Sprintf("entry %s %s: %v", show(e.name), e.what, ErrContent)
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

func (e *contentError) Unwrap() []error {
	if e.cause == nil {
		return []error{ErrContent}
	}
	return []error{ErrContent, e.cause}
}

// contentFinding says the same to people.
func contentFinding(err error) Finding {
	var e *contentError
	if !errors.As(err, &e) {
		return mismatch("An entry", err.Error())
	}
	what := "its content " + e.what
	if e.cause != nil {
		what += fmt.Sprintf(" (%v)", e.cause)
	}
	f := mismatch("Entry "+show(e.name), what)
	f.Level = Refuse
	return f
}

// Open reads the content of one entry. Reading never yields more than Entry.Size bytes, and it ends with
// io.EOF only if length and checksum are right; otherwise with an error that wraps [ErrContent].
// A name that is not there gives an error that wraps fs.ErrNotExist.
func (a *Archive) Open(name string) (io.ReadCloser, error) {
	e, ok := a.Entry(name)
	if !ok {
		return nil, fmt.Errorf("open %s in package: %w", show(name), fs.ErrNotExist)
	}
	return openEntry(a.src.r, e), nil
}

// openEntry reads an entry of the package in r.
func openEntry(r io.ReaderAt, e Entry) *content {
	section := &faultReader{r: io.NewSectionReader(r, e.Offset, e.Packed), left: e.Packed}
	c := &content{entry: e, from: section, section: section}
	if !e.Stored {
		c.inflater = inflaters.Get().(*inflater)
		c.inflater.reset(section)
		c.from = c.inflater.flate
	}
	return c
}

// inflater is what takes memory in unpacking, some 110 KiB, and is used again.
type inflater struct {
	packed *bufio.Reader // flate reads no byte too many from a reader with ReadByte
	flate  io.ReadCloser
}

var inflaters = sync.Pool{New: func() any {
	packed := bufio.NewReaderSize(nil, 64<<10)
	return &inflater{packed, flate.NewReader(packed)}
}}

func (z *inflater) reset(r io.Reader) {
	z.packed.Reset(r)
	z.flate.(flate.Resetter).Reset(z.packed, nil) // it has no error to return
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
	entry    Entry
	from     io.Reader
	section  *faultReader
	inflater *inflater // nil if stored, or closed
	crc      uint32
	read     int64
	done     error
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
	c.crc = crc32.Update(c.crc, crc32.IEEETable, b[:n])
	if err != nil && c.read < c.entry.Size {
		c.done = c.wrong(fmt.Sprintf("ends after %d of %d bytes", c.read, c.entry.Size), err)
		return n, c.done
	}
	return n, nil
}

// finish looks one byte beyond the promised size, wants the packed bytes used up, and compares the checksum.
func (c *content) finish() error {
	var more [1]byte
	if n, err := io.ReadFull(c.from, more[:]); n > 0 {
		return c.wrong(fmt.Sprintf("goes on after %d bytes", c.entry.Size), nil)
	} else if !errors.Is(err, io.EOF) {
		return c.wrong("cannot be unpacked to its end", err)
	}
	if c.inflater != nil {
		if n := int64(c.inflater.packed.Buffered()) + c.section.left; n > 0 {
			return c.wrong(fmt.Sprintf("holds %d bytes behind its compressed end", n), nil)
		}
	}
	if c.crc != c.entry.CRC32 {
		return c.wrong(fmt.Sprintf("has checksum %08x, promised is %08x", c.crc, c.entry.CRC32), nil)
	}
	return io.EOF
}

func (c *content) wrong(what string, cause error) error {
	if c.section.fault != nil {
		return fmt.Errorf("read %s in package: %w", show(c.entry.Name), c.section.fault)
	}
	if cause == io.EOF || cause == io.ErrUnexpectedEOF {
		cause = nil
	}
	return &contentError{c.entry.Name, what, cause}
}

func (c *content) Close() error {
	if c.done == nil {
		c.done = errors.New("entry is closed")
	}
	if c.inflater != nil {
		c.inflater.packed.Reset(nil)
		inflaters.Put(c.inflater)
		c.inflater, c.from = nil, nil
	}
	return nil
}
