// SPDX-License-Identifier: Apache-2.0

package server

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"landed/server/metrics"
	"landed/server/span"
	"landed/server/traces"
)

// observer measures for the metrics, and for traces if there are any.
type observer struct {
	metrics *metrics.Metrics
	traces  *traces.Traces // nil: none
}

var _ span.Tracer = observer{}

// spans are measured by o.
func (o observer) spans() span.Spans { return span.To(o) }

// Begin implements span.Tracer.
func (o observer) Begin(ctx context.Context, name string) (context.Context, span.Open) {
	m := measured{observer: o, name: name, since: time.Now()}
	if o.traces != nil {
		ctx, m.traced = o.traces.Begin(ctx, name)
	}
	return ctx, m
}

type measured struct {
	observer
	name   string
	since  time.Time
	traced span.Open // nil: not traced
}

// Figure implements span.Open.
func (m measured) Figure(key string, n int64) {
	m.metrics.Figure(m.name, key, n)
	if m.traced != nil {
		m.traced.Figure(key, n)
	}
}

// End implements span.Open.
func (m measured) End(failed bool) {
	now := time.Now()
	m.metrics.Took(m.name, now.Sub(m.since), failed, now)
	if m.traced != nil {
		m.traced.End(failed)
	}
}

// request begins to measure a request. What is returned ends it, with the pattern of its route, never its path, and the
// status that was answered; 0 is 200.
func (o observer) request(r *http.Request) (asked *http.Request, end func(route string, status int)) {
	start, method := time.Now(), methodOf(r)
	traced := func(string, int) {}
	if o.traces != nil {
		var ctx context.Context
		ctx, traced = o.traces.Request(r.Context(), method)
		r = r.WithContext(ctx)
	}
	return r, func(route string, status int) {
		status = cmp.Or(status, http.StatusOK)
		o.metrics.Request(method, route, status, time.Since(start))
		traced(route, status)
	}
}

var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
	http.MethodDelete, http.MethodOptions}

// methodOf is the method of a request as it may be written down: one that somebody thought of is "_OTHER", as OpenTelemetry
// calls it.
func methodOf(r *http.Request) string {
	if slices.Contains(methods, r.Method) {
		return r.Method
	}
	return "_OTHER"
}
