// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/store/storetest"
)

// BenchmarkReaders has 48 readers ask for the page of an installation of 1,000 reports, again and again, over HTTP, while
// handsets report and somebody watches the status.
//
//	newest: all want the newest page, which is computed once for all of them
//	older:  each wants another page each time, so that each is computed, or sent away
//
// It prints the slowest hundredth of the status and how many reports are stored in a second, beside the figures of the
// same server without readers, taken before and after: x_intake is the one rate against the other. Readers, watcher and
// handsets run on the processors of the server and take their part of them, so x_bytes says the same against 48 readers
// who have as many bytes from a bare handler: it is what computing the page costs.
func BenchmarkReaders(b *testing.B) {
	for _, tt := range []struct {
		name string
		page func(h *reading, n int64) string
	}{
		{"newest", func(h *reading, _ int64) string { return h.page() }},
		{"older", func(h *reading, n int64) string { return fmt.Sprintf("%s?before=%d", h.page(), 20+n%longest) }},
	} {
		b.Run(tt.name, func(b *testing.B) {
			h := newReading(b)
			var idle, read, bytes window
			for range b.N {
				idle.add(h.watch(nil))
				read.add(h.watch(tt.page))
				bytes.add(h.watch(func(h *reading, _ int64) string { return h.bare }))
				idle.add(h.watch(nil))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(idle.p99(), "idle-p99-ms")
			b.ReportMetric(read.p99(), "p99-ms")
			b.ReportMetric(bytes.p99(), "bytes-p99-ms")
			b.ReportMetric(idle.rate(), "idle-reports/s")
			b.ReportMetric(read.rate(), "reports/s")
			b.ReportMetric(read.rate()/idle.rate(), "x_intake")
			b.ReportMetric(read.rate()/bytes.rate(), "x_bytes")
			b.ReportMetric(float64(read.pages)/read.took.Seconds(), "pages/s")
			b.ReportMetric(float64(read.away)/read.took.Seconds(), "sent-away/s")
		})
	}
}

const (
	longest  = 1000 // reports of the installation that is read: no installation has more
	readers  = 48
	senders  = 8
	watching = 1500 * time.Millisecond
	watched  = 20 * time.Millisecond
)

// window is what was seen for a while.
type window struct {
	status  []time.Duration
	reports int64
	pages   int64
	away    int64 // of those, sent away
	took    time.Duration
}

func (w *window) add(o window) {
	w.status = append(w.status, o.status...)
	w.reports, w.pages, w.away, w.took = w.reports+o.reports, w.pages+o.pages, w.away+o.away, w.took+o.took
}

func (w *window) rate() float64 { return float64(w.reports) / w.took.Seconds() }

func (w *window) p99() float64 {
	slices.Sort(w.status)
	return float64(w.status[(len(w.status)-1)*99/100].Microseconds()) / 1000
}

// reading is a server over HTTP with one long installation.
type reading struct {
	b      *testing.B
	url    string
	bare   string // answers the bytes of the page
	ref    report.Reference
	client *http.Client
	server *Server
	sent   atomic.Int64 // installations that reported since
	read   atomic.Int64 // pages
	away   atomic.Int64 // of those, sent away
}

func newReading(b *testing.B) *reading {
	b.Helper()
	now := func() time.Time { return storetest.Now }
	dir := b.TempDir()
	if _, err := datadir.Init(b.Context(), dir, "root", now); err != nil {
		b.Fatal(err)
	}
	h := &reading{b: b}
	h.store(dir, now)
	s, err := New(Config{DataDir: dir, Now: now})
	if err != nil {
		b.Fatal(err)
	}
	h.server = s
	web := httptest.NewServer(s.Handler())
	b.Cleanup(func() {
		web.Close()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = readers + senders + 8
	t.DisableCompression = true // what a page costs that is read plain is what most of it costs
	h.url, h.client = web.URL, &http.Client{Transport: t}
	page := h.ask(http.MethodGet, h.page(), nil)
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) }))
	b.Cleanup(bare.Close)
	h.bare = bare.URL
	return h
}

