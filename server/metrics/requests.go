// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requests are those that pass the router; the feed counts its own.
type requests struct {
	total *prometheus.CounterVec
	took  *prometheus.HistogramVec
}

func newRequests() requests {
	return requests{
		prometheus.NewCounterVec(prometheus.CounterOpts{Name: "landed_http_requests_total",
			Help: "Requests by method, pattern of the route and class of the status; those to the feed are not among them."},
			[]string{"method", "route", "status"}),
		prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "landed_http_request_seconds",
			Help: "How long requests took, by the pattern of the route.", Buckets: []float64{.005, .025, .1, .5, 2.5, 10, 60}},
			[]string{"route"}),
	}
}

// Request counts a request. route is a pattern, never a path: "" for one that led nowhere. method is one that this
// program knows.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	if route == "" {
		route = "none"
	}
	m.requests.total.WithLabelValues(method, route, strconv.Itoa(status/100)+"xx").Inc()
	m.requests.took.WithLabelValues(route).Observe(took.Seconds())
}
