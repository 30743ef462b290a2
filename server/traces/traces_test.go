// SPDX-License-Identifier: Apache-2.0

package traces_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	collected "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"landed/server/span"
	"landed/server/traces"
)

var discard = slog.New(slog.DiscardHandler)

// kept is an exporter in memory that can be read after it was closed.
type kept struct{ *tracetest.InMemoryExporter }

func (kept) Shutdown(context.Context) error { return nil }

func TestSpansLieBelowEachOther(t *testing.T) {
	ctx, memory := t.Context(), kept{tracetest.NewInMemoryExporter()}
	to, err := traces.New(ctx, memory, discard)
	if err != nil {
		t.Fatal(err)
	}
	// A stranger's trace is not gone on with.
	strange := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, Remote: true,
		TraceFlags: trace.FlagsSampled})
	asked, answered := to.Request(trace.ContextWithRemoteSpanContext(ctx, strange), "POST")
	spans := span.To(to)
	_ = spans.Do(asked, "publish", func(ctx context.Context) error {
		_, s := spans.Begin(ctx, "publish.save")
		s.Figure("roles", 2)
		s.End(nil)
		return fmt.Errorf("the handset at 203.0.113.77")
	})
	answered("/v1/rollouts/{id}/halt", 503)
	_, answered = to.Request(ctx, "GET")
	answered("", 404)
	if err := to.Close(ctx); err != nil {
		t.Fatal(err)
	}
	var lines []string
	names := map[trace.SpanID]string{{}: "nothing"}
	for _, s := range memory.GetSpans() {
		names[s.SpanContext.SpanID()] = s.Name
	}
	for _, s := range memory.GetSpans() {
		var said []string
		for _, a := range s.Attributes {
			said = append(said, fmt.Sprintf("%s=%s", a.Key, a.Value.String()))
		}
		if s.Status.Description != "" || len(s.Events)+len(s.Links) > 0 || s.SpanContext.TraceID() == strange.TraceID() {
			t.Errorf("%s says %+v", s.Name, s)
		}
		lines = append(lines, fmt.Sprintf("%s below %s, %t %v", s.Name, names[s.Parent.SpanID()], s.Status.Code == codes.Error, said))
	}
	want := `publish.save below publish, false [roles=2]
publish below POST /v1/rollouts/{id}/halt, true []
POST /v1/rollouts/{id}/halt below nothing, true [http.request.method=POST http.response.status_code=503 http.route=/v1/rollouts/{id}/halt]
GET below nothing, false [http.request.method=GET http.response.status_code=404]`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwanted\n%s", got, want)
	}
}

// Over the wire it is what a collector decodes, and the server is named.
func TestACollectorDecodesThem(t *testing.T) {
	for _, patience := range []string{"OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_BSP_EXPORT_TIMEOUT"} {
		t.Setenv(patience, "120000") // in milliseconds: a busy machine may take longer than a collector is waited for
	}
	var got collected.ExportTraceServiceRequest
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && r.URL.Path == "/v1/traces" && r.Header.Get("Content-Type") == "application/x-protobuf" {
			err = proto.Unmarshal(body, &got)
		}
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer s.Close()
	at, err := traces.Endpoint(s.URL+"/", func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	to, err := traces.Open(t.Context(), at, discard)
	if err != nil {
		t.Fatal(err)
	}
	_, sp := span.To(to).Begin(t.Context(), "tick")
	sp.End(nil)
	if err := to.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(got.ResourceSpans) != 1 || len(got.ResourceSpans[0].ScopeSpans) != 1 || got.ResourceSpans[0].ScopeSpans[0].Spans[0].Name != "tick" {
		t.Fatalf("got %v", &got)
	}
	about := fmt.Sprint(got.ResourceSpans[0].Resource)
	if !strings.Contains(about, `"landed"`) || strings.Contains(about, "host") || strings.Contains(about, "process") {
		t.Errorf("the server says of itself: %s", about)
	}
}

// A collector that is away costs a line of the log, and nobody's time.
func TestACollectorThatIsAway(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	var log bytes.Buffer
	to, err := traces.Open(t.Context(), s.URL+"/v1/traces", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		_, sp := span.To(to).Begin(t.Context(), "tick")
		sp.End(nil)
	}
	if err := to.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "traces could not be sent"); n != 1 {
		t.Errorf("it was told %d times:\n%s", n, &log)
	}
	if err := (*traces.Traces)(nil).Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEndpoint(t *testing.T) {
	const (
		base, exact, proto = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"
		at                 = "http://collector:4318"
	)
	for _, tt := range []struct {
		name, flag string
		env        map[string]string
		want, err  string
	}{
		{"nowhere", "", nil, "", ""},
		{"the environment", "", map[string]string{base: at}, at + "/v1/traces", ""},
		{"with a path", "", map[string]string{base: at + "/otlp/"}, at + "/otlp/v1/traces", ""},
		{"of traces alone, as it is", "", map[string]string{base: at, exact: "https://c/x"}, "https://c/x", ""},
		{"the flag wins", at, map[string]string{base: "http://other", exact: "http://other"}, at + "/v1/traces", ""},
		{"switched off", at, map[string]string{"OTEL_SDK_DISABLED": "true"}, "", ""},
		{"no exporter", "", map[string]string{base: at, "OTEL_TRACES_EXPORTER": "none"}, "", ""},
		{"another protocol", "", map[string]string{base: at, proto: "grpc"}, "", proto + ` is "grpc"; this server speaks http/protobuf`},
		{"the protocol of traces wins", "", map[string]string{base: at, proto: "grpc",
			"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, at + "/v1/traces", ""},
		{"no URL", "collector:4318", nil, "", `--otlp-endpoint is "collector:4318/v1/traces"; wanted the URL`},
		{"no host", "", map[string]string{exact: "http:///v1/traces"}, "", exact + ` is "http:///v1/traces"`},
	} {
		got, err := traces.Endpoint(tt.flag, func(name string) string { return tt.env[name] })
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %q, %v; wanted %q, %q", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// BenchmarkRequest is what a traced request costs beside all else; where nothing is traced, package span says what it
// costs.
func BenchmarkRequest(b *testing.B) {
	to, err := traces.New(b.Context(), tracetest.NewNoopExporter(), discard)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_, answered := to.Request(b.Context(), "POST")
		answered("/v1/reports", 200)
	}
}
