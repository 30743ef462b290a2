// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// entry is one file of an archive. Stored entries state their size and CRC in the local header; deflated ones
// leave both to a data descriptor, as java.util.zip does and so as every archive from signapk does.
// The standard library's writer has no way to give the local header an extra field of its own, and no way to
// be bent for the hostile table, which is why the few headers are written here.
type entry struct {
	name    string
	body    body
	deflate bool
	extra   []byte          // of the local header only, as signapk's alignment field
	bend    func(*dirEntry) // hostile table: changes both headers of a stored entry
}

func stored(name string, b []byte) entry { return entry{name: name, body: bytesBody(b)} }
func deflated(name string, b []byte) entry {
	return entry{name: name, body: bytesBody(b), deflate: true}
}

// Constants of APPNOTE.TXT 4.3, and the date that signapk gives every entry: 2009-01-01 00:00.
const (
	sigLocal, sigCentral, sigEnd       = 0x04034b50, 0x02014b50, 0x06054b50
	sigDescriptor, sigEnd64, sigFind64 = 0x08074b50, 0x06064b50, 0x07064b50

	dosTime, dosDate = 0, 29<<9 | 1<<5 | 1
)

// dirEntry is what the central directory says of an entry.
type dirEntry struct {
	name             string
	flags, method    uint16
	crc              uint32
	packed, unpacked uint64
	offset           uint64
	attributes       uint32 // external, Unix mode in the upper half
}

// writeArchive writes an archive without comment: entries in the given order, directory, end record. bend, for
// the hostile table, changes what the directory says; nil leaves it true.
func writeArchive(w io.Writer, entries []entry, bend func([]dirEntry) []dirEntry) error {
	out := &counter{w: w}
	var dir []dirEntry
	for _, e := range entries {
		d, err := writeEntry(out, e)
		if err != nil {
			return fmt.Errorf("entry %s: %w", e.name, err)
		}
		dir = append(dir, d)
	}
	if bend != nil {
		dir = bend(dir)
	}
	return writeDirectory(out, dir)
}

func writeEntry(out *counter, e entry) (dirEntry, error) {
	d := dirEntry{name: e.name, offset: out.n, unpacked: uint64(e.body.size)}
	if e.deflate {
		return writeDeflated(out, e, d)
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, e.body.open()); err != nil {
		return d, err
	}
	d.crc, d.packed = sum.Sum32(), d.unpacked
	if e.bend != nil {
		e.bend(&d)
	}
	extra := append(zip64Local(d.packed), e.extra...)
	if _, err := out.Write(d.local(extra)); err != nil {
		return d, err
	}
	_, err := io.Copy(out, e.body.open())
	return d, err
}

func writeDeflated(out *counter, e entry, d dirEntry) (dirEntry, error) {
	d.method, d.flags = 8, 8
	packed := deflate(e.body)
	head := dirEntry{name: d.name, flags: d.flags, method: d.method}
	d.crc, d.packed = crc32.ChecksumIEEE(readAll(e.body)), uint64(len(packed))
	rec := append(head.local(e.extra), packed...)
	rec = le(rec, uint32(sigDescriptor), d.crc, uint32(d.packed), uint32(d.unpacked))
	_, err := out.Write(rec)
	return d, err
}

// deflate packs a body in memory: deflated entries are small files, padding is always stored.
func deflate(b body) []byte {
	var packed bytes.Buffer
	z, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	_, err1 := io.Copy(z, b.open())
	if err := errors.Join(err1, z.Close()); err != nil {
		panic(err) // reads from and writes into memory
	}
	return packed.Bytes()
}

func (d dirEntry) local(extra []byte) []byte {
	h := le(nil, uint32(sigLocal), version(d), d.flags, d.method, uint16(dosTime), uint16(dosDate),
		d.crc, cap32(d.packed), cap32(d.unpacked), uint16(len(d.name)), uint16(len(extra)))
	return append(append(h, d.name...), extra...)
}

func (d dirEntry) central() []byte {
	var z []byte
	for _, v := range []uint64{d.unpacked, d.packed, d.offset} {
		if v >= math.MaxUint32 {
			z = le(z, v)
		}
	}
	var extra []byte
	if len(z) > 0 {
		extra = append(le(nil, uint16(1), uint16(len(z))), z...)
	}
	madeBy := version(d)
	if d.attributes != 0 {
		madeBy |= 3 << 8 // Unix
	}
	h := le(nil, uint32(sigCentral), madeBy, version(d), d.flags, d.method, uint16(dosTime), uint16(dosDate),
		d.crc, cap32(d.packed), cap32(d.unpacked), uint16(len(d.name)), uint16(len(extra)),
		uint16(0), uint16(0), uint16(0), d.attributes, cap32(d.offset))
	return append(append(h, d.name...), extra...)
}

// writeDirectory ends the archive, with Zip64 records only where 32 bits do not reach.
func writeDirectory(out *counter, dir []dirEntry) error {
	start := out.n
	for _, d := range dir {
		if _, err := out.Write(d.central()); err != nil {
			return err
		}
	}
	size, count := out.n-start, len(dir)
	var end []byte
	if start >= math.MaxUint32 {
		end = le(nil, uint32(sigEnd64), uint64(44), uint16(45), uint16(45), uint32(0), uint32(0),
			uint64(count), uint64(count), size, start)
		end = le(end, uint32(sigFind64), uint32(0), out.n, uint32(1))
	}
	end = le(end, uint32(sigEnd), uint16(0), uint16(0), uint16(count), uint16(count), cap32(size), cap32(start), uint16(0))
	_, err := out.Write(end)
	return err
}

// zip64Local is the extra field of a stored entry too long for 32 bits: both sizes, always (APPNOTE 4.5.3).
func zip64Local(size uint64) []byte {
	if size < math.MaxUint32 {
		return nil
	}
	return le(nil, uint16(1), uint16(16), size, size)
}

// version is "needed to extract": 4.5 for Zip64, 2.0 for deflate, else 1.0.
func version(d dirEntry) uint16 {
	switch {
	case d.packed >= math.MaxUint32 || d.unpacked >= math.MaxUint32 || d.offset >= math.MaxUint32:
		return 45
	case d.method == 8:
		return 20
	default:
		return 10
	}
}

func cap32(v uint64) uint32 { return uint32(min(v, math.MaxUint32)) }

// le appends the values in little-endian order.
func le(b []byte, values ...any) []byte {
	for _, v := range values {
		switch v := v.(type) {
		case uint16:
			b = binary.LittleEndian.AppendUint16(b, v)
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, v)
		case uint64:
			b = binary.LittleEndian.AppendUint64(b, v)
		default:
			panic(fmt.Sprintf("le: %T has no fixed width", v))
		}
	}
	return b
}

type counter struct {
	w io.Writer
	n uint64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += uint64(n)
	return n, err
}
