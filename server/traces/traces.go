// SPDX-License-Identifier: Apache-2.0

// Package traces sends spans to whoever watches the server, by OpenTelemetry.
//
// Parties: package otad opens it where an endpoint is configured; package server hands it to the house as a
// [span.Tracer], and has it trace requests; a collector takes what it sends. It promises that a span has a name that is
// a constant or a route pattern, figures, a method and a status, and nothing else: no address, no path, no user agent, no
// reference and no words of an error. What cannot be sent is dropped and told once a minute; nobody waits for it. It
// refuses the trace context of whoever asks: a stranger does not choose under which mark the server writes him down.
package traces

import (
	"context"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"landed/server/span"
)

// Traces sends what is measured until Close. A nil *Traces measures nothing.
type Traces struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

var _ span.Tracer = (*Traces)(nil)

// New sends to an exporter, in batches, and closes it in the end. Which spans are sampled, and how many may wait, is
// said by the environment variables of OpenTelemetry (OTEL_TRACES_SAMPLER, OTEL_BSP_…), and what else is said of this
// server by OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
func New(ctx context.Context, to sdk.SpanExporter, log *slog.Logger) (*Traces, error) {
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "landed")),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, err
	}
	p := sdk.NewTracerProvider(sdk.WithResource(about), sdk.WithBatcher(&quiet{SpanExporter: to, log: log}))
	return &Traces{p, p.Tracer("landed/server")}, nil
}

// Begin implements span.Tracer.
func (t *Traces) Begin(ctx context.Context, name string) (context.Context, span.Open) {
	ctx, s := t.tracer.Start(ctx, name)
	return ctx, open{s}
}

type open struct{ span trace.Span }

// Figure implements span.Open.
func (o open) Figure(key string, n int64) { o.span.SetAttributes(attribute.Int64(key, n)) }

// End implements span.Open.
func (o open) End(failed bool) {
	if failed {
		o.span.SetStatus(codes.Error, "")
	}
	o.span.End()
}

// Request begins the span of a request by a method that this program knows; what is returned ends it, with the pattern of
// its route ("" if there was none) and the status that was answered.
func (t *Traces) Request(ctx context.Context, method string) (context.Context, func(route string, status int)) {
	ctx, s := t.tracer.Start(ctx, method, trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer))
	return ctx, func(route string, status int) {
		s.SetAttributes(attribute.String("http.request.method", method), attribute.Int("http.response.status_code", status))
		if route != "" {
			s.SetName(method + " " + route)
			s.SetAttributes(attribute.String("http.route", route))
		}
		if status >= http.StatusInternalServerError {
			s.SetStatus(codes.Error, "")
		}
		s.End()
	}
}

// Close sends what is left, while ctx lasts.
func (t *Traces) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
