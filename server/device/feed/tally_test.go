// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// Every answer is counted once, by what was asked for and by the status that the client saw.
func TestAnswersAreCounted(t *testing.T) {
	h := newPackedFeed(t)
	s := httptest.NewServer(h)
	defer s.Close()
	want := map[string]int64{}
	for _, q := range []struct {
		kind, method, path string
		header             map[string]string
		status             int
	}{
		{"poll", "GET", "metadata/timestamp.json", nil, 200},
		{"poll", "GET", "metadata/timestamp.json", map[string]string{"If-None-Match": `"` + signedSum(t, timestamp) + `"`}, 304},
		{"poll", "GET", "metadata/timestamp.json", map[string]string{"If-None-Match": "*"}, 304},
		{"poll", "GET", "metadata/timestamp.json", map[string]string{"If-Match": `"x"`}, 412},
		{"poll", "GET", "metadata/timestamp.json", map[string]string{"Range": "bytes=1-3"}, 206},
		{"poll", "GET", "metadata/timestamp.json", map[string]string{"Range": "bytes=9999-"}, 416},
		{"metadata", "HEAD", "metadata/4.snapshot.json", nil, 200},
		{"metadata", "GET", "metadata/2.snapshot.json", nil, 200},
		{"metadata", "GET", "metadata/9.root.json", nil, 404},
		{"target", "GET", "targets/" + storedName(payload), nil, 200},
		{"target", "GET", "targets/" + storedName(payload), map[string]string{"Range": "bytes=5-14"}, 206},
		{"target", "GET", "targets/" + pruned, nil, 404},
		{"other", "GET", "../secret", nil, 404},
		{"other", "PUT", "metadata/timestamp.json", nil, 405},
	} {
		r, err := http.NewRequest(q.method, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path = Prefix + q.path
		for k, v := range q.header {
			r.Header.Set(k, v)
		}
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != q.status {
			t.Errorf("%s %s: %s, wanted %d", q.method, q.path, resp.Status, q.status)
		}
		want[fmt.Sprint(q.kind, q.status)]++
	}
	s.Close() // every handler has returned
	all, sent := h.Answered()
	for _, a := range all {
		if key := a.Kind + a.Status; a.N != want[key] {
			t.Errorf("%s %s: counted %d, wanted %d", a.Kind, a.Status, a.N, want[key])
		} else {
			delete(want, key)
		}
	}
	if len(want) > 0 {
		t.Errorf("not counted at all: %v", want)
	}
	if sent != int64(len(payload))+10 {
		t.Errorf("%d bytes of targets", sent)
	}
}

// Without the timestamp in memory a poll is one all the same, and a file reaches whoever can send it by itself.
func TestCountedFilesAreHandedDown(t *testing.T) {
	h, _ := newFeed(t)
	w := &takesFiles{ResponseRecorder: httptest.NewRecorder()}
	h.ServeHTTP(w, httptest.NewRequest("GET", Prefix+"targets/"+storedName(payload), nil))
	if !bytes.Equal(w.Body.Bytes(), payload) || w.whole == 0 {
		t.Errorf("%d bytes, %d of them by ReadFrom", w.Body.Len(), w.whole)
	}
	h.Publish(nil, func(string) bool { return false })
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", Prefix+"metadata/timestamp.json", nil))
	all, _ := h.Answered()
	if !slices.Contains(all, Answered{"poll", "200", 1}) {
		t.Errorf("%v", all)
	}
}

type takesFiles struct {
	*httptest.ResponseRecorder
	whole int64
}

func (w *takesFiles) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseRecorder, src)
	w.whole += n
	return n, err
}
