// SPDX-License-Identifier: Apache-2.0

package otapkg_test

import (
	"compress/flate"
	"crypto/sha256"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"landed/manifests/otapkg"
)

// BenchmarkInspect reports ratio: the rate of Inspect over the rate of the least work that the same bytes ask for, on
// the same file in the same run. The two take turns, so that other load meets both.
//
//   - file: 256 MiB, stored; against SHA-256 on one core. The bar is 0.8.
//   - ab: the same with a payload, which has three digests more. They share no state, so that two cores can reach half
//     of one stream: limit is what they do reach in this run, of-limit how near Inspect comes. The bar is 0.8.
//   - deflated: 128 MiB unpacked; against inflating and CRC-32 on one core, and against `unzip -t` if it is here.
//   - zip64: 4 GiB, sparse; against SHA-256. The bar is 64 MiB at the peak, of the whole test program.
//
// Under -short each is a sixteenth, which shows that it works; 256 MiB have no need of Zip64 records.
func BenchmarkInspect(b *testing.B) {
	share := int64(1)
	if testing.Short() {
		share = 16
	}
	for _, c := range []struct{ name, model string }{{"file", "armani"}, {"ab", "fuxi"}} {
		b.Run(c.name, func(b *testing.B) {
			f, size, policy := padded(b, c.model, 256<<20/share)
			rivals := []rival{{"ratio", func() { hashAlone(b, f, size) }}}
			if c.model == "fuxi" {
				rivals = append(rivals, rival{"of-limit", func() { fourDigests(b, f, size) }})
			}
			spent := compare(b, f, size, policy, rivals)
			if c.model == "fuxi" {
				b.ReportMetric(spent[0].Seconds()/spent[1].Seconds(), "limit")
			}
		})
	}
	b.Run("deflated", func(b *testing.B) {
		f, size, policy := deflatedPackage(b, 128<<20/int(share))
		rivals := []rival{{"ratio", func() { inflateAlone(b, f, size) }}}
		if unzip, err := exec.LookPath("unzip"); err == nil {
			rivals = append(rivals, rival{"ratio-unzip", func() {
				if out, err := exec.Command(unzip, "-tqq", f.Name()).CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			}})
		}
		compare(b, f, size, policy, rivals)
	})
	b.Run("zip64", func(b *testing.B) {
		f, size, policy := sparsePackage(b, 4<<30/share)
		peak := peakMemory(b)
		compare(b, f, size, policy, []rival{{"ratio", func() { hashAlone(b, f, size) }}})
		if at := peak(); at > 0 {
			b.ReportMetric(float64(at)/(1<<20), "peak-MiB")
		}
	})
}

// rival is other work on the same file.
type rival struct {
	metric string
	run    func()
}

// compare lets the rivals and Inspect take turns, reports each rival's time over that of Inspect, and returns what the
// rivals spent.
func compare(b *testing.B, f *os.File, size int64, policy otapkg.Policy, rivals []rival) []time.Duration {
	b.SetBytes(size)
	spent := make([]time.Duration, len(rivals))
	var ours time.Duration
	for b.Loop() {
		for i, r := range rivals {
			from := time.Now()
			r.run()
			spent[i] += time.Since(from)
		}
		from := time.Now()
		if _, found, err := otapkg.Inspect(f, size, policy); err != nil || found.Refused() {
			b.Fatal(err, found)
		}
		ours += time.Since(from)
	}
	for i, r := range rivals {
		b.ReportMetric(spent[i].Seconds()/ours.Seconds(), r.metric)
	}
	b.ReportMetric(float64(size)*float64(b.N)/ours.Seconds()/1e6, "inspect-MB/s")
	return spent
}

func hashAlone(b *testing.B, f *os.File, size int64) { hashRange(b, f, 0, size) }

func hashRange(b *testing.B, f io.ReaderAt, from, to int64) {
	h := sha256.New()
	section := struct{ io.Reader }{io.NewSectionReader(f, from, to-from)}
	if _, err := io.CopyBuffer(h, section, make([]byte, 1<<20)); err != nil {
		b.Error(err)
	}
	h.Sum(nil)
}

// fourDigests is what two cores can do at best: the file's bytes four times, two digests a core.
func fourDigests(b *testing.B, f *os.File, size int64) {
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			hashRange(b, f, 0, size)
			hashRange(b, f, 0, size)
		})
	}
	group.Wait()
}

// inflateAlone unpacks every deflated entry and sums it, on one core.
func inflateAlone(b *testing.B, f *os.File, size int64) {
	a, _, err := otapkg.ReadArchive(f, size)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	for _, e := range a.Entries() {
		if e.Stored {
			continue
		}
		sum := crc32.NewIEEE()
		r := flate.NewReader(io.NewSectionReader(f, e.Offset, e.Packed))
		if _, err := io.CopyBuffer(sum, struct{ io.Reader }{r}, buf); err != nil || sum.Sum32() != e.CRC32 {
			b.Fatal(e.Name, err)
		}
	}
}

// peakMemory begins to watch the memory of this process, of which Linux keeps the highest; without it the answer is 0.
func peakMemory(b *testing.B) func() int64 {
	runtime.GC()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Logf("no peak of memory: %v", err)
		return func() int64 { return 0 }
	}
	return func() int64 { return highWater(b) }
}
