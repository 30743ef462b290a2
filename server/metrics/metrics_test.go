// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"landed/server/metrics"
)

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func of(s metrics.Standing) *metrics.Metrics {
	return metrics.New(func(context.Context) metrics.Standing { return s })
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// Names are as Prometheus wants them, also of what this server has nothing of.
func TestNames(t *testing.T) {
	m := of(metrics.Standing{
		Database: map[string]int64{"control": 1}, Causes: map[string]bool{"disk": true}, Expires: time.Unix(5, 0),
		Expiries: map[string]time.Time{"root": time.Unix(7, 0)}, Feed: []metrics.FeedAnswers{{"poll", "304", 4}},
		S3: &metrics.S3{Requests: 1, Asked: 20, Came: 10}, Reports: []metrics.Reports{{"shed", "queue_full", "new", 3}},
		Leases: map[string]bool{"publish": true, "scrub": false}, Installations: []metrics.Cell{{"armani", "unknown", 5, 2}},
		Counted: time.Unix(9, 0),
	})
	m.Request("GET", "", 404, time.Second)
	text := scrape(t, m)
	found, err := promlint.New(strings.NewReader(text)).Lint()
	for _, f := range found {
		t.Errorf("%s: %s", f.Metric, f.Text)
	}
	if err != nil {
		t.Error(err)
	}
	wantLines(t, text, `landed_lease_held{lease="publish"} 1`, `landed_lease_held{lease="scrub"} 0`, "landed_s3_asked_bytes_total 20",
		"landed_s3_read_bytes_total 10", `landed_feed_requests_total{kind="poll",status="304"} 4`,
		`landed_reports_total{class="new",code="queue_full",outcome="shed"} 3`, `landed_installations{class="unknown",model="armani"} 5`,
		`landed_installations_counted{class="unknown",model="armani"} 2`, `landed_http_requests_total{method="GET",route="none",status="4xx"} 1`)
	if strings.Contains(scrape(t, of(metrics.Standing{})), "landed_s3_") {
		t.Error("a server without an S3 store has figures of one")
	}
}

// However many models and classes there are, so many series: and the sums stay.
func TestCellsAreBounded(t *testing.T) {
	var cells []metrics.Cell
	sum := int64(0)
	for n := range 3 * metrics.MaxCells {
		cells = append(cells, metrics.Cell{Model: fmt.Sprint("model", n/4%1000), Class: fmt.Sprint("class", n), All: int64(n), Counted: 1})
		sum += int64(n)
	}
	cells = append(cells, metrics.Cell{Model: cells[9].Model, Class: cells[9].Class, All: 1 << 40}) // of another channel
	slices.Reverse(cells)
	text, series, total, counted := scrape(t, of(metrics.Standing{Installations: cells})), 0, 0.0, 0.0
	for line := range strings.Lines(text) {
		var n float64
		name, value, _ := strings.Cut(line, " ")
		if _, err := fmt.Sscan(value, &n); err != nil {
			continue
		}
		switch {
		case strings.HasPrefix(name, "landed_installations{"):
			series, total = series+1, total+n
		case strings.HasPrefix(name, "landed_installations_counted{"):
			counted += n
		}
	}
	if series != metrics.MaxCells || total != float64(sum+1<<40) || counted != 3*metrics.MaxCells {
		t.Errorf("%d series of %g installations, %g counted; wanted %d", series, total, counted, sum+1<<40)
	}
	wantLines(t, text, fmt.Sprintf(`landed_installations{class="class9",model="model2"} %v`, float64(1<<40+9)))
}

func TestStepsAreMeasured(t *testing.T) {
	m := of(metrics.Standing{})
	m.Took(metrics.Commit, 3*time.Millisecond, false, time.Unix(100, 0))
	m.Took(metrics.Commit, time.Second, true, time.Unix(100, 0))
	m.Figure(metrics.Commit, metrics.Batch, 200)
	m.Took("publish.sign", 20*time.Millisecond, false, time.Unix(100, 0))
	m.Took(metrics.Tick, time.Second, false, time.Unix(123, 0))
	m.Took("unknown", time.Second, false, time.Unix(200, 0))
	m.Figure("unknown", metrics.Batch, 1)
	wantLines(t, scrape(t, m), `landed_intake_commits_total{result="done"} 1`, `landed_intake_commits_total{result="failed"} 1`,
		`landed_intake_commit_seconds_bucket{le="0.005"} 1`, "landed_intake_commit_seconds_count 2", "landed_intake_commit_reports_sum 200",
		"landed_intake_commit_reports_count 1", `landed_publication_step_seconds_bucket{step="publish.sign",le="0.025"} 1`,
		`landed_publications_total{result="failed"} 0`, `landed_ticks_total{result="done"} 1`, "landed_tick_time_seconds 123")
}

// BenchmarkRequest is what counting a request costs.
func BenchmarkRequest(b *testing.B) {
	m := of(metrics.Standing{})
	b.ReportAllocs()
	for b.Loop() {
		m.Request("POST", "/v1/reports", 200, time.Millisecond)
	}
}

// BenchmarkScrape is what an answer costs with all the cells that there may be.
func BenchmarkScrape(b *testing.B) {
	var cells []metrics.Cell
	for n := range metrics.MaxCells {
		cells = append(cells, metrics.Cell{Model: fmt.Sprint("m", n/10), Class: fmt.Sprint("c", n%10), All: int64(n)})
	}
	m := of(metrics.Standing{Installations: cells})
	for b.Loop() {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		_, _ = io.Copy(io.Discard, w.Body)
	}
}
