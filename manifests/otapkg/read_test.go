// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"runtime"
	"strconv"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/internal/format"

	"github.com/google/go-cmp/cmp"
)

func TestOpenStopsAtWhatWasPromised(t *testing.T) {
	long := strings.Repeat("landed ", 5000)
	small := uint32(100)
	for _, c := range []struct {
		name string
		f    file
		want error
	}{
		{"stored", file{name: "a", body: long}, nil},
		{"deflated", file{name: "a", body: long, deflate: true}, nil},
		{"empty", file{name: "a", deflate: true}, nil},
		{"unpacks to more", file{name: "a", body: long, deflate: true, centralSize: &small}, ErrContent},
		{"other checksum", file{name: "a", body: long, deflate: true, centralCRC: &small}, ErrContent},
		{"no DEFLATE", file{name: "a", body: "\xff\xff\xff", method: deflated, centralSize: &small}, ErrContent},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := makeZip([]file{c.f}, zipEdit{})
			a, _, err := ReadArchive(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			rc, err := a.Open("a")
			if err != nil {
				t.Fatal(err)
			}
			defer rc.Close()
			text, err := io.ReadAll(rc)
			e, _ := a.Entry("a")
			if !errors.Is(err, c.want) || int64(len(text)) > e.Size {
				t.Errorf("read %d of %d bytes: %v, want %v", len(text), e.Size, err, c.want)
			}
			if c.want == nil && string(text) != c.f.body {
				t.Error("other content")
			}
			if _, err := a.Open("b"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("an entry that is not there: %v", err)
			}
		})
	}
}

func TestWritePartitionRefusesChangedData(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*payloadSpec)
		want error
	}{
		{"good", func(*payloadSpec) {}, nil},
		{"other data", func(s *payloadSpec) { s.ops[0].badHash = true }, ErrContent},
		{"other partition", func(s *payloadSpec) { s.hash = bytes.Repeat([]byte{1}, 32) }, ErrContent},
		{"block left out", func(s *payloadSpec) { s.ops[1].start = 2 }, ErrContent},
		{"too few blocks", func(s *payloadSpec) { s.ops = s.ops[:1] }, ErrContent},
		{"too many blocks", func(s *payloadSpec) { s.ops[1].blocks = 1 << 20 }, ErrContent},
		{"data for more blocks", func(s *payloadSpec) { s.ops[0].blocks = 2 }, ErrContent},
		{"no bzip2", func(s *payloadSpec) { s.ops[0].kind = opReplaceBZ }, ErrContent},
		{"xz", func(s *payloadSpec) { s.ops[0].kind = 8 }, ErrUnsupported},
		{"zstd", func(s *payloadSpec) { s.packed(opReplaceZstd, fixtures.ZstdStored(s.blobs)) }, nil},
		{"zstd of more", func(s *payloadSpec) { s.packed(opReplaceZstd, fixtures.ZstdStored(append(s.blobs, 0))) }, ErrContent},
		{"zstd cut off", func(s *payloadSpec) { b := fixtures.ZstdStored(s.blobs); s.packed(opReplaceZstd, b[:len(b)-1]) }, ErrContent},
		{"no zstd", func(s *payloadSpec) { s.ops[0].kind = opReplaceZstd }, ErrContent},
		{"zstd that looks back too far", func(s *payloadSpec) {
			s.packed(opReplaceZstd, []byte("\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00")) // a window of 1 GiB
		}, ErrContent},
		{"unknown", func(s *payloadSpec) { s.ops[0].kind = 77 }, ErrUnsupported},
		{"delta", func(s *payloadSpec) { *s = deltaPayload() }, ErrUnsupported},
		{"hash tree", func(s *payloadSpec) { s.inPartition = msg(nil, 11, tag(nil, 2, 1)) }, ErrUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := goodPayload()
			c.edit(&s)
			b, _ := s.make(t)
			p, _, err := ReadPayload(bytes.NewReader(b), int64(len(b)))
			if err != nil || p == nil {
				t.Fatal(p, err)
			}
			var out bytes.Buffer
			if err := p.WritePartition("system", &out); !errors.Is(err, c.want) ||
				(c.want == nil && format.SHA256(out.Bytes()) != p.Partitions()[0].SHA256) {
				t.Errorf("error = %v, want %v", err, c.want)
			}
			if out.Len() > 8192 {
				t.Errorf("%d bytes were written into a partition of 8192", out.Len())
			}
		})
	}
}

