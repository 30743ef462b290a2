// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collected "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server"
	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/store/storetest"
	"landed/server/traces"
)

// collector takes traces as any OTLP/HTTP receiver does.
type collector struct {
	url string

	mu    sync.Mutex
	raw   []byte
	spans []*spans.Span
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got collected.ExportTraceServiceRequest
		body, err := io.ReadAll(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" && err == nil {
			plain, fault := gzip.NewReader(bytes.NewReader(body))
			if err = fault; err == nil {
				body, err = io.ReadAll(plain)
			}
		}
		if err == nil {
			err = proto.Unmarshal(body, &got)
		}
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw = append(c.raw, body...)
		for _, of := range got.ResourceSpans {
			for _, in := range of.ScopeSpans {
				c.spans = append(c.spans, in.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(s.Close)
	c.url = s.URL + "/v1/traces"
	return c
}

// lines are the names of the spans with the names of those that they lie below.
func (c *collector) lines() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[string]string{"": "-"}
	for _, s := range c.spans {
		names[string(s.SpanId)] = s.Name
	}
	for _, s := range c.spans {
		all = append(all, s.Name+" < "+names[string(s.ParentSpanId)])
	}
	return all
}

// crowd is several clients of a server, whom nobody may find in what watches it.
type crowd struct {
	t       *testing.T
	base    string
	client  *http.Client
	release string
	secrets []string // what must stand nowhere
}

// strange is the address that the crowd speaks from, where the machine lets it; forwarded, what a proxy says. What must stand
// nowhere is long, or has two points: spans have random bytes, and figures are numbers of any kind.
const (
	strange   = "127.66.77.88"
	forwarded = "203.0.113.77"
	agent     = "Xiaomi-armani/4.3 (IMEI 490154203237518)"
	traceID   = "4bf92f3577b34da6a3ce929d0e0e4736"

	engineerName = "mei-of-the-night-shift"
)

func newCrowd(t *testing.T, base, release string) *crowd {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(strange)}}
	if l, err := net.Listen("tcp", strange+":0"); err != nil {
		dialer.LocalAddr = nil
	} else {
		l.Close()
	}
	return &crowd{t: t, base: base, release: release,
		client: &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}},
		secrets: []string{strange, forwarded, "127.66.77", "66.77.88", "490154203237518", "(IMEI", traceID, engineerName, "it burns",
			"watcher", "landed_secret"}}
}

