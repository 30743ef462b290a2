// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// What a server traced is sent when it ends, at the latest; a collector that cannot be is refused before anything starts.
func TestServeSendsTraces(t *testing.T) {
	ctx, data := context.Background(), filepath.Join(t.TempDir(), "data")
	if made := run(ctx, nil, "init", "--data", data, "--admin", "root"); made.code != 0 {
		t.Fatalf("init: %+v", made)
	}
	var mu sync.Mutex
	var got bytes.Buffer
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path != "/v1/traces" {
			t.Errorf("traces are sent to %s", r.URL.Path)
		}
		_, _ = io.Copy(&got, r.Body)
	}))
	defer collector.Close()
	url, end := serving(t, data, "--otlp-endpoint", collector.URL)
	if resp, err := http.Get(url + "/healthz"); err != nil || resp.Body.Close() != nil {
		t.Errorf("%v", err)
	}
	if r := end(); r.code != 0 {
		t.Errorf("serve: %+v", r)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, name := range []string{"GET /healthz", "tick.renew", "landed"} {
		if !bytes.Contains(got.Bytes(), []byte(name)) {
			t.Errorf("no %q in what the collector got", name)
		}
	}
	r := run(ctx, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector"}, "serve", "--data", data, "--addr", "127.0.0.1:0")
	if r.code == 0 || !strings.Contains(r.stderr, `OTEL_EXPORTER_OTLP_ENDPOINT is "collector/v1/traces"; wanted the URL`) {
		t.Errorf("an endpoint that is none: %+v", r)
	}
}
