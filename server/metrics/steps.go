// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The names of the spans that are measured here. Others are for traces alone.
const (
	Commit  = "intake.commit" // of a batch of reports, with the figure Batch
	Batch   = "reports"
	Publish = "publish" // a publication; its steps follow it
	Tick    = "tick"    // the periodic work
)

var publishSteps = []string{"publish.sign", "publish.check", "publish.save", "publish.write"}

// work is how often something was done, or failed, and how long it took.
type work struct {
	count *prometheus.CounterVec
	took  prometheus.Histogram
}

func newWork(count, took, what string, buckets []float64) work {
	w := work{
		prometheus.NewCounterVec(prometheus.CounterOpts{Name: "landed_" + count, Help: what + ", by whether it was done."},
			[]string{"result"}),
		prometheus.NewHistogram(prometheus.HistogramOpts{Name: "landed_" + took, Help: "How long it took: " + what + ".",
			Buckets: buckets}),
	}
	for _, result := range []string{resultDone, resultFailed} {
		w.count.WithLabelValues(result)
	}
	return w
}

const (
	resultDone   = "done"
	resultFailed = "failed"
)

func resultOf(failed bool) string {
	if failed {
		return resultFailed
	}
	return resultDone
}

type steps struct {
	works map[string]work // by the name of the span
	parts *prometheus.HistogramVec
	batch prometheus.Histogram
	last  prometheus.Gauge
}

// Seconds, from what memory does to what somebody should look at.
var (
	short = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	long  = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
)

func newSteps() steps {
	s := steps{
		works: map[string]work{
			Commit:  newWork("intake_commits_total", "intake_commit_seconds", "A transaction that stores a batch of reports", short),
			Publish: newWork("publications_total", "publication_seconds", "A publication", long),
			Tick:    newWork("ticks_total", "tick_seconds", "The periodic work", long),
		},
		parts: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "landed_publication_step_seconds",
			Help: "How long a step of a publication took.", Buckets: long}, []string{"step"}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "landed_intake_commit_reports",
			Help: "Reports in one transaction.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{Name: "landed_tick_time_seconds",
			Help: "When the periodic work was last done, well or ill, in Unix time."}),
	}
	for _, name := range publishSteps {
		s.parts.WithLabelValues(name)
	}
	return s
}

func (s steps) all() []prometheus.Collector {
	all := []prometheus.Collector{s.parts, s.batch, s.last}
	for _, w := range s.works {
		all = append(all, w.count, w.took)
	}
	return all
}

// Took measures a span that ended at a time. It passes over names that it does not know.
func (m *Metrics) Took(name string, d time.Duration, failed bool, at time.Time) {
	if w, ok := m.steps.works[name]; ok {
		w.count.WithLabelValues(resultOf(failed)).Inc()
		w.took.Observe(d.Seconds())
		if name == Tick {
			m.steps.last.Set(float64(at.Unix()))
		}
		return
	}
	for _, known := range publishSteps {
		if name == known {
			m.steps.parts.WithLabelValues(name).Observe(d.Seconds())
		}
	}
}

// Figure takes note of a figure of a span.
func (m *Metrics) Figure(name, key string, n int64) {
	if name == Commit && key == Batch {
		m.steps.batch.Observe(float64(n))
	}
}
