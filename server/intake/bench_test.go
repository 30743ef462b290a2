// SPDX-License-Identifier: Apache-2.0

//go:build unix

package intake_test

import (
	"crypto/ed25519"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"landed/manifests/effect"
	v3 "landed/manifests/report/v3"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/store/storetest"
)

// BenchmarkIntake sends signed reports end to end, each answered after its commit, by so
// many senders at once. In the same run, in turn, it measures what it is compared with:
// x_verify is the rate against Ed25519 verification of the same reports on one core, and
// x_one_tx against one transaction per report. fsync_us is the disk's time for one write
// and fsync of 4 KiB. The cpu figures are processor time, which other work on the machine
// changes less: verification is inside that of a report. What is allocated and what is written for a
// report it does not change at all (written: on Linux, to all files, again where SQLite copies from its log; both with
// what the store costs to be made and counted again).
func BenchmarkIntake(b *testing.B) {
	envelopes := benchReports(b, 0, fewer(4096), 4)
	for _, senders := range []int{64, 512} {
		b.Run(fmt.Sprint("senders=", senders), func(b *testing.B) {
			var all, one, verify float64 // reports per second
			var cpu, verifyCPU time.Duration
			var fsync time.Duration
			var effort effort
			for range b.N {
				fsync += fsyncTime(b)
				rate, spent := verifyRate(b, envelopes)
				verify, verifyCPU = verify+rate, verifyCPU+spent
				effort.begin()
				rate, spent = receiveRate(b, envelopes, senders)
				effort.end()
				all, cpu = all+rate, cpu+spent
				rate, _ = receiveRate(b, envelopes[:fewer(600)], 1, func(c *intake.Config) { c.Batch = 1 })
				one += rate
			}
			n := float64(b.N)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(all/n, "reports/s")
			b.ReportMetric(verify/n, "verify/s")
			b.ReportMetric(all/verify, "x_verify")
			b.ReportMetric(one/n, "one_tx/s")
			b.ReportMetric(all/one, "x_one_tx")
			b.ReportMetric(float64(fsync.Microseconds())/n, "fsync_us")
			b.ReportMetric(float64(cpu.Microseconds())/n, "cpu_us/report")
			b.ReportMetric(float64(verifyCPU.Microseconds())/n, "cpu_us/verify")
			b.ReportMetric(float64(effort.allocs)/n/float64(len(envelopes)), "allocs/report")
			b.ReportMetric(float64(effort.written)/n/float64(len(envelopes)), "written_B/report")
		})
	}
}

// effort is what was allocated, and written to files as far as the system tells.
type effort struct{ allocs, written int64 }

func (e *effort) begin() { e.add(-1) }
func (e *effort) end()   { e.add(+1) }

func (e *effort) add(by int64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var read, written int64
	text, _ := os.ReadFile("/proc/self/io")
	fmt.Sscanf(string(text), "rchar: %d\nwchar: %d", &read, &written) // of no file it is 0
	e.allocs, e.written = e.allocs+by*int64(m.Mallocs), e.written+by*written
}

// BenchmarkLargeFleet sends the reports of new installations to a store that holds
// LANDED_BENCH_INSTALLATIONS others (50,000 if unset), each with a report, and in the same run, in
// turn, to an empty one: x_empty is the rate of the one against that of the other, and x_empty_cpu
// the processor time of a report.
func BenchmarkLargeFleet(b *testing.B) {
	installations, size := fewer(4096), fewer(50_000)
	if n, err := strconv.Atoi(os.Getenv("LANDED_BENCH_INSTALLATIONS")); err == nil {
		size = n
	}
	w := newWorld(b)
	fill(b, w, size)
	first := 0
	for _, senders := range []int{64, 512} {
		b.Run(fmt.Sprintf("rows=%d/senders=%d", size, senders), func(b *testing.B) {
			var full, empty float64 // reports per second
			var fullCPU, emptyCPU time.Duration
			for range b.N {
				envelopes := benchReports(b, first, installations, 4)
				first += installations
				rate, spent := sendAll(b, w, envelopes, senders)
				full, fullCPU = full+rate, fullCPU+spent
				rate, spent = receiveRate(b, envelopes, senders)
				empty, emptyCPU = empty+rate, emptyCPU+spent
			}
			n := float64(b.N)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(full/n, "reports/s")
			b.ReportMetric(full/empty, "x_empty")
			b.ReportMetric(float64(fullCPU.Microseconds())/n, "cpu_us/report")
			b.ReportMetric(float64(fullCPU)/float64(emptyCPU), "x_empty_cpu")
		})
	}
}