// store puts a release there, and the longest installation.
func (h *reading) store(dir string, now func() time.Time) {
	ctx := h.b.Context()
	db, err := datadir.Dir(dir).Open(ctx, now)
	if err != nil {
		h.b.Fatal(err)
	}
	pkg := fleet.Package{
		SHA256: strings.Repeat("1", 64), Model: "armani", Variant: "armani", Channel: "stable", Family: "file",
		Build: manifests.Build{Fingerprint: "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user/release-keys",
			Incremental: "JHCMIBH46.0", UTC: 1_407_600_000}, At: now(),
	}
	release := fleet.Release{
		Name: "one", Counter: 1, State: fleet.ReleasePublished, Packages: []fleet.PackageRef{pkg.Ref()},
		Source: []byte("schema: 1\nrelease: one\ncounter: 1\neffect: {name: cloud-messaging-opt-in, feature: 1, " +
			"migration: switch_off, prompt_day: \"2014-08-01\"}\nnotes: {en: x, zh-Hans: x, zh-Hant: x}\n"),
	}
	err = db.Update(ctx, func(tx fleet.Tx) error {
		return errors.Join(tx.Packages().Put(ctx, pkg), tx.Releases().Create(ctx, release))
	})
	err = errors.Join(err, db.UpdateReports(ctx, func(tx fleet.Tx) error {
		var newest report.Report
		for seq := range int64(longest) {
			r, key := storetest.Report(0, seq+1)
			text, _, err := envelope.Seal(r, key)
			if err != nil {
				return err
			}
			h.ref, newest = report.ReferenceOf(key.Public().(ed25519.PublicKey)), r
			if _, err := tx.Reports().Append(ctx, fleet.StoredReport{ID: r.ID, Ref: h.ref, Seq: r.Seq, Envelope: text,
				At: storetest.Now}); err != nil {
				return err
			}
		}
		i := fleet.Installation{Current: true, Kind: "unjudged", Ref: h.ref, Model: newest.Model, Channel: newest.Channel,
			Release: newest.Release, Seq: newest.Seq, Newest: newest, Progress: newest.Progress, Verdict: storetest.Unpatched,
			Because: []fleet.Reason{{Code: "not_of_release"}}, Before: storetest.BeforeActive, Reports: longest,
			First: storetest.Now, Last: storetest.Now}
		return errors.Join(tx.Installations().Put(ctx, i), tx.Counts().Move(ctx, nil, &i))
	}), db.Close())
	if err != nil {
		h.b.Fatal(err)
	}
}

// watch looks for a while; page is what of the installation is read meanwhile, nil for nothing.
func (h *reading) watch(page func(h *reading, n int64) string) (w window) {
	watching, most := watching, int64(3000)
	if testing.Short() { // to see that it works
		watching, most = watching/5, most/5
	}
	envelopes := h.forge(most)
	begun := time.Now()
	over := func() bool { return time.Since(begun) > watching }
	var group sync.WaitGroup
	var next, pages atomic.Int64
	for range senders {
		group.Go(func() {
			for !over() {
				n := next.Add(1) - 1
				if n >= int64(len(envelopes)) {
					return
				}
				h.ask(http.MethodPost, h.url+"/v1/reports", envelopes[n])
			}
		})
	}
	if page != nil {
		for range readers {
			group.Go(func() {
				for !over() {
					h.ask(http.MethodGet, page(h, h.read.Add(1)), nil)
					pages.Add(1)
				}
			})
		}
	}
	for tick := time.Tick(watched); !over(); <-tick {
		at := time.Now()
		h.ask(http.MethodGet, h.url+"/", nil)
		w.status = append(w.status, time.Since(at))
	}
	group.Wait()
	w.took, w.reports = time.Since(begun), min(next.Load(), int64(len(envelopes)))
	w.pages, w.away = pages.Load(), h.away.Swap(0)
	return w
}

// forge seals the first reports of n installations.
func (h *reading) forge(n int64) (all [][]byte) {
	for range n {
		r, key := storetest.Report(int(h.sent.Add(1)), 1)
		text, _, err := envelope.Seal(r, key)
		if err != nil {
			h.b.Fatal(err)
		}
		all = append(all, text)
	}
	return all
}

func (h *reading) page() string { return h.url + "/installations/" + string(h.ref) }

func (h *reading) ask(method, url string, body []byte) []byte {
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		h.b.Error(err)
		return nil
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		h.b.Error(err)
		return nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if resp.StatusCode == http.StatusServiceUnavailable && strings.Contains(url, "before") {
		h.away.Add(1)
		return nil
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		h.b.Errorf("%s %s: %s %v %.200s", method, url, resp.Status, err, text)
	}
	return text
}
