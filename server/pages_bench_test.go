// SPDX-License-Identifier: Apache-2.0

//go:build unix

package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/store/storetest"
)

const (
	pageModels  = 200
	pageViewers = 50
	pagePolls   = 2 * time.Second // of each viewer, as live.js does
	pageMoves   = 10              // a second
)

// BenchmarkPages prints what pages cost, of 200 models and LANDED_INSTALLATIONS (120,000 if unset), over HTTP, in each language: the
// time of the processor for a request, with what asks for it, the bytes that are sent over the wire with gzip, and how long it takes.
//
//	200, 304:    of a page that is kept; find and moved are made anew each time, moved after a figure changed and nobody had asked for
//	             as long as an answer may stand: the first reader after a pause, who waits for all of it
//	viewers:     50 who poll every 2 seconds, their languages in turn, as a share of a core: still is while nothing moves, moving with 10
//	             changes a second; nobody is what those changes cost without them, which moving has in it as well
func BenchmarkPages(b *testing.B) {
	h := newPaged(b)
	tags := []string{"en", "zh-Hans", "zh-Hant"}
	if testing.Short() { // to see that it works
		tags = tags[:1]
	}
	for _, tag := range tags {
		for _, p := range []struct {
			name, path string
			again      bool
			moved      bool
			times      int
		}{
			{"status 200", "/", false, false, 200}, {"status 304", "/", true, false, 1000}, {"status moved", "/", false, true, 6},
			{"find", "/?find=Model+7", false, false, 50}, {"status.json", "/status.json", false, false, 100},
			{"model", "/models/model007", false, false, 200}, {"model moved", "/models/model007", false, true, 4},
			{"release", "/releases/one", false, false, 200}, {"release moved", "/releases/one", false, true, 4},
			{"installation", "/installations/" + h.ref, false, false, 200},
		} {
			b.Run(p.name+" "+tag, func(b *testing.B) {
				if p.moved && testing.Short() {
					p.times = 1
				}
				h.cost(b, tag, p.path, p.again, p.moved, p.times)
			})
		}
	}
	var without float64
	b.Run("nobody moving", func(b *testing.B) { without = h.viewers(b, 0, pageMoves, 0) })
	b.Run("viewers still", func(b *testing.B) { h.viewers(b, pageViewers, 0, 0) })
	b.Run("viewers moving", func(b *testing.B) { h.viewers(b, pageViewers, pageMoves, without) })
}

// paged is a server over HTTP with many models.
type paged struct {
	*reading
	address string
	ref     string
	server  *Server
	moves   int
	models  int
	stands  time.Duration // longer than an answer about so many models may be given again
	viewed  time.Duration
}

