// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// sender sends figures to the scraper.
type sender chan<- prometheus.Metric

func (to sender) gauge(d *prometheus.Desc, value float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (to sender) counter(d *prometheus.Desc, value int64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

// at sends a moment in Unix time; zero is none.
func (to sender) at(d *prometheus.Desc, t time.Time, labels ...string) {
	if !t.IsZero() {
		to.gauge(d, float64(t.Unix()), labels...)
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	s := c.standing(context.Background())
	s.state(to)
	s.traffic(to)
	s.fleet(to)
}

// state is how the server itself stands.
func (s Standing) state(to sender) {
	to.gauge(diskFree, float64(s.DiskFree))
	to.gauge(diskMark, float64(s.DiskMark))
	to.gauge(reserve, float64(s.Reserve))
	to.gauge(reserveMissing, oneIf(s.ReserveMissing))
	for half, size := range s.Database {
		to.gauge(databaseBytes, float64(size), half)
	}
	for cause, now := range s.Causes {
		to.gauge(notReady, oneIf(now), cause)
	}
	to.gauge(failing, oneIf(s.Failing))
	to.gauge(unpublished, s.Unpublished.Seconds())
	to.gauge(halting, float64(s.Halting))
	to.gauge(excess, float64(s.Excess))
	to.gauge(regressions, float64(s.Regressions))
	to.gauge(uncounted, float64(s.Uncounted))
	to.gauge(uncountedLimit, float64(s.UncountedLimit))
	to.gauge(provisional, float64(s.Provisional))
	to.counter(evicted, s.Evicted)
	for role, at := range s.Expiries {
		to.at(roleExpires, at, role)
	}
	for model, at := range s.Vouchers {
		to.at(voucherEnds, at, model)
	}
	to.at(expires, s.Expires)
	for name, held := range s.Leases {
		to.gauge(leases, oneIf(held), name)
	}
}

// traffic is what handsets ask and send.
func (s Standing) traffic(to sender) {
	for _, a := range s.Feed {
		to.counter(feedAnswers, a.N, a.Kind, a.Status)
	}
	to.counter(targetBytes, s.TargetBytes)
	if s.S3 != nil {
		to.counter(s3Requests, s.S3.Requests)
		to.counter(s3Asked, s.S3.Asked)
		to.counter(s3Came, s.S3.Came)
	}
	for _, r := range s.Reports {
		to.counter(reports, r.N, r.Outcome, r.Code, r.Class)
	}
	to.counter(implausible, s.Implausible)
	to.gauge(queued, float64(s.Queued))
	to.gauge(oldest, s.Oldest.Seconds())
	to <- prometheus.MustNewConstMetric(taken, prometheus.CounterValue, s.Taken.Seconds())
	to.counter(away, s.Away)
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
