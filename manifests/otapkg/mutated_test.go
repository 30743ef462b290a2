// SPDX-License-Identifier: Apache-2.0

package otapkg_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
)

var (
	mutations     = flag.Int("mutations", 200, "how many packages TestMutatedPackages changes and signs again")
	mutationSeed  = flag.Uint64("mutationseed", 1, "with what seed")
	mutationFirst = flag.Int("mutationfirst", 0, "the number of the first, to see one again")
)

// TestMutatedPackages changes packages and signs them again with a key that is pinned, so that nothing but the content
// can give the change away. Whatever unzip refuses, Inspect must refuse as well.
func TestMutatedPackages(t *testing.T) {
	unzip, err := exec.LookPath("unzip")
	if err != nil {
		t.Skip("unzip is not installed; it is the second reader")
	}
	bases := mutable(t)
	var counts tally
	var group sync.WaitGroup
	for worker := range runtime.GOMAXPROCS(0) {
		file := filepath.Join(t.TempDir(), "package.zip")
		group.Go(func() {
			for i := worker + *mutationFirst; i < *mutationFirst+*mutations; i += runtime.GOMAXPROCS(0) {
				r := rand.New(rand.NewPCG(*mutationSeed, uint64(i)))
				base := bases[r.IntN(len(bases))]
				kind := mutationKinds[i%len(mutationKinds)]
				counts.one(t, unzip, file, fmt.Sprintf("%d: %s of %s", i, kind.name, base.name), base, kind.change(r, base.clone()))
			}
		})
	}
	group.Wait()
	t.Logf("%d packages: unzip accepts %d and refuses %d; Inspect accepts %d and refuses %d", *mutations, counts.unzipTakes,
		*mutations-counts.unzipTakes, counts.weTake, *mutations-counts.weTake)
	for _, code := range slices.Sorted(maps.Keys(counts.codes)) {
		t.Logf("  %-14s %d", code, counts.codes[code])
	}
	if counts.unzipTakes < *mutations/10 || *mutations-counts.unzipTakes < *mutations/5 || counts.weTake < *mutations/20 {
		t.Error("the mutations are too harmless or too harsh to show anything")
	}
}

type tally struct {
	sync.Mutex
	unzipTakes, weTake int
	codes              map[otapkg.Code]int // of what Inspect refused
}

