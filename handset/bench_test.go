// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/tufrepo"
)

// BenchmarkPoll prints what a poll costs the network, with so many models in the feed, served as it is and packed:
// requests/poll, B/poll (bodies alone), and wire-B/poll (all that TCP carries both ways).
func BenchmarkPoll(b *testing.B) {
	large := 200
	if testing.Short() { // to see that it works
		large = 20
	}
	for _, models := range []int{7, large} {
		for _, packs := range []bool{false, true} {
			for _, what := range []struct {
				name   string
				change func(r *rig, other string)
			}{
				{"unchanged", func(*rig, string) {}},
				{"new timestamp", func(r *rig, _ string) { r.server.Renew() }},
				{"another model's offers", func(r *rig, other string) { r.server.PublishOffers(other) }},
				{"own offers", func(r *rig, _ string) {
					r.offer.Stage++
					r.server.Offers["armani"] = []offers.Offer{r.offer}
					r.server.PublishOffers("armani")
				}},
			} {
				b.Run(fmt.Sprintf("models=%d/gzip=%t/%s", models, packs, what.name), func(b *testing.B) { benchPoll(b, models, packs, what.change) })
			}
		}
	}
}

func benchPoll(b *testing.B, models int, packs bool, change func(r *rig, other string)) {
	r := newRig(b)
	if packs { // as the server does
		r.server.Packs = func(path string, size int) bool { return strings.Contains(path, "/metadata/") && size >= 1<<10 }
	}
	random := rand.New(rand.NewChaCha8([32]byte{2}))
	var other string
	for range models - 1 { // names and versions as unlike as those of a real feed
		other = fmt.Sprintf("m%x", random.Uint32())
		r.server.Devices[other] = other
		r.server.Versions[other], r.server.Versions[tufrepo.OffersRole(other)] = random.Int64N(100), random.Int64N(10_000)
	}
	r.server.Publish()
	wire := r.overTCP()
	r.step()
	r.now = r.now.Add(time.Hour)
	r.server.Publish()
	r.client.store.mem.Wake = r.now
	r.step()
	var requests int
	var bodies, sent int64
	for b.Loop() {
		b.StopTimer()
		change(r, other)
		r.client.store.mem.Wake = r.now
		r.server.Traffic()
		wire.Store(0)
		b.StartTimer()
		if refusal := r.step(); refusal != nil {
			b.Fatal(refusal)
		}
		n, size := r.server.Traffic()
		requests, bodies, sent = requests+n, bodies+size, sent+wire.Load()
	}
	b.ReportMetric(float64(requests)/float64(b.N), "requests/poll")
	b.ReportMetric(float64(bodies)/float64(b.N), "B/poll")
	b.ReportMetric(float64(sent)/float64(b.N), "wire-B/poll")
}

// overTCP lets the handset speak to its server over loopback, on connections whose bytes are counted.
func (r *rig) overTCP() *atomic.Int64 {
	s := httptest.NewServer(r.server)
	r.t.Cleanup(s.Close)
	wire := new(atomic.Int64)
	own := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
		return &metered{conn, wire}, err
	}}
	r.t.Cleanup(own.CloseIdleConnections)
	r.rt = own
	r.open()
	return wire
}

type metered struct {
	net.Conn
	bytes *atomic.Int64
}

func (m *metered) Read(b []byte) (int, error) {
	n, err := m.Conn.Read(b)
	m.bytes.Add(int64(n))
	return n, err
}

func (m *metered) Write(b []byte) (int, error) {
	n, err := m.Conn.Write(b)
	m.bytes.Add(int64(n))
	return n, err
}

// BenchmarkDownload prints the memory that a download of any size holds: of 64 and 512 MiB, or of
// LANDED_BENCH_PACKAGE_MIB. It needs as much room on the disk.
func BenchmarkDownload(b *testing.B) {
	sizes := []int64{64 << 20, 512 << 20}
	if testing.Short() { // to see that it works
		sizes = []int64{4 << 20, 32 << 20}
	}
	if mib, err := strconv.ParseInt(os.Getenv("LANDED_BENCH_PACKAGE_MIB"), 10, 64); err == nil {
		sizes = []int64{mib << 20}
	}
	for _, size := range sizes {
		b.Run(fmt.Sprintf("%d MiB", size>>20), func(b *testing.B) {
			r := newRig(b)
			sum := sha256.New()
			io.CopyN(sum, zeros{}, size)
			r.client.store.mem.Offer = &offers.Offer{Package: manifests.Package{Path: "builds/armani/big.zip", Length: size,
				SHA256: fmt.Sprintf("%x", sum.Sum(nil))}}
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
				r.client.download.drop()
				r.client.store.mem.State = Downloading
				if err := r.client.fetch(b.Context()); err != nil {
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