// fill stores size installations with a report each, in the order of their references, which is
// quick. The tables and their indexes are as large as a fleet makes them; the envelopes are not:
// reports are appended, and their size changes nothing for those that follow.
func fill(b *testing.B, w *world, size int) {
	const each = 20_000 // in one transaction
	text := base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
	for from := 0; from < size; from += each {
		if err := w.db.UpdateReports(ctx, func(tx fleet.Tx) error {
			for n := from; n < min(from+each, size); n++ {
				var ref [15]byte
				binary.BigEndian.PutUint64(ref[:], uint64(n)*(math.MaxUint64/uint64(size)))
				i := fleet.Installation{Current: true, Kind: effect.Unjudged, Ref: report.Reference(text.EncodeToString(ref[:])), Model: "armani",
					Channel: "stable", Release: "one", Seq: 1,
					Newest: report.Report{ID: fmt.Sprintf("%032x", n)}, Progress: report.ProgressKnown, Verdict: storetest.Unpatched,
					Because: []fleet.Reason{{Code: "not_of_release"}}, Before: storetest.BeforeActive, Reports: 1, First: storetest.Now, Last: storetest.Now}
				if _, err := tx.Reports().Append(ctx, fleet.StoredReport{ID: i.Newest.ID, Ref: i.Ref, Seq: 1, Envelope: []byte("short"),
					At: i.Last}); err != nil {
					return err
				}
				if err := errors.Join(tx.Installations().Put(ctx, i), tx.Counts().Move(ctx, nil, &i)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// cpuTime is the processor time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchReports are the lives of installations, in the order in which a fleet sends them.
func benchReports(b *testing.B, first, installations, each int) [][]byte {
	var all [][]byte
	for seq := range each {
		what := []maker{waits, downloads, silent, silent}[seq%4]
		for n := range installations {
			r, key := what(first+n, int64(seq+1))
			all = append(all, seal(b, r, key))
		}
	}
	return all
}

func receiveRate(b *testing.B, envelopes [][]byte, senders int, change ...func(*intake.Config)) (rate float64, cpu time.Duration) {
	w := newWorld(b, change...)
	defer w.Close()
	rate, cpu = sendAll(b, w, envelopes, senders)
	w.checkFigures(b)
	return rate, cpu
}

func sendAll(b *testing.B, w *world, envelopes [][]byte, senders int) (rate float64, cpu time.Duration) {
	var next atomic.Int64
	var group sync.WaitGroup
	start, used := time.Now(), cpuTime(b)
	for range senders {
		group.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(envelopes)); n = next.Add(1) - 1 {
				if _, err := w.Receive(ctx, envelopes[n]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	group.Wait()
	took := time.Since(start)
	cpu = (cpuTime(b) - used) / time.Duration(len(envelopes))
	return float64(len(envelopes)) / took.Seconds(), cpu
}

// verifyRate verifies bare signatures, one after another.
func verifyRate(b *testing.B, envelopes [][]byte) (rate float64, cpu time.Duration) {
	envelopes = envelopes[:min(len(envelopes), 8192)]
	type signed struct {
		key       ed25519.PublicKey
		body, sig []byte
	}
	var all []signed
	for _, text := range envelopes {
		var e struct {
			Payload    string
			Signatures []struct{ Sig string }
		}
		if err := json.Unmarshal(text, &e); err != nil {
			b.Fatal(err)
		}
		body, _ := base64.StdEncoding.DecodeString(e.Payload)
		sig, _ := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
		r, err := v3.Parse(body)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, signed{r.PublicKey(), fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(v3.PayloadType), v3.PayloadType,
			len(body), body), sig})
	}
	start, used := time.Now(), cpuTime(b)
	for _, s := range all {
		if !ed25519.Verify(s.key, s.body, s.sig) {
			b.Fatal("a good signature does not verify")
		}
	}
	return float64(len(all)) / time.Since(start).Seconds(), (cpuTime(b) - used) / time.Duration(len(all))
}

func fsyncTime(b *testing.B) time.Duration {
	f, err := os.Create(filepath.Join(b.TempDir(), "x"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const times = 100
	start := time.Now()
	for range times {
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start) / times
}

// BenchmarkProvisional sends the same reports of strangers where there is room for all, where there is none, so that each is
// kept for now in the place of another, and where the room is found by the next Tick: x_kept is the rate of the second
// against that of the first, x_cpu the processor time of a report. promoted/s is how many of those that are kept a Tick
// takes in, one after another.
func BenchmarkProvisional(b *testing.B) {
	const senders = 64
	slots := fewer(4096)
	envelopes := benchReports(b, 0, slots, 2)
	var all, kept, promoted float64 // reports per second
	var cpu, keptCPU time.Duration
	for range b.N {
		rate, spent := receiveRate(b, envelopes, senders)
		all, cpu = all+rate, cpu+spent
		var limit atomic.Int64
		w := newWorld(b, func(c *intake.Config) { c.Share = intake.Share{Reports: limit.Load, Slots: int64(slots)} })
		rate, spent = sendAll(b, w, envelopes, senders)
		kept, keptCPU = kept+rate, keptCPU+spent
		limit.Store(math.MaxInt64)
		begun := time.Now()
		if err := w.Tick(ctx); err != nil {
			b.Fatal(err)
		}
		promoted += float64(slots) / time.Since(begun).Seconds()
		if u, err := w.Uncounted(ctx); err != nil || u.Provisional != 0 || u.Used != int64(slots) {
			b.Fatalf("%+v, %v", u, err)
		}
		w.Close()
	}
	n := float64(b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(all/n, "reports/s")
	b.ReportMetric(kept/n, "kept/s")
	b.ReportMetric(kept/all, "x_kept")
	b.ReportMetric(float64(cpu.Microseconds())/n, "cpu_us/report")
	b.ReportMetric(float64(keptCPU)/float64(cpu), "x_cpu")
	b.ReportMetric(promoted/n, "promoted/s")
}