func (c *tally) one(t *testing.T, unzip, file, name string, base mutant, archive []byte) {
	var signed bytes.Buffer
	if err := fixtures.SignArchive(&signed, bytes.NewReader(archive), fixtures.TestKey()); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if err := os.WriteFile(file, signed.Bytes(), 0o600); err != nil {
		t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	said, err := exec.CommandContext(ctx, unzip, "-tqq", file).CombinedOutput()
	_, found, bad := otapkg.Inspect(bytes.NewReader(signed.Bytes()), int64(signed.Len()), base.policy)
	if bad != nil {
		t.Errorf("%s: %v", name, bad)
	}
	c.Lock()
	defer c.Unlock()
	if c.codes == nil {
		c.codes = map[otapkg.Code]int{}
	}
	for _, code := range found.Codes() {
		c.codes[code]++
	}
	if err == nil {
		c.unzipTakes++
	}
	if !found.Refused() {
		c.weTake++
	}
	if err != nil && !found.Refused() {
		t.Errorf("%s is accepted (%v), yet unzip -t: %v\n%s", name, found.Codes(), err, said)
		if dir := os.Getenv("LANDED_KEEP_MUTANTS"); dir != "" {
			os.WriteFile(filepath.Join(dir, fmt.Sprintf("%x.zip", crc32.ChecksumIEEE(signed.Bytes()))), signed.Bytes(), 0o600)
		}
	}
}

// mutant is an archive without its signature, and where its entries lie.
type mutant struct {
	name    string
	archive []byte // up to and with a comment length of zero
	policy  otapkg.Policy
	entries []otapkg.Entry
	dir     int // offset of the directory
}

func (m mutant) clone() mutant {
	m.archive = bytes.Clone(m.archive)
	return m
}

// mutable takes the good packages of all tools apart.
func mutable(t *testing.T) []mutant {
	t.Helper()
	var all []mutant
	key := fixtures.TestKey()
	for _, c := range fixtures.Tools() {
		if c.Refused {
			continue
		}
		var b bytes.Buffer
		if err := c.Write(&b, key); err != nil {
			t.Fatal(err)
		}
		a, found, err := otapkg.ReadArchive(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil || found.Refused() {
			t.Fatal(found, err)
		}
		n := b.Len()
		archive := b.Bytes()[:n-int(binary.LittleEndian.Uint16(b.Bytes()[n-2:]))]
		copy(archive[len(archive)-2:], []byte{0, 0})
		all = append(all, mutant{name: c.Name, archive: archive, entries: a.Entries(),
			dir:    int(binary.LittleEndian.Uint32(archive[len(archive)-6:])),
			policy: otapkg.Policy{Catalogue: catalogue, Model: c.Model, Pins: pinned(t, key), Channel: "stable"}})
	}
	return all
}

// mutationKinds take turns: half of them change deflate streams, headers, descriptors and sizes, the others anything.
var mutationKinds = []struct {
	name   string
	change func(*rand.Rand, mutant) []byte
}{
	{"bits of a deflate stream", changeStream},
	{"bytes anywhere", changeAnywhere},
	{"a number in a header", changeHeader},
	{"times and attributes", changeHarmless},
	{"an entry packed otherwise", repack},
	{"content with its checksum", changeContent},
	{"a number around an entry", changeNumber},
	{"a directory in another order", reorder},
	{"a stream and its sizes", changeStreamEnd},
	{"a byte that means little", changeHarmless},
}

func flip(r *rand.Rand, b []byte) {
	if len(b) == 0 {
		return
	}
	at := r.IntN(len(b))
	switch r.IntN(3) {
	case 0:
		b[at] ^= 1 << r.IntN(8)
	case 1:
		b[at] = byte(r.Uint32())
	case 2:
		b[at] += byte(1 + r.IntN(3))
	}
}

// pick chooses an entry that is compressed, or any if there is none.
func (m mutant) pick(r *rand.Rand, packed bool) otapkg.Entry {
	some := slices.DeleteFunc(slices.Clone(m.entries), func(e otapkg.Entry) bool { return packed && e.Stored || e.Packed == 0 })
	return some[r.IntN(len(some))]
}

func changeStream(r *rand.Rand, m mutant) []byte {
	e := m.pick(r, true)
	for range 1 + r.IntN(3) {
		flip(r, m.archive[e.Offset:e.Offset+e.Packed])
	}
	return m.archive
}

func changeAnywhere(r *rand.Rand, m mutant) []byte {
	for range 1 + r.IntN(4) {
		flip(r, m.archive[:len(m.archive)-2])
	}
	return m.archive
}

// changeHeader flips in a header of an entry, of the directory, or the end.
func changeHeader(r *rand.Rand, m mutant) []byte {
	switch e := m.pick(r, false); r.IntN(4) {
	case 0:
		flip(r, m.archive[e.Offset-int64(30+len(e.Name)):e.Offset])
	case 1:
		flip(r, m.archive[m.central(e.Name):][:46])
	case 2:
		flip(r, m.archive[m.central(e.Name):][:46+len(e.Name)])
	case 3:
		flip(r, m.archive[m.dir:len(m.archive)-2])
	}
	return m.archive
}

// central is the offset of an entry in the directory.
func (m mutant) central(name string) int {
	for at := m.dir; ; {
		h := m.archive[at:]
		n := int(binary.LittleEndian.Uint16(h[28:]))
		if string(h[46:46+n]) == name {
			return at
		}
		at += 46 + n + int(binary.LittleEndian.Uint16(h[30:])) + int(binary.LittleEndian.Uint16(h[32:]))
	}
}

// changeHarmless changes what no reader of packages looks at: times, and bits of access.
func changeHarmless(r *rand.Rand, m mutant) []byte {
	e := m.pick(r, false)
	c := m.central(e.Name)
	local := int(binary.LittleEndian.Uint32(m.archive[c+42:]))
	switch r.IntN(4) {
	case 0:
		flip(r, m.archive[c+12:c+16])
	case 1:
		flip(r, m.archive[local+10:local+14])
	case 2:
		flip(r, m.archive[c+36:c+38]) // internal attributes
	case 3:
		m.archive[c+40] ^= byte(r.IntN(256)) // rwx of the group and of others, and of the owner in part
	}
	return m.archive
}

// changeContent changes stored content and both its checksums, so that only a reader of the content could tell.
func changeContent(r *rand.Rand, m mutant) []byte {
	e := m.pick(r, false)
	flip(r, m.archive[e.Offset:e.Offset+e.Packed])
	if !e.Stored {
		return m.archive
	}
	old, now := binary.LittleEndian.AppendUint32(nil, e.CRC32), m.archive[e.Offset:e.Offset+e.Packed]
	sum := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(now))
	copy(m.archive[m.central(e.Name)+16:], sum)
	local := m.archive[:e.Offset][binary.LittleEndian.Uint32(m.archive[m.central(e.Name)+42:]):]
	if bytes.Equal(local[14:18], old) {
		copy(local[14:], sum)
	}
	if after := m.archive[e.Offset+e.Packed:]; bytes.HasPrefix(after, append([]byte("PK\x07\x08"), old...)) {
		copy(after[4:], sum)
	}
	return m.archive
}

// changeNumber changes a size, a checksum, a method or a descriptor, by a little or to something large.
func changeNumber(r *rand.Rand, m mutant) []byte {
	e := m.pick(r, r.IntN(2) == 0)
	c := m.central(e.Name)
	local := int(binary.LittleEndian.Uint32(m.archive[c+42:]))
	places := []int{c + 6, c + 8, c + 10, c + 16, c + 20, c + 24, c + 28, c + 30, c + 42, local + 4, local + 6, local + 8, local + 14,
		local + 18, local + 22, local + 26, local + 28, int(e.Offset + e.Packed), int(e.Offset+e.Packed) + 4, int(e.Offset+e.Packed) + 8}
	for range 1 + r.IntN(2) {
		at := places[r.IntN(len(places))]
		v := binary.LittleEndian.Uint16(m.archive[at:])
		binary.LittleEndian.PutUint16(m.archive[at:], []uint16{v + 1, v - 1, 0, 0xFFFF, v ^ 8, v * 2, uint16(r.Uint32())}[r.IntN(7)])
	}
	return m.archive
}
