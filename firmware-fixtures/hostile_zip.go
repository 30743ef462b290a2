// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"hash/crc32"
	"io"
	"math"
	"slices"
)

// hostileZip are archives that two readers would read differently, and what is no archive at all.
func hostileZip() []HostileCase { return slices.Concat(hostileArchives(), hostileEntries()) }

// hostileArchives have a fault of their structure.
func hostileArchives() []HostileCase {
	const m = "armani"
	return []HostileCase{
		{Name: "zip-not", Model: m, Want: []string{"ZIP-NOT"}, Why: "no zip directory anywhere",
			Write: func(w io.Writer, _ Key) error {
				_, err := w.Write(bytes.Repeat([]byte("This is no archive.\n"), 500))
				return err
			}},
		{Name: "zip-fastboot", Model: m, Want: []string{"ZIP-FASTBOOT"}, Why: "an image set for flashing by cable",
			File: "armani_images_JHCMIBH46.0_20140809.0000.1_4.3_global_0123456789.tgz", Write: fastboot},
		{Name: "zip-second-directory", Model: m, Want: []string{"ZIP-TWODIR"}, Why: "a second archive hides in the comment",
			Write: forgery{comment: hiddenArchive}.of(m)},
		{Name: "zip-prefix", Model: m, Want: []string{"ZIP-PREFIX"},
			Why:   "bytes before the first entry, offsets left as they were",
			Write: forgery{archive: func(b []byte) []byte { return append([]byte("#!/bin/sh\nexit 1\n"), b...) }}.of(m)},
		{Name: "zip-prefix-shifted", Model: m, Want: []string{"ZIP-PREFIX"},
			Why:   "bytes before the first entry, offsets corrected",
			Write: forgery{archive: func(b []byte) []byte { return shiftOffsets([]byte("#!/bin/sh\nexit 1\n"), b) }}.of(m)},
		{Name: "zip-trailing", Model: m, Want: []string{"ZIP-TRAIL"}, Why: "bytes after the end of the archive",
			Write: forgery{signed: func(b []byte) []byte { return append(b, bytes.Repeat([]byte{0}, 512)...) }}.of(m)},
		{Name: "zip-duplicate", Model: m, Want: []string{"ZIP-DUP"},
			Why: "two build.prop; readers differ in which one counts",
			Write: forgery{entries: func(es []entry) []entry {
				return append(es, deflated("system/build.prop", []byte("ro.build.fingerprint=another\n")))
			}}.of(m)},
		{Name: "zip-duplicate-payload", Model: "fuxi", Want: []string{"ZIP-DUP"}, Why: "two payload.bin",
			Write: forgery{entries: func(es []entry) []entry {
				return append(es, stored(namePayload, []byte("CrAU")))
			}}.of("fuxi")},
		{Name: "zip-duplicate-case", Model: m, Want: []string{"ZIP-DUP"}, Why: "two names that differ only in case",
			Write: forgery{entries: func(es []entry) []entry {
				return append(es, deflated("System/Build.prop", []byte("x=y\n")))
			}}.of(m)},
		{Name: "zip-name-mismatch", Model: m, Want: []string{"ZIP-MISMATCH"},
			Why: "the directory says boot.img, the entry's own header b00t.img",
			Write: forgery{archive: func(b []byte) []byte {
				return bytes.Replace(b, []byte("boot.img"), []byte("b00t.img"), 1)
			}}.of(m)},
		{Name: "zip-crc-mismatch", Model: "fuxi", Want: []string{"ZIP-MISMATCH"},
			Why: "the content is not what both headers promise",
			Write: forgery{entries: change(nameCareMap, func(e *entry) {
				e.bend = func(d *dirEntry) { d.crc ^= 1 }
			})}.of("fuxi")},
		{Name: "zip-overlap", Model: m, Want: []string{"ZIP-OVERLAP"}, Why: "one entry lies inside the content of another",
			Write: forgery{entries: nestedEntry, directory: nestedDirectory}.of(m)},
		{Name: "zip-hidden-entry", Model: m, Want: []string{"ZIP-GAP"}, Why: "an entry that the directory does not list",
			Write: forgery{directory: func(d []dirEntry) []dirEntry {
				return slices.DeleteFunc(d, func(e dirEntry) bool { return e.name == "system/etc/hosts" })
			}}.of(m)},
	}
}

