// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"errors"
	"io"
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
	tail   int64  // bytes of a data descriptor, stated or left behind, after its content
}

// Archive is a package whose zip directory was read strictly.
type Archive struct {
	src     source
	end     *ending
	entries []Entry
	byName  map[string]int
	lost    map[string]bool // names that the directory lists and that could not be read
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
	a := &Archive{src: src, end: end, byName: map[string]int{}, lost: map[string]bool{}}
	all, err := a.readDirectory(&fs)
	if err != nil {
		return nil, fs, err
	}
	judgeNames(all, &fs)
	if err := a.readLocals(all, &fs); err != nil {
		return nil, fs, err
	}
	for i, e := range a.entries {
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

// small reads an entry of at most its cap into memory. Content that is wrong becomes a finding; ok is false
// then, and if there is no such entry or it is too large, which the directory's own check has found.
func (a *Archive) small(name string, fs *Findings) (text []byte, ok bool, err error) {
	e, found := a.Entry(name)
	if !found {
		return nil, false, nil
	}
	if e.Size > entryCap[name] {
		a.lost[name] = true
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
		fs.add(contentFinding(err))
		a.lost[name] = true
		return nil, false, nil
	} else if err != nil {
		return nil, false, err
	}
	return b.Bytes(), true, nil
}
