// SPDX-License-Identifier: Apache-2.0

package traces

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// Endpoint is where traces go by the environment variables of OpenTelemetry, as the URL of OTLP over HTTP; base is used
// in the place of OTEL_EXPORTER_OTLP_ENDPOINT unless it is "". The answer "" is: nowhere.
func Endpoint(base string, env func(string) string) (string, error) {
	if strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") || strings.EqualFold(env("OTEL_TRACES_EXPORTER"), "none") {
		return "", nil
	}
	name, at := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if base != "" || at == "" {
		name, at = "--otlp-endpoint", base
		if at == "" {
			name, at = "OTEL_EXPORTER_OTLP_ENDPOINT", env("OTEL_EXPORTER_OTLP_ENDPOINT")
		}
		if at == "" {
			return "", nil
		}
		at = strings.TrimSuffix(at, "/") + "/v1/traces"
	}
	if u, err := url.Parse(at); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("%s is %q; wanted the URL of an OpenTelemetry collector, such as http://127.0.0.1:4318", name, at)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := env(name); p != "" {
			if p != "http/protobuf" {
				return "", fmt.Errorf("%s is %q; this server speaks http/protobuf alone, usually at port 4318", name, p)
			}
			break
		}
	}
	return at, nil
}

// Open sends to a collector that takes OTLP over HTTP at a URL, which need not be there yet. Headers, certificates,
// compression and patience are said by the environment variables of OpenTelemetry (OTEL_EXPORTER_OTLP_…).
func Open(ctx context.Context, endpoint string, log *slog.Logger) (*Traces, error) {
	to, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	if err != nil {
		return nil, fmt.Errorf("traces to %s: %w", endpoint, err)
	}
	t, err := New(ctx, to, log)
	if err != nil {
		return nil, errors.Join(err, to.Shutdown(ctx))
	}
	return t, nil
}

// quiet tells of what could not be sent once a minute, in the log of the server.
type quiet struct {
	sdk.SpanExporter
	log *slog.Logger

	mu   sync.Mutex
	told time.Time
	lost int // spans since then
}

// ExportSpans implements sdk.SpanExporter.
func (q *quiet) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	err := q.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lost += len(spans)
	if now := time.Now(); q.told.IsZero() || now.Sub(q.told) >= time.Minute {
		q.log.WarnContext(ctx, "traces could not be sent; the server goes on without", "spans", q.lost, "err", err)
		q.told, q.lost = now, 0
	}
	return nil
}