// hostileEntries are sound archives with an entry that must not be unpacked.
func hostileEntries() []HostileCase {
	const m = "armani"
	return []HostileCase{
		{Name: "zip-path-parent", Model: m, Want: []string{"ZIP-PATH"}, Why: "a name that leads out of the package",
			Write: forgery{entries: extra("system/../../data/local/run.sh")}.of(m)},
		{Name: "zip-path-absolute", Model: m, Want: []string{"ZIP-PATH"}, Why: "an absolute name",
			Write: forgery{entries: extra("/data/run.sh")}.of(m)},
		{Name: "zip-path-backslash", Model: m, Want: []string{"ZIP-PATH"}, Why: "a backslash in a name",
			Write: forgery{entries: extra(`..\data\run.sh`)}.of(m)},
		{Name: "zip-path-nul", Model: m, Want: []string{"ZIP-PATH"}, Why: "a NUL in a name",
			Write: forgery{entries: extra("system/a\x00.txt")}.of(m)},
		{Name: "zip-path-symlink", Model: m, Want: []string{"ZIP-PATH"}, Why: "an entry that unpacks to a symbolic link",
			Write: forgery{entries: func(es []entry) []entry {
				e := stored("system/etc/link", []byte("/data/local"))
				e.bend = func(d *dirEntry) { d.attributes = 0o120777 << 16 }
				return append(es, e)
			}}.of(m)},
		{Name: "zip-bomb", Model: m, Want: []string{"ZIP-BOMB"}, Why: "metadata that unpacks to 32 MiB",
			Write: forgery{files: func(f map[string][]byte) {
				f[nameMetadata] = append(f[nameMetadata], bytes.Repeat([]byte("\n"), 32<<20)...)
			}}.of(m)},
		{Name: "zip-encrypted", Model: "fuxi", Want: []string{"ZIP-METHOD"}, Why: "an entry marked as encrypted",
			Write: forgery{entries: change(nameCareMap, func(e *entry) {
				e.bend = func(d *dirEntry) { d.flags |= 1 }
			})}.of("fuxi")},
		{Name: "zip-method", Model: "fuxi", Want: []string{"ZIP-METHOD"}, Why: "an entry packed with bzip2",
			Write: forgery{entries: change(nameCareMap, func(e *entry) {
				e.bend = func(d *dirEntry) { d.method = 12 }
			})}.of("fuxi")},
	}
}

func extra(name string) func([]entry) []entry {
	return func(es []entry) []entry { return append(es, deflated(name, []byte("echo stand-in\n"))) }
}

func fastboot(w io.Writer, _ Key) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	text := []byte(standinNote)
	if err := t.WriteHeader(&tar.Header{Name: "armani_images/images/system.img", Mode: 0o644, Size: int64(len(text)),
		Format: tar.FormatUSTAR}); err != nil {
		return err
	}
	if _, err := t.Write(text); err != nil {
		return err
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}

// hiddenArchive is a comment with a whole archive in front of the signature. The arithmetic of the
// whole-file signature holds; readers that look for the last directory see the hidden one.
func hiddenArchive(head []byte, k Key) ([]byte, error) {
	var inner bytes.Buffer
	if err := writeArchive(&inner, []entry{stored(namePayload, []byte("another payload"))}, nil); err != nil {
		return nil, err
	}
	sum := k.hash().New()
	sum.Write(head)
	der, err := pkcs7(sum.Sum(nil), k.hash(), k)
	if err != nil {
		return nil, err
	}
	return commentAround(append(inner.Bytes(), signMessage...), der), nil
}

// shiftOffsets puts bytes in front of an archive and corrects every offset in its directory (APPNOTE 4.3.12, 4.3.16).
func shiftOffsets(prefix, archive []byte) []byte {
	b := append([]byte(nil), archive...)
	end := len(b) - 22
	add := func(at int) {
		copy(b[at:], le(nil, uint32(b[at])|uint32(b[at+1])<<8|uint32(b[at+2])<<16|uint32(b[at+3])<<24+uint32(len(prefix))))
	}
	pos := int(b[end+16]) | int(b[end+17])<<8 | int(b[end+18])<<16
	for pos < end {
		add(pos + 42)
		pos += 46 + int(b[pos+28]) + int(b[pos+29])<<8 + int(b[pos+30]) + int(b[pos+31])<<8
	}
	add(end + 16)
	return append(append([]byte(nil), prefix...), b...)
}

const outerName, innerName = "system/etc/outer.bin", "system/etc/inner.txt"

var innerText = []byte("stand-in\n")

func innerHeader() dirEntry {
	return dirEntry{name: innerName, crc: crc32.ChecksumIEEE(innerText), packed: uint64(len(innerText)),
		unpacked: uint64(len(innerText))}
}

// nestedEntry adds a stored entry whose content is a whole entry; nestedDirectory lists that one as well.
func nestedEntry(es []entry) []entry {
	return append(es, stored(outerName, append(innerHeader().local(nil), innerText...)))
}

func nestedDirectory(d []dirEntry) []dirEntry {
	inner := innerHeader()
	outer := d[len(d)-1]
	inner.offset = outer.offset + 30 + uint64(len(outer.name))
	if inner.offset > math.MaxUint32 {
		panic("hostile table: packages are small")
	}
	return append(d, inner)
}