// packed gives the first operation other data, and another way to unpack them.
func (s *payloadSpec) packed(kind uint64, data []byte) {
	s.ops[0].kind, s.ops[0].size, s.blobs = kind, uint64(len(data)), data
}

// faulty fails from one offset on.
type faulty struct {
	io.ReaderAt
	from int64
}

var errDisk = errors.New("disk is gone")

func (f faulty) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > f.from {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(b, off)
}

func TestFaultsOfTheReaderAreErrors(t *testing.T) {
	b := makeZip(abFiles(t, goodPayload(), "", ""), zipEdit{})
	for from := range int64(len(b)) {
		if _, _, err := Inspect(faulty{bytes.NewReader(b), from}, int64(len(b)), Policy{}); !errors.Is(err, errDisk) {
			t.Fatalf("reader fails from byte %d of %d on: error = %v", from, len(b), err)
		}
	}
	if _, _, err := Inspect(bytes.NewReader(b), int64(len(b))+10, Policy{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("file shorter than its size: %v", err)
	}
}

func TestScriptFacts(t *testing.T) {
	got, ok := readScript([]byte(`# the shape of a MIUI script
assert(getprop("ro.product.device") == "armani" || getprop("ro.build.product") == "c");
"c" == getprop("ro.product.device") || abort("not for \"this\"; phone");
assert(!less_than_int(1407600000, getprop("ro.build.date.utc")));
assert(file_getprop("/system/build.prop", "ro.build.fingerprint") == "a/b/c:1/2/3:user/release-keys");
mount("ext4", "EMMC", "/dev/block/mmcblk0p5", "/data");
delete_recursive("/data/miui/old");
package_extract_dir("data", "/data");
package_extract_file("META-INF/com/miui/relink", "/tmp/relink");
run_program("/tmp/relink", "x");
format("ext4", "EMMC", "/dev/block/mmcblk0p3", "0", "/system");
ifelse(is_mounted("/system"), unmount("/system"));
package_extract_file("boot.img", "/dev/bootimg");
write_raw_image(package_extract_file("uboot.img"), "uboot");
`))
	want := ScriptFacts{Devices: []string{"c"}, TimestampGuard: 1407600000,
		Fingerprints: []string{"a/b/c:1/2/3:user/release-keys"},
		Formats:      []string{"/system"}, Extracts: []string{"data → /data", "META-INF/com/miui/relink → /tmp/relink", "uboot.img → "},
		Images: []string{"boot.img → /dev/bootimg", " → uboot"}, Deletes: []string{"/data/miui/old"}, Runs: []string{"/tmp/relink"},
		WritesBootloader: true, WritesData: true}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("script (-want +got), readable %v:\n%s", ok, diff)
	}
}

// TestMemoryIsBounded counts everything that is allocated, which is more than is ever held.
func TestMemoryIsBounded(t *testing.T) {
	var names []file
	for i := range maxEntries - 4 {
		names = append(names, file{name: strings.Repeat("n", 240) + strconv.Itoa(i)})
	}
	brackets := strings.Repeat("less_than_int(1,", 50_000)
	vast := deltaPayload()
	vast.size, vast.ops[0].start, vast.ops[1].start = uint64(maxSize)-4096, 1<<27, 0
	tiny, twice := vast, vast
	tiny.more, twice.more = tag(nil, 3, 1), tag(tag(nil, 3, 1), 3, 4096)
	for _, c := range []struct {
		name string
		zip  []byte
	}{
		{"a delta in blocks of one byte", makeZip(abFiles(t, tiny, abSource, ""), zipEdit{})},
		{"a delta in blocks of one byte, and then of others", makeZip(abFiles(t, twice, abSource, ""), zipEdit{})},
		{"as many names as can be", makeZip(goodFiles(names...), zipEdit{})},
		{"a delta of the largest partition, in no order", makeZip(abFiles(t, vast, abSource, ""), zipEdit{})},
		{"a script of brackets", makeZip(fileBased(armaniMeta, armaniCheck+"assert("+brackets), zipEdit{})},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := allocated(func() { inspectBytes(t, c.zip, Policy{}) }); got > 64<<20 {
				t.Errorf("%s allocated, the limit is 64 MiB", human(got))
			} else {
				t.Log(human(got))
			}
		})
	}
}

func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}
