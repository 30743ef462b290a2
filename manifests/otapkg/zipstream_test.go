// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"hash/crc32"
	"strings"
	"testing"
)

// behind is a descriptor of an entry's content, with sizes of four or eight bytes, as bytes between entries.
func behind(body string, wide, sign bool, change func([]byte)) string {
	var b []byte
	if sign {
		b = append(b, "PK\x07\x08"...)
	}
	b = le.AppendUint32(b, crc32.ChecksumIEEE([]byte(body)))
	for range 2 {
		if wide {
			b = le.AppendUint64(b, uint64(len(body)))
		} else {
			b = le.AppendUint32(b, uint32(len(body)))
		}
	}
	if change != nil {
		change(b)
	}
	return string(b)
}

// TestStreamForms: what a stream's writer leaves is read if it says nothing new and fills its room exactly; whether it is a
// warning or a refusal is a matter of whether a phone reads it.
func TestStreamForms(t *testing.T) {
	const body = "aaaa"
	after := func(tail string, flags uint16) []byte {
		return makeZip(goodFiles(file{name: "system/a", body: body, flags: flags}, file{name: "system/b", before: tail}), zipEdit{})
	}
	stated := func(tail string) []byte { return after(tail, 8) }
	left := func(tail string) []byte { return after(tail, 0) }
	other := func(at int) func([]byte) { return func(b []byte) { b[at] ^= 1 } }
	field := func(values ...uint64) []byte {
		b := le.AppendUint16([]byte{1, 0}, uint16(8*len(values)))
		for _, v := range values {
			b = le.AppendUint64(b, v)
		}
		return b
	}
	// wide marks the sizes of one entry as Zip64 in its own header.
	wide := func(extra []byte) []byte {
		b := makeZip(goodFiles(file{name: "system/a", body: body, extra: extra}), zipEdit{})
		copy(b[bytes.Index(b, []byte("system/a"))-12:], "\xff\xff\xff\xff\xff\xff\xff\xff")
		return b
	}
	for _, c := range []struct {
		name  string
		zip   []byte
		level Level // of the finding about the stream; "" for none
		want  []Code
	}{
		{"descriptor of a stored entry", stated(behind(body, false, true, nil)), Warn, []Code{ZipStream}},
		{"without its signature", stated(behind(body, false, false, nil)), Warn, []Code{ZipStream}},
		{"with 8-byte sizes, which phones do not expect", stated(behind(body, true, true, nil)), Refuse, []Code{ZipStream}},
		{"the same without its signature", stated(behind(body, true, false, nil)), Refuse, []Code{ZipStream}},
		{"other checksum", stated(behind(body, false, true, other(4))), "", []Code{ZipMismatch}},
		{"other packed size", stated(behind(body, false, true, other(8))), "", []Code{ZipMismatch}},
		{"other size", stated(behind(body, false, true, other(12))), "", []Code{ZipMismatch}},
		{"and bytes behind it", stated(behind(body, false, true, nil) + "hide"), Warn, []Code{ZipGap, ZipStream}},
		{"and zeros that make it longer", stated(behind(body, false, true, nil) + "\x00\x00\x00\x00"), Warn, []Code{ZipGap, ZipStream}},
		{"bytes before it", stated("hide" + behind(body, false, true, nil)), "", []Code{ZipMismatch}},
		{"former descriptor", left(behind(body, false, true, nil)), Warn, []Code{ZipStream}},
		{"with 8-byte sizes", left(behind(body, true, true, nil)), Warn, []Code{ZipStream}},
		{"without its signature, which nobody leaves", left(behind(body, false, false, nil)), "", []Code{ZipGap}},
		{"former one with another checksum", left(behind(body, false, true, other(4))), "", []Code{ZipGap}},
		{"former one with another size", left(behind(body, false, true, other(12))), "", []Code{ZipGap}},
		{"sixteen other bytes", left("sixteen bytes---"), "", []Code{ZipGap}},
		{"own Zip64 field", wide(field(4, 4)), Warn, []Code{ZipStream}},
		{"own Zip64 field that lies", wide(field(4, 5)), Warn, []Code{ZipMismatch, ZipStream}},
		{"markers without a field, of a small entry", wide(nil), Refuse, []Code{ZipMismatch, ZipStream}},
		{"Zip64 end without need", makeZip(goodFiles(), zipEdit{zip64: true}), Warn, []Code{ZipStream}},
		{"Zip64 end without need that lies", changed(makeZip(goodFiles(), zipEdit{zip64: true}), "PK\x06\x06", 40), "",
			[]Code{ZipMismatch, ZipNot}},
		{"its directory on another disk", changed(makeZip(goodFiles(), zipEdit{zip64: true}), "PK\x05\x06", 6), Warn,
			[]Code{ZipMethod, ZipStream}},
		{"a disk with a large number", changed(makeZip(goodFiles(), zipEdit{zip64: true}), "PK\x06\x06", 18), Warn,
			[]Code{ZipMethod, ZipStream}},
		{"a later zip program, by the directory", changed(makeZip(goodFiles(), zipEdit{}), "PK\x01\x02", 6, 46), "", []Code{ZipMethod}},
		{"a later zip program, by the own header", changed(makeZip(goodFiles(), zipEdit{}), "PK\x03\x04", 4, 46), "", []Code{ZipMethod}},
		{"read from a pipe", makeZip(goodFiles(file{name: "-", body: "x", attr: 0o010600 << 16}), zipEdit{}), Refuse, []Code{ZipStream}},
		{"a pipe of another name", makeZip(goodFiles(file{name: "p", attr: 0o010600 << 16}), zipEdit{}), "", []Code{ZipPath}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := only(t, c.zip, Policy{}, unsignedOnly, c.want...)
			var level Level
			if all := told(found, ZipStream); len(all) > 0 {
				level = all[0].Level
			}
			if level != c.level {
				t.Errorf("the stream is %q, wanted %q: %v", level, c.level, found)
			}
		})
	}
}

