// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"archive/zip"
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"slices"
)

func packSignapk(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	err := writeArchive(&b, entries, nil)
	return b.Bytes(), err
}

// packGoStream is the ordinary way of Go's archive/zip, which does not know the size of what it is given.
func packGoStream(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Store}
		if e.deflate {
			h.Method = zip.Deflate
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(w, e.body.open()); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}

// packGoRaw hands it content that is packed, with its sizes.
func packGoRaw(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		plain := readAll(e.body)
		h := &zip.FileHeader{Name: e.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(plain), UncompressedSize64: uint64(len(plain))}
		packed := plain
		if e.deflate {
			h.Method, packed = zip.Deflate, deflate(e.body)
		}
		h.CompressedSize64 = uint64(len(packed))
		w, err := z.CreateRaw(h)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(packed); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}

// shape is how a tool writes one entry.
type shape struct {
	descriptor int  // bytes behind the content: 0, 16, or 24 for 8-byte sizes
	hidden     bool // though no header speaks of a descriptor
	known      bool // of a descriptor: the own header has the sizes that are known before packing
	zip64      bool // the own header has a Zip64 field
	blank      bool // whose sizes are zero
	spare      bool // the directory has a Zip64 record that nothing asks for
	mode       uint32
	own, dir   []byte // extra fields
}

func plainShape(entry) shape { return shape{} }

func alignedShape(e entry) shape { return shape{own: make([]byte, len(e.name)%4)} }

// infozipShape has times (UT) and numbers of user and group (ux), as Info-ZIP's extrafld.txt describes them.
func infozipShape(entry) shape {
	times := []byte{0x00, 0x2c, 0x5c, 0x49} // 2009-01-01
	owner := append([]byte{0x75, 0x78, 11, 0, 1, 4}, 0, 0, 0, 0, 4, 0, 0, 0, 0)
	own := append(append([]byte{0x55, 0x54, 9, 0, 3}, times...), times...)
	return shape{mode: 0o100644 << 16, own: append(own, owner...),
		dir: append(append([]byte{0x55, 0x54, 5, 0, 3}, times...), owner...)}
}

func infozipPipeShape(e entry) shape {
	s := infozipShape(e)
	s.descriptor, s.known = 16, true
	return s
}

func infozipWideShape(e entry) shape {
	s := infozipShape(e)
	s.zip64, s.spare = true, true
	return s
}

// packStdin adds what `zip FILE -` packs.
func packStdin(entries []entry) ([]byte, error) {
	return packShaped(func(e entry) shape {
		if e.name == "-" {
			return shape{zip64: true, spare: true, mode: 0o010600 << 16}
		}
		return infozipShape(e)
	})(append(slices.Clone(entries), stored("-", []byte("x"))))
}

// packShaped writes each entry in the shape that of gives it.
func packShaped(of func(entry) shape) packer {
	return func(entries []entry) ([]byte, error) {
		var b, dir []byte
		spare := false
		for _, e := range entries {
			s := of(e)
			spare = spare || s.spare
			plain := readAll(e.body)
			packed := plain
			d := dirEntry{name: e.name, crc: crc32.ChecksumIEEE(plain), unpacked: uint64(len(plain)), offset: uint64(len(b)),
				attributes: s.mode}
			if e.deflate {
				d.method, packed = 8, deflate(e.body)
			}
			d.packed = uint64(len(packed))
			if d.unpacked >= math.MaxUint32 || d.offset >= math.MaxUint32 {
				return nil, errors.New("a tool's package is small")
			}
			if s.descriptor > 0 && !s.hidden {
				d.flags = 8
			}
			b = append(append(append(b, s.local(d)...), packed...), s.tail(d)...)
			c := d.central()
			c = append(c[:30], append(le(nil, uint16(len(s.dir))), c[32:]...)...)
			dir = append(append(dir, c...), s.dir...)
		}
		start, count := len(b), uint16(len(entries))
		b = append(b, dir...)
		if spare {
			at := uint64(len(b))
			b = le(b, uint32(sigEnd64), uint64(44), uint16(45), uint16(45), uint32(0), uint32(0),
				uint64(count), uint64(count), uint64(len(dir)), uint64(start))
			b = le(b, uint32(sigFind64), uint32(0), at, uint32(1))
		}
		return le(b, uint32(sigEnd), uint16(0), uint16(0), count, count, uint32(len(dir)), uint32(start), uint16(0)), nil
	}
}

func (s shape) local(d dirEntry) []byte {
	extra := s.own
	if d.flags&8 != 0 {
		d.crc = 0
		if !s.known || d.method == 8 {
			d.packed = 0
		}
		if !s.known {
			d.unpacked = 0
		}
	}
	if s.zip64 {
		sizes := le(nil, d.unpacked, d.packed)
		if s.blank {
			clear(sizes)
		}
		extra = append(append(slices.Clone(extra), le(nil, uint16(1), uint16(16))...), sizes...)
		d.packed, d.unpacked = math.MaxUint32, math.MaxUint32
	}
	return d.local(extra)
}

func (s shape) tail(d dirEntry) []byte {
	switch s.descriptor {
	case 16:
		return le(nil, uint32(sigDescriptor), d.crc, uint32(d.packed), uint32(d.unpacked))
	case 24:
		return le(nil, uint32(sigDescriptor), d.crc, d.packed, d.unpacked)
	}
	return nil
}