func newPaged(b *testing.B) *paged {
	b.Helper()
	began := time.Now()
	now := func() time.Time { return storetest.Now.Add(time.Since(began)) }
	dir := b.TempDir()
	if _, err := datadir.Init(b.Context(), dir, "root", now); err != nil {
		b.Fatal(err)
	}
	h := &paged{reading: &reading{b: b}, models: pageModels, stands: 5200 * time.Millisecond, viewed: 20 * time.Second}
	if testing.Short() {
		h.models, h.stands, h.viewed = pageModels/10, 1200*time.Millisecond, pagePolls+time.Second/2
	}
	list, devices := []string{}, []string{"armani"}
	for i := range h.models - 1 {
		devices = append(devices, fmt.Sprintf("model%03d", i))
	}
	for i, d := range devices {
		list = append(list, fmt.Sprintf("{device: %s, product: Model %d, numbers: [], rom_names: [], variants: [%s], "+
			"android: '4', profile: {family: file, legacy_recovery: true}}", d, i, d))
	}
	c, err := manifests.ParseCatalogue([]byte("schema: 1\nmodels: [" + strings.Join(list, ", ") + "]"))
	if err != nil {
		b.Fatal(err)
	}
	h.store(dir, func() time.Time { return storetest.Now })
	h.fill(dir, devices)
	s, err := New(Config{DataDir: dir, Now: now, Catalogue: c})
	if err != nil {
		b.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	b.Cleanup(func() {
		web.Close()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	h.server, h.address, h.ref = s, web.Listener.Addr().String(), string(h.reading.ref)
	return h
}

// fill puts the models, their rollouts, the installations, and copies of the figures of two weeks there.
func (h *paged) fill(dir string, devices []string) {
	h.b.Helper()
	size := 120_000
	if testing.Short() {
		size = 2_000
	}
	if n, err := strconv.Atoi(os.Getenv("LANDED_INSTALLATIONS")); err == nil {
		size = n
	}
	ctx := context.Background()
	db, err := datadir.Dir(dir).Open(ctx, storetest.Clock)
	if err != nil {
		h.b.Fatal(err)
	}
	err = db.Update(ctx, func(tx fleet.Tx) error {
		one, err := tx.Releases().Get(ctx, "one")
		for i, d := range devices {
			if i > 0 {
				pkg := fleet.Package{
					SHA256:  fmt.Sprintf("%064x", i),
					Name:    d + ".zip",
					Model:   d,
					Variant: d,
					Channel: "stable",
					Family:  "file",
					Build: manifests.Build{
						Fingerprint: "Xiaomi/" + d + "/" + d + ":4.3/JLS36C/46:user/release-keys",
						Incremental: "46",
						UTC:         1_407_600_000,
					},
					At: storetest.Now,
				}
				one.Packages = append(one.Packages, pkg.Ref())
				err = errors.Join(err, tx.Packages().Put(ctx, pkg))
			}
			r := fleet.Rollout{ID: "one." + d + ".stable", Release: "one", Model: d, Channel: "stable", Salt: strings.Repeat("00", 16),
				Stages: fleet.DefaultStages(
					0,
				), State: fleet.RolloutRunning, Stage: i % 4, By: "mei", Since: storetest.Now.Add(-30 * time.Hour),
				Started: storetest.Now.Add(-90 * time.Hour), Changed: storetest.Now.Add(-30 * time.Hour)}
			err = errors.Join(err, tx.Rollouts().Create(ctx, r))
		}
		return errors.Join(err, tx.Releases().Save(ctx, one, one.State))
	})
	for from := 0; from < size && err == nil; from += 10_000 {
		err = db.UpdateReports(ctx, func(tx fleet.Tx) (err error) {
			var all []fleet.Installation
			for n := from; n < min(from+10_000, size); n++ {
				all = append(all, pageHandset(n, devices[n%len(devices)]))
				err = errors.Join(err, tx.Counts().Move(ctx, nil, &all[len(all)-1]))
			}
			return errors.Join(err, tx.Installations().Put(ctx, all...))
		})
	}
	for n := 14 * 24; n > 0 && err == nil; n-- {
		err = db.UpdateReports(ctx, func(tx fleet.Tx) error {
			at := storetest.Now.Add(time.Duration(-n) * time.Hour)
			var cells []fleet.Counts
			for _, of := range []fleet.Cell{{}, {Release: "one"}, {Model: "model007", Channel: "stable"}, {Model: "model007",
				Release: "one", Channel: "stable"}} {
				cells = append(cells, pageFigures(of, int64(400-n), int64(n)))
			}
			_, err := tx.History().Add(ctx, at, cells...)
			return errors.Join(err, tx.History().Mark(ctx, fleet.Moment{At: at, Version: fleet.FiguresVersion}))
		})
	}
	if err := errors.Join(err, db.Close()); err != nil {
		h.b.Fatal(err)
	}
}

// moved has one handset more of a model report.
func (h *paged) moved(device string) {
	h.moves++
	i := pageHandset(h.moves, device)
	if err := h.server.store.UpdateReports(context.Background(), func(tx fleet.Tx) error {
		return tx.Counts().Move(context.Background(), nil, &i)
	}); err != nil {
		h.b.Error(err)
	}
}

// cost asks for a page so many times over one connection.
func (h *paged) cost(b *testing.B, tag, path string, again, moved bool, times int) {
	v := newViewer(b, h.address, tag)
	defer v.Close()
	v.get(b, path, "")
	etag := ""
	if again {
		etag = v.etag
	}
	var each []time.Duration
	var used time.Duration
	sent := v.read
	for range times {
		if moved {
			h.moved("model007")
			etag = v.etag
			time.Sleep(h.stands)
		}
		before, began := processor(b), time.Now()
		code := v.get(b, path, etag)
		each = append(each, time.Since(began))
		used += processor(b) - before
		if code != http.StatusOK && !again {
			b.Fatalf("%s answers %d", path, code)
		}
		if again {
			etag = v.etag // it says how long stages last yet, so each minute it is another page
		}
	}
	slices.Sort(each)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(used.Microseconds())/float64(times), "cpu-us/request")
	b.ReportMetric(float64(v.read-sent)/float64(times), "wire-B/request")
	b.ReportMetric(float64(each[len(each)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(each[(len(each)-1)*99/100].Microseconds())/1000, "p99-ms")
}

// viewers are so many that have the front page open, in a process of their own, while figures move so often in a second; without is what
// that costs without them, percent of a core. It gives what all cost.
func (h *paged) viewers(b *testing.B, many, moves int, without float64) float64 {
	they := startViewers(b, h.address, many, h.viewed)
	over := make(chan struct{})
	var group sync.WaitGroup
	before, began := processor(b), time.Now()
	they.begin()
	if moves > 0 {
		group.Go(func() {
			for tick := time.NewTicker(time.Second / time.Duration(moves)); ; {
				select {
				case <-over:
					return
				case <-tick.C:
					h.moved(fmt.Sprintf("model%03d", h.moves*7%(h.models-1))) // they are of all models
				}
			}
		})
	}
	time.Sleep(h.viewed)
	used, took := processor(b)-before, time.Since(began)
	close(over)
	group.Wait()
	saw := they.end()
	percent := 100 * used.Seconds() / took.Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(percent, "percent-with-changes")
	if many == 0 {
		return percent
	}
	b.ReportMetric(percent-without, "percent-of-core")
	b.ReportMetric(float64(saw.Polls)/took.Seconds(), "polls/s")
	b.ReportMetric(float64(saw.Changed)/float64(saw.Polls), "changed/poll")
	b.ReportMetric(float64(saw.Bytes)/float64(saw.Polls), "wire-B/request")
	b.ReportMetric(saw.P99, "p99-ms")
	return percent
}

// pageHandset is the n-th installation: how it stands.
func pageHandset(n int, device string) fleet.Installation {
	class, progress := storetest.ConfirmedOff, report.ProgressRunning
	switch n / pageModels % 10 {
	case 0, 1:
		class, progress = storetest.Unpatched, report.ProgressKnown
	case 2:
		if n%pageModels%5 == 0 { // in one of five models not all is well
			class = []fleet.Class{"leak", "registered_by_itself", "carried_over", "consented"}[n/7%4]
		}
	case 3:
		if n%3 == 0 {
			class, progress = storetest.Unpatched, report.ProgressFailed
		}
	}
	i := fleet.Installation{
		Ref:      report.Reference(fmt.Sprintf("R%023d", n)),
		Release:  "one",
		Current:  true,
		Model:    device,
		Channel:  "stable",
		Seq:      4,
		Newest:   report.Report{ID: fmt.Sprintf("%032x", n)},
		Progress: progress,
		Verdict:  class,
		Kind:     storetest.KindOf(class),
		Because:  []fleet.Reason{{Code: "off_and_quiet"}},
		Before:   []fleet.Before{storetest.BeforeActive, storetest.BeforeQuiet}[n%2],
		Reports:  4,
		First:    storetest.Now.AddDate(0, 0, -100),
		Last:     storetest.Now.Add(-time.Duration(n%90*24) * time.Hour),
		Drawn:    n % 10_000,
	}
	if progress == report.ProgressFailed {
		i.Cause = report.CauseStorage
	}
	return i
}

// pageFigures are those of so many installations, of which some have shown the effect.
func pageFigures(of fleet.Cell, good, waiting int64) fleet.Counts {
	f := fleet.NewFigures()
	f.Installations = good + waiting
	f.Verdicts[storetest.ConfirmedOff], f.Verdicts[storetest.Unpatched] = good, waiting
	f.Kinds[effect.Good], f.Kinds[effect.Unjudged] = good, waiting
	f.Progress[report.ProgressRunning], f.Progress[report.ProgressKnown] = good, waiting
	f.Before[storetest.BeforeActive] = good + waiting
	f.Heard = &fleet.Heard{Of: good + waiting, Silent: [3]int64{good / 2, good / 3, good / 4}}
	return fleet.Counts{Model: of.Model, Release: of.Release, Channel: of.Channel, Figures: f, Counted: fleet.NewFigures(),
		Quarantined: fleet.NewFigures()}
}