func (c *crowd) do(method, path string, body []byte, header ...string) (int, []byte) {
	c.t.Helper()
	r, err := http.NewRequest(method, c.base+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for k, v := range map[string]string{"User-Agent": agent, "X-Forwarded-For": forwarded, "Forwarded": "for=" + forwarded,
		"Traceparent": "00-" + traceID + "-00f067aa0ba902b7-01", "Content-Type": "application/json", "X-Request-Id": forwarded} {
		r.Header.Set(k, v)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := c.client.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// report seals the report of installation n, and remembers who it is.
func (c *crowd) report(n int, seq int64) []byte {
	r, key := storetest.Report(n, seq)
	r.Release = c.release
	r.ID = ""
	text, id, err := envelope.Seal(r, key)
	if err != nil {
		c.t.Fatal(err)
	}
	public, err := hex.DecodeString(r.Key)
	if err != nil {
		c.t.Fatal(err)
	}
	c.secrets = append(c.secrets, string(report.ReferenceOf(public)), r.Key, fmt.Sprint(id))
	return text
}

// come asks, sends, looks up and errs, as installations from first on.
func (c *crowd) come(first int) {
	c.do("GET", "/tuf/metadata/timestamp.json", nil)
	c.do("GET", "/tuf/metadata/timestamp.json", nil, "If-None-Match", "*")
	c.do("GET", "/tuf/targets/"+strange, nil)
	for n := first; n < first+4; n++ {
		text := c.report(n, 2)
		for range 2 {
			if status, answer := c.do("POST", "/v1/reports", text); status != 200 {
				c.t.Errorf("a report is answered %d %s", status, answer)
			}
		}
		c.do("POST", "/v1/reports", c.report(n, 1))
		ref := c.secrets[len(c.secrets)-3]
		c.do("GET", "/installations/"+ref, nil)
		c.do("GET", "/installations?ref="+ref, nil)
		c.do("GET", "/no/such/"+ref, nil)
	}
	c.do("POST", "/v1/reports", []byte(`{"from":"`+strange+`"}`))
	c.do("GET", "/installations/"+strange, nil)
	c.do("GET", "/v1/"+forwarded, nil)
	c.do("X"+fmt.Sprint(first), "/releases", nil)
	c.do("GET", "/v1/tokens", nil, "Authorization", "Bearer landed_secret"+fmt.Sprint(first))
}

// nowhere wants none of the secrets in what watches the server.
func (c *crowd) nowhere(what string, text []byte) {
	c.t.Helper()
	for _, secret := range c.secrets {
		if bytes.Contains(bytes.ToLower(text), bytes.ToLower([]byte(secret))) {
			c.t.Errorf("%s hold %q", what, secret)
		}
	}
}

// series are the names and labels of a scrape.
func series(text []byte) (all []string) {
	for line := range strings.Lines(string(text)) {
		if i := strings.LastIndex(line, " "); i > 0 && line[0] != '#' {
			all = append(all, line[:i])
		}
	}
	slices.Sort(all)
	return all
}

// watched is a server of the old data folder with a crowd before it, and traces behind it.
type watched struct {
	*server.Server
	*crowd
	collector *collector
	dir       string
	// tokens
	support, engineer string

	end func() // after which all spans were sent
}

func newWatched(t *testing.T) *watched {
	dir, now := unpack(t, filepath.Join(oldFolder, "folder.tar.gz")), leftAt.Add(time.Minute)
	clock := func() time.Time { return now }
	w := &watched{collector: newCollector(t), dir: dir}
	var err error
	if w.support, err = datadir.AddToken(t.Context(), dir, "watcher", fleet.RoleSupport, clock); err != nil {
		t.Fatal(err)
	}
	w.engineer, err = datadir.AddToken(t.Context(), dir, engineerName, fleet.RoleEngineer, clock)
	if err != nil {
		t.Fatal(err)
	}
	to, err := traces.Open(t.Context(), w.collector.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if w.Server, err = server.New(server.Config{DataDir: dir, Now: clock, Traces: to}); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(w.Handler())
	w.end = sync.OnceFunc(func() {
		web.Close()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if err := to.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.end)
	w.crowd = newCrowd(t, web.URL, "miui-cloud-messaging-opt-in")
	w.secrets = append(w.secrets, w.support, w.engineer)
	return w
}

// metrics scrapes.
func (w *watched) metrics() []byte {
	w.t.Helper()
	status, text := w.do("GET", "/metrics", nil, "Authorization", "Bearer "+w.support)
	if status != http.StatusOK {
		w.t.Fatalf("%d %s", status, text)
	}
	return text
}

// Whoever asks, sends, looks up and errs: nothing of them is in the figures or in the traces, and however many come,
// there are no more series than of the first.
func TestNobodyIsInWhatWatches(t *testing.T) {
	w := newWatched(t)
	w.come(1)
	halt(t, w.base, w.engineer, "cancro")
	if err := w.Tick(t.Context()); err != nil {
		t.Error(err)
	}
	w.metrics() // whose own series are there from the second on
	first := w.metrics()
	w.come(10)
	w.come(20)
	second := w.metrics()
	w.nowhere("the figures", second)
	if a, b := series(first), series(second); !slices.Equal(a, b) {
		t.Errorf("of %d series there came to be %d: %q", len(a), len(b),
			slices.DeleteFunc(b, func(s string) bool { return slices.Contains(a, s) }))
	}
	for _, line := range []string{
		`landed_feed_requests_total{kind="poll",status="304"} 3`, `landed_feed_requests_total{kind="target",status="404"} 3`,
		`landed_reports_total{class="",code="",outcome="new"} 12`, `landed_reports_total{class="",code="",outcome="replayed"} 12`,
		`landed_reports_total{class="",code="",outcome="late"} 12`, `landed_publications_total{result="done"} 2`,
		`landed_reports_total{class="",code="envelope_malformed",outcome="refused"} 3`, `landed_ticks_total{result="done"} 1`,
		"landed_intake_commit_reports_sum 36", `landed_publication_step_seconds_count{step="publish.save"} 2`,
		`landed_http_requests_total{method="_OTHER",route="none",status="4xx"} 3`, `landed_installations{class="leak",model="pisces"} 2`,
		`landed_http_requests_total{method="GET",route="/installations/{ref}",status="2xx"} 24`, "go_goroutines ", "process_open_fds ",
	} {
		if !bytes.Contains(second, []byte("\n"+line)) {
			t.Errorf("no line %q", line)
		}
	}
	for half, name := range map[string]string{"control": "landed.db", "reports": "landed-reports.db"} {
		info, err := os.Stat(filepath.Join(w.dir, name))
		var size float64
		_, after, _ := bytes.Cut(second, fmt.Appendf(nil, "landed_database_bytes{half=%q} ", half))
		if _, fault := fmt.Sscan(string(after), &size); err != nil || fault != nil || size < float64(info.Size()) {
			t.Errorf("%s has %g bytes: %v, %v", half, size, err, fault)
		}
	}
	if t.Failed() {
		t.Logf("%s", second)
	}
	w.end()
	w.traced()
}

// traced looks into what the collector was sent.
func (w *watched) traced() {
	lines := w.collector.lines()
	w.collector.mu.Lock()
	defer w.collector.mu.Unlock()
	w.nowhere("the traces", w.collector.raw)
	for _, line := range []string{
		"POST /v1/reports < -", "intake.commit < -", "GET /installations/{ref} < -", "_OTHER < -", "tick < -", "tick.renew < tick",
		"tick.seal < tick", "publish.sign < publish", "publish.check < publish", "publish.save < publish", "publish.write < publish",
		"publish < POST /v1/rollouts/{id}/halt",
	} {
		if !slices.Contains(lines, line) {
			w.t.Errorf("no span %q in %q", line, lines)
		}
	}
	allowed := []string{"http.request.method", "http.route", "http.response.status_code", "reports", "roles"}
	for _, s := range w.collector.spans {
		if hex.EncodeToString(s.TraceId) == traceID || len(s.Events)+len(s.Links) > 0 || s.Status.GetMessage() != "" {
			w.t.Errorf("%s says %v", s.Name, s)
		}
		for _, a := range s.Attributes {
			if !slices.Contains(allowed, a.Key) {
				w.t.Errorf("%s says %v", s.Name, a)
			}
		}
	}
}

// The figures are read once a minute, whoever scrapes.
func TestFiguresAreReadOnceAMinute(t *testing.T) {
	w := newWatched(t)
	const line = `landed_installations{class="unpatched",model="armani"} 1`
	if !bytes.Contains(w.metrics(), []byte("\n"+line+"\n")) {
		t.Fatalf("no line %q", line)
	}
	w.come(1)
	if !bytes.Contains(w.metrics(), []byte("\n"+line+"\n")) {
		t.Error("the figures were read again at once")
	}
	w.CountAgain()
	const next = `landed_installations{class="unpatched",model="armani"} 5`
	if !bytes.Contains(w.metrics(), []byte("\n"+next+"\n")) {
		t.Errorf("no line %q", next)
	}
}