// changed changes one byte behind the last place of a signature; to 1 if nothing is said.
func changed(b []byte, sig string, at int, to ...byte) []byte {
	i := bytes.LastIndex(b, []byte(sig)) + at
	b[i] ^= 1
	if len(to) > 0 {
		b[i] = to[0]
	}
	return b
}

// TestZip64FieldOfGo: a field with all three values is read if what is said twice is said alike.
func TestZip64FieldOfGo(t *testing.T) {
	sizes := ptr(uint32(marker))
	for _, c := range []struct {
		name   string
		offset uint64
		want   []Code
	}{{"true", 0, nil}, {"other offset", 1, []Code{ZipMismatch}}} {
		t.Run(c.name, func(t *testing.T) {
			var field []byte
			field = append(field, 1, 0, 24, 0)
			for _, v := range []uint64{4, 4, c.offset} {
				field = le.AppendUint64(field, v)
			}
			files := append([]file{{name: "a", body: "aaaa", centralSize: sizes, centralPacked: sizes, cextra: field}}, goodFiles()...)
			only(t, makeZip(files, zipEdit{}), Policy{}, unsignedOnly, c.want...)
		})
	}
}

// TestFollowingFindingsAreHeldBack: who is told that an entry cannot be read is not told what it does not say.
func TestFollowingFindingsAreHeldBack(t *testing.T) {
	s := goodPayload()
	damage := func(name string) []byte {
		b := makeZip(abFiles(t, s, "", ""), zipEdit{})
		at := bytes.LastIndex(b, []byte(name)) - 46 + 42
		le.PutUint32(b[at:], 7) // the directory puts it where no entry begins
		return b
	}
	for _, name := range []string{namePayload, nameProperties, nameMetadata} {
		facts, found := inspectBytes(t, damage(name), Policy{})
		for _, c := range found.Codes() {
			if c != ZipMismatch && c != SigNone {
				t.Errorf("%s: %v", name, told(found, c))
			}
		}
		if facts.Family != AB {
			t.Errorf("%s: family %q", name, facts.Family)
		}
	}
}

// TestFooterAndDirectoryDisagree: recovery finds the directory's end by the footer. A package in which the two disagree is
// not one that was cut off (AOSP's fake-eocd.zip is of this kind).
func TestFooterAndDirectoryDisagree(t *testing.T) {
	fake := "PK\x05\x06" + strings.Repeat("\x00", 18)
	b := makeZip(goodFiles(), zipEdit{comment: "hidden " + fake + strings.Repeat("s", 300) + "\xa0\x00\xff\xff\x00\x00"})
	n := len(b) - bytes.Index(b, []byte("PK\x05\x06")) - eocdLen
	le.PutUint16(b[len(b)-2:], uint16(n))
	le.PutUint16(b[len(b)-n-2:], uint16(n+100))
	_, found := inspectBytes(t, b, Policy{})
	if !found.Has(ZipTwoDir) || !found.Has(SigSize) || found.Has(ZipNot) || !found.Refused() {
		t.Errorf("findings: %v", found)
	}
}
