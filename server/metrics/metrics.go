// SPDX-License-Identifier: Apache-2.0

// Package metrics shows how the server stands to whoever watches it, in the text format of Prometheus.
//
// Parties: package server says how it stands each time it is asked; a scraper asks. It promises few figures, each a
// reason to look: none of them names an installation, a person or an address. It refuses to count what the status pages
// count: those figures are public, and maintained in the database.
package metrics

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Standing is how the server stands now.
type Standing struct {
	DiskFree, DiskMark, Reserve int64 // bytes
	ReserveMissing              bool
	Causes                      map[string]bool // by name, whether it keeps the server from being ready; all of them
	Failing                     bool            // the last publication was not done
	Unpublished                 time.Duration   // for so long a change of the rollouts is stored and not published
	Halting                     int             // rollouts that are halted, and whose handsets are not told so yet
	// Reports that are stored of installations that are of no counted fleet, and that may be; the latter below 0 without a bound.
	Uncounted, UncountedLimit int64
	Provisional, Evicted      int64                // reports that are kept for now, and that were let go of since the start
	Expires                   time.Time            // of the timestamp; zero before the first
	Expiries                  map[string]time.Time // of each role of the served feed
	Vouchers                  map[string]time.Time // when the last voucher for a witness handset ends, by model
}

// Metrics answer a scraper.
type Metrics struct {
	registry *prometheus.Registry
	damaged  prometheus.Counter
}

// New makes the metrics; standing is asked once for each answer.
func New(standing func(context.Context) Standing) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		damaged: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "landed_database_damaged_total", Help: "How often the database was found to be damaged.",
		}),
	}
	m.registry.MustRegister(m.damaged, collector{standing})
	return m
}

// Damaged counts that the database was found to be damaged.
func (m *Metrics) Damaged() { m.damaged.Inc() }

// Handler answers with all figures.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

type collector struct {
	standing func(context.Context) Standing
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("landed_"+name, help, labels, nil)
}

var (
	diskFree       = gauge("disk_free_bytes", "Free bytes on the disk of the data folder.")
	diskMark       = gauge("disk_mark_bytes", "So many must be free for reports and packages to be taken in.")
	reserve        = gauge("reserve_bytes", "Bytes that are kept for halts.")
	reserveMissing = gauge("reserve_missing", "1 while the reserve was given back and is not made again.")
	notReady       = gauge("not_ready", "1 while the cause keeps the server from being ready.", "cause")
	failing        = gauge("publication_failing", "1 while the last publication was not done.")
	unpublished    = gauge("unpublished_seconds", "For so long a change of the rollouts is stored and not published.")
	halting        = gauge("rollouts_halting", "Rollouts that are halted, and whose handsets are not told so yet.")
	voucherEnds    = gauge("voucher_ends_seconds", "When the last voucher for a witness handset of a model ends, in Unix time.", "model")
	roleExpires    = gauge("role_expires_seconds", "When the metadata of a role expires, in Unix time.", "role")
	uncounted      = gauge("uncounted_reports", "Stored reports of installations that are of no counted fleet.")
	uncountedLimit = gauge("uncounted_limit_reports", "How many of those may be; more are provisional. -1 is no bound.")
	provisional    = gauge("provisional_reports", "Reports that are kept for now, and may be let go of.")
	evicted        = prometheus.NewDesc("landed_provisional_evicted_total", "Provisional reports that were let go of.", nil, nil)
	expires        = gauge("timestamp_expires_seconds", "When the timestamp of the feed expires, in Unix time.")
)

// Describe implements prometheus.Collector.
func (collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		diskFree, diskMark, reserve, reserveMissing, notReady, failing, unpublished, halting, expires, roleExpires, voucherEnds,
		uncounted, uncountedLimit, provisional, evicted,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	s := c.standing(context.Background())
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	send(diskFree, float64(s.DiskFree))
	send(diskMark, float64(s.DiskMark))
	send(reserve, float64(s.Reserve))
	send(reserveMissing, oneIf(s.ReserveMissing))
	for cause, now := range s.Causes {
		send(notReady, oneIf(now), cause)
	}
	send(failing, oneIf(s.Failing))
	send(unpublished, s.Unpublished.Seconds())
	send(halting, float64(s.Halting))
	send(uncounted, float64(s.Uncounted))
	send(uncountedLimit, float64(s.UncountedLimit))
	send(provisional, float64(s.Provisional))
	to <- prometheus.MustNewConstMetric(evicted, prometheus.CounterValue, float64(s.Evicted))
	for role, at := range s.Expiries {
		send(roleExpires, float64(at.Unix()), role)
	}
	for model, at := range s.Vouchers {
		send(voucherEnds, float64(at.Unix()), model)
	}
	if !s.Expires.IsZero() {
		send(expires, float64(s.Expires.Unix()))
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
