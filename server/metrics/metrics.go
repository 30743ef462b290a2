// SPDX-License-Identifier: Apache-2.0

// Package metrics shows how the server stands to whoever watches it, in the text format of Prometheus.
//
// Parties: package server says how it stands each time it is asked, and tells of requests and of what takes time; a
// scraper asks. It promises that each figure is a reason to look, that none names an installation, a person, an address or
// a path, and that there are at most so many series, however many handsets, models and senders there are: labels are
// constants of the program, route patterns, roles of the feed, and models and classes, of which [MaxCells] are told apart.
// It refuses to compute what the status pages show: it repeats some of those figures, as they are maintained.
package metrics

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics answer a scraper.
type Metrics struct {
	registry *prometheus.Registry
	damaged  prometheus.Counter
	requests requests
	steps    steps
}

// New makes the metrics; standing is asked once for each answer.
func New(standing func(context.Context) Standing) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		damaged: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "landed_database_damaged_total", Help: "How often the database was found to be damaged.",
		}),
		requests: newRequests(), steps: newSteps(),
	}
	m.registry.MustRegister(m.damaged, collector{standing}, m.requests.total, m.requests.took,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.steps.all()...)
	return m
}

// Damaged counts that the database was found to be damaged.
func (m *Metrics) Damaged() { m.damaged.Inc() }

// Handler answers with all figures.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
