// SPDX-License-Identifier: Apache-2.0

package otapkg_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"

	"landed/manifests/otapkg"
)

// splice replaces the content of an entry and corrects every offset and every packed size; what it unpacks to is left.
func (m mutant) splice(e otapkg.Entry, content []byte) mutant {
	grown := len(content) - int(e.Packed)
	m.restate(e, e.CRC32, uint32(len(content)), uint32(e.Size))
	m.archive = slices.Concat(m.archive[:e.Offset], content, m.archive[e.Offset+e.Packed:])
	m.dir += grown
	add := func(at int) {
		le := binary.LittleEndian
		le.PutUint32(m.archive[at:], le.Uint32(m.archive[at:])+uint32(grown))
	}
	for at := m.dir; string(m.archive[at:at+4]) == "PK\x01\x02"; {
		h := m.archive[at:]
		if int64(binary.LittleEndian.Uint32(h[42:])) > e.Offset {
			add(at + 42)
		}
		at += 46
		for _, n := range []int{28, 30, 32} {
			at += int(binary.LittleEndian.Uint16(h[n:]))
		}
	}
	add(len(m.archive) - 6)
	return m
}

// restate writes checksum and sizes wherever the old ones stand.
func (m mutant) restate(e otapkg.Entry, crc, packed, size uint32) {
	le := binary.LittleEndian
	c := m.central(e.Name)
	local := int(le.Uint32(m.archive[c+42:]))
	replace := func(at int, old, now uint32) {
		if le.Uint32(m.archive[at:]) == old && old != now {
			le.PutUint32(m.archive[at:], now)
		}
	}
	after := int(e.Offset + e.Packed)
	places := []int{c + 16, local + 14}
	if string(m.archive[after:after+4]) == "PK\x07\x08" {
		places = append(places, after+4)
	}
	for _, at := range places {
		replace(at, e.CRC32, crc)
		replace(at+4, uint32(e.Packed), packed)
		replace(at+8, uint32(e.Size), size)
	}
}

// wide reports Zip64 records, which splice does not correct.
func (m mutant) wide() bool {
	n := len(m.archive) - 22
	return n > 20 && string(m.archive[n-20:n-16]) == "PK\x06\x07"
}

func (m mutant) plain(e otapkg.Entry) []byte {
	packed := m.archive[e.Offset : e.Offset+e.Packed]
	if e.Stored {
		return packed
	}
	text, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
	if err != nil {
		panic(err) // the packages were good
	}
	return text
}

// repack packs an entry otherwise: at another level, in several blocks, or with other content and true numbers.
func repack(r *rand.Rand, m mutant) []byte {
	if m.wide() {
		return changeAnywhere(r, m)
	}
	e := m.pick(r, true)
	text := bytes.Clone(m.plain(e))
	if r.IntN(2) == 0 {
		flip(r, text)
	}
	m.restate(e, crc32.ChecksumIEEE(text), uint32(e.Packed), uint32(e.Size))
	e.CRC32 = crc32.ChecksumIEEE(text)
	if e.Stored {
		copy(m.archive[e.Offset:], text)
		return m.archive
	}
	var z bytes.Buffer
	w, err := flate.NewWriter(&z, []int{flate.HuffmanOnly, flate.NoCompression, 1, 5, 9}[r.IntN(5)])
	if err != nil {
		panic(err)
	}
	half := r.IntN(len(text) + 1)
	w.Write(text[:half])
	if r.IntN(2) == 0 {
		w.Flush()
	}
	w.Write(text[half:])
	w.Close()
	return m.splice(e, z.Bytes()).archive
}

// changeStreamEnd cuts a stream, or puts bytes behind it, with the right packed size; or states another size.
func changeStreamEnd(r *rand.Rand, m mutant) []byte {
	if m.wide() {
		return changeStream(r, m)
	}
	e := m.pick(r, true)
	packed := bytes.Clone(m.archive[e.Offset : e.Offset+e.Packed])
	switch r.IntN(4) {
	case 0:
		packed = packed[:len(packed)-1-r.IntN(min(len(packed)-1, 40)+1)%len(packed)]
	case 1:
		packed = append(packed, make([]byte, 1+r.IntN(40))...)
	case 2:
		m.restate(e, e.CRC32, uint32(e.Packed), uint32(e.Size)+1+r.Uint32N(3))
		return m.archive
	case 3:
		m.restate(e, e.CRC32, uint32(e.Packed), max(uint32(e.Size), 1)-1)
		return m.archive
	}
	return m.splice(e, packed).archive
}

// reorder turns the directory around, or leaves an entry out of it.
func reorder(r *rand.Rand, m mutant) []byte {
	var records [][]byte
	at := m.dir
	for string(m.archive[at:at+4]) == "PK\x01\x02" {
		n := 46
		for _, field := range []int{28, 30, 32} {
			n += int(binary.LittleEndian.Uint16(m.archive[at+field:]))
		}
		records = append(records, bytes.Clone(m.archive[at:at+n]))
		at += n
	}
	r.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	end := bytes.Clone(m.archive[at:])
	if !m.wide() && r.IntN(3) == 0 {
		records = records[1:]
		n := uint16(len(records))
		binary.LittleEndian.PutUint16(end[8:], n)
		binary.LittleEndian.PutUint16(end[10:], n)
		binary.LittleEndian.PutUint32(end[12:], uint32(len(bytes.Join(records, nil))))
	}
	return slices.Concat(m.archive[:m.dir], bytes.Join(records, nil), end)
}
