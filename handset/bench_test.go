// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/offers"
)

// BenchmarkPoll prints what a poll costs the network: B/poll and requests/poll.
func BenchmarkPoll(b *testing.B) {
	for name, change := range map[string]func(r *rig){
		"unchanged":     func(*rig) {},
		"new timestamp": func(r *rig) { r.server.Renew() },
		"new offers":    func(r *rig) { r.offer.Stage++; r.offered() },
	} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b)
			r.step()
			r.now = r.now.Add(time.Hour)
			r.server.Publish()
			r.step()
			var requests int
			var bytes int64
			for b.Loop() {
				b.StopTimer()
				change(r)
				r.client.mem.Wake = r.now
				r.server.Traffic()
				b.StartTimer()
				if refusal := r.step(); refusal != nil {
					b.Fatal(refusal)
				}
				n, size := r.server.Traffic()
				requests, bytes = requests+n, bytes+size
			}
			b.ReportMetric(float64(requests)/float64(b.N), "requests/poll")
			b.ReportMetric(float64(bytes)/float64(b.N), "B/poll")
		})
	}
}

// BenchmarkDownload prints the memory that a download of any size holds, beside the time of hashing alone.
func BenchmarkDownload(b *testing.B) {
	for _, size := range []int64{64 << 20, 512 << 20} {
		b.Run(fmt.Sprintf("%d MiB", size>>20), func(b *testing.B) {
			r := newRig(b)
			sum := sha256.New()
			io.CopyN(sum, zeros{}, size)
			r.client.mem.Offer = &offers.Offer{Package: manifests.Package{Path: "builds/armani/big.zip", Length: size, SHA256: fmt.Sprintf("%x", sum.Sum(nil))}}
			r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
				if strings.Contains(req.URL.Path, "big.zip") {
					io.CopyN(w, zeros{}, size)
					return true
				}
				return false
			}
			b.SetBytes(size)
			var peak uint64
			for b.Loop() {
				r.client.dropPart()
				r.client.mem.State = Downloading
				if err := r.client.download(b.Context()); err != nil {
					b.Fatal(err)
				}
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapSys)
			}
			b.ReportMetric(float64(peak)/(1<<20), "MiB-heap")
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
