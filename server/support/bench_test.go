// SPDX-License-Identifier: Apache-2.0

package support

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/server/fleet"
)

// lineUpOf is a store whose catalogue has so many models.
func lineUpOf(t testing.TB, models int) (h *fixture, devices []string) {
	var list []string
	for i := range models {
		d := fmt.Sprintf("model%03d", i)
		devices = append(devices, d)
		list = append(list, fmt.Sprintf("{device: %s, product: Model %d, numbers: [], rom_names: [], variants: [%s], "+
			"android: '4', profile: {family: file, legacy_recovery: true}}", d, i, d))
	}
	c, err := manifests.ParseCatalogue([]byte("schema: 1\nmodels: [" + strings.Join(list, ", ") + "]"))
	if err != nil {
		t.Fatal(err)
	}
	return open(t, c), devices
}

// largeFleet is a store with the figures of about a million installations on so many models; one
// in five is in trouble. Under -short it is of a tenth of the models, and few on each.
func largeFleet(t testing.TB, models int) *fixture {
	if testing.Short() {
		return fleetOf(t, models/10, 5)
	}
	return fleetOf(t, models, 1_000_000/models/6)
}

// fleetOf is one with so many installations of each class that a model has.
func fleetOf(t testing.TB, models, each int) *fixture {
	h, devices := lineUpOf(t, models)
	h.publish(devices...)
	h.delegate(1, devices...)
	var all []*fleet.Installation
	for i, d := range devices {
		h.roll(d, func(r *fleet.Rollout) { r.Stage = i % 4 })
		for j, c := range h.release.Effect.All() {
			if i%5 != 1 && (c.Kind == effect.Bad || c.Kind == effect.Open) {
				continue // most models are well
			}
			findings := h.release.Effect.Before.Findings
			all = append(all, h.standing(d, fleet.Class(c.Name), fleet.Before(findings[j%len(findings)])))
		}
	}
	h.move(each, nil, all...)
	return h
}

// BenchmarkStatus is the page of 200 models and a million installations. The bar is 50 ms for
// the slowest hundredth, so it prints that too, and the time of the processor, which says more
// where other programs run.
//
//	moved:     nothing is kept: figures are read, the page is made
//	unchanged: answered from what is kept, as is json
//	304:       as a live page asks; stands: after the first second, by the version of the store
//
// x_moved says how many of them cost as much as one page that is made, in the same run.
func BenchmarkStatus(b *testing.B) {
	h := largeFleet(b, 200)
	watched(b, h, 0, atNow)
	etag := h.get("/").Header().Get("ETag")
	made := 0.0
	for _, tt := range []struct {
		name, path, match string
		moved             bool
		stale             bool // it is answered by the version, not because it is fresh
		want              int
	}{
		{"moved", "/", "", true, false, 200}, {"unchanged", "/", "", false, false, 200},
		{"304", "/", etag, false, false, 304}, {"stands", "/releases", "", false, true, 304},
		{"json", "/status.json", "", false, false, 200}, {"model", "/models/model007", "", true, false, 200},
	} {
		b.Run(tt.name, func(b *testing.B) {
			if tt.stale {
				h.support.kept.fresh = 1
				h.get(tt.path) // the version is seen for the first time
				tt.match = h.get(tt.path).Header().Get("ETag")
			}
			var each []time.Duration
			bytes, cpu := 0, cpuTime(b)
			for b.Loop() {
				if tt.moved {
					h.support.kept.forget()
				}
				r := httptest.NewRequest(http.MethodGet, tt.path, nil)
				r.Header.Set("If-None-Match", tt.match)
				w := httptest.NewRecorder()
				begin := time.Now()
				h.doors.ServeHTTP(w, r)
				each = append(each, time.Since(begin))
				if w.Code != tt.want {
					b.Fatalf("%d, wanted %d", w.Code, tt.want)
				}
				bytes = w.Body.Len()
			}
			cost := float64((cpuTime(b) - cpu).Microseconds()) / float64(len(each))
			if tt.name == "moved" {
				made = cost
			}
			b.ReportMetric(cost, "cpu-us/op")
			b.ReportMetric(made/max(cost, 0.1), "x_moved")
			h.support.kept.fresh = fresh
			slices.Sort(each)
			b.ReportMetric(float64(each[len(each)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(bytes)/1000, "kB")
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
