// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"landed/handset/handsettest"
	"landed/manifests/tufrepo"
)

// packings are the attacks, and the accidents, that compression makes possible.
var packings = []attack{
	{"8 timestamp that unpacks to too much", ClassEndless, func(r *rig) { r.bend("timestamp.json", as("gzip", bomb())) }},
	{"8 snapshot that unpacks to too much", ClassEndless, func(r *rig) {
		r.server.Publish()
		r.bend("snapshot.json", as("gzip", bomb()))
	}},
	{"8 endless packed snapshot", ClassEndless, func(r *rig) {
		r.server.Publish()
		r.bend("snapshot.json", func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			for { // nothing, packed again and again
				if _, err := w.Write(handsettest.Pack(nil)); err != nil {
					return
				}
			}
		})
	}},
	{"9 packed, the package", ClassNetwork, func(r *rig) {
		r.server.Packs = documents
		r.offered()
		r.bend(".zip", as("gzip", handsettest.Pack(r.content)))
	}},
	{"9 packed otherwise than was asked", ClassNetwork, func(r *rig) { r.bendTimestamp("br", func(b []byte) []byte { return b }) }},
	{"9 packed twice", ClassNetwork, func(r *rig) {
		r.bendTimestamp("gzip, gzip", func(b []byte) []byte { return handsettest.Pack(handsettest.Pack(b)) })
	}},
	{"9 said to be packed", ClassNetwork, func(r *rig) { r.bendTimestamp("gzip", func(b []byte) []byte { return b }) }},
	{"9 packed, but empty", ClassNetwork, func(r *rig) { r.bendTimestamp("gzip", func([]byte) []byte { return nil }) }},
	{"9 packed, cut short", ClassNetwork, func(r *rig) {
		r.bendTimestamp("gzip", func(b []byte) []byte { b = handsettest.Pack(b); return b[:len(b)-1] })
	}},
	{"9 packed, the whole text but no checksum", ClassNetwork, func(r *rig) {
		r.bendTimestamp("gzip", func(b []byte) []byte { b = handsettest.Pack(b); return b[:len(b)-8] })
	}},
	{"9 packed, one bit wrong", ClassNetwork, func(r *rig) {
		r.bendTimestamp("gzip", func(b []byte) []byte { b = handsettest.Pack(b); b[len(b)-6] ^= 1; return b })
	}},
	{"9 packed, something behind", ClassNetwork, func(r *rig) {
		r.bendTimestamp("gzip", func(b []byte) []byte { return append(handsettest.Pack(b), "garbage"...) })
	}},
	{"9 packed, zeros behind", ClassNetwork, func(r *rig) {
		r.bendTimestamp("gzip", func(b []byte) []byte { return append(handsettest.Pack(b), make([]byte, 512)...) })
	}},
}

func TestPackings(t *testing.T) {
	for _, a := range packings {
		t.Run(a.row, func(t *testing.T) { withstand(t, a, false) })
	}
}

// bomb is 16 KiB that unpack to 16 MiB.
var bomb = sync.OnceValue(func() []byte { return handsettest.Pack(make([]byte, 16<<20)) })

func documents(path string, _ int) bool { return strings.HasSuffix(path, ".json") }

func as(encoding string, body []byte) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Encoding", encoding)
		_, _ = w.Write(body)
	}
}

// bendTimestamp lets the good timestamp of a good feed go out in a bad packing.
func (r *rig) bendTimestamp(encoding string, pack func([]byte) []byte) {
	r.offered()
	r.bend("timestamp.json", as(encoding, pack(r.server.File("timestamp.json"))))
}

// A feed that compresses and one that does not lead to the same end, also in turn.
func TestPackedFeed(t *testing.T) {
	plain, packed := newRig(t), newRig(t)
	packed.server.Packs = documents
	var size [2]int64
	for i, r := range []*rig{plain, packed} {
		r.server.Traffic()
		if refusal := r.step(); refusal != nil || !r.patched() {
			t.Fatalf("got %v", refusal)
		}
		_, size[i] = r.server.Traffic()
	}
	if size[1] >= size[0] {
		t.Errorf("%d bytes packed, %d not", size[1], size[0])
	}
	for _, r := range []*rig{plain, packed} {
		r.client.Hurry()
		r.step()
		requests, size := r.server.Traffic()
		if requests != 1 || size != 0 {
			t.Errorf("nothing has changed, and %d requests brought %d bytes", requests, size)
		}
		if r.server.Packs != nil {
			r.server.Packs = nil
		} else {
			r.server.Packs = documents
		}
		r.pass(14 * time.Hour)
		r.offer.Stage++
		r.offered()
		if refusal := r.step(); refusal != nil {
			t.Error(refusal)
		}
	}
}

func TestReadDocument(t *testing.T) {
	text := []byte(strings.Repeat("metadata ", 100))
	stored := func() []byte { // gzip that is longer than what it holds
		var out bytes.Buffer
		w, _ := gzip.NewWriterLevel(&out, gzip.NoCompression)
		_, _ = w.Write(text)
		_ = w.Close()
		return out.Bytes()
	}()
	n := int64(len(text))
	for _, tc := range []struct {
		name, encoding string
		body           []byte
		announced      int64
		most           int64
		want           error
	}{
		{"plain", "", text, n, n, nil},
		{"plain, said to be so", "identity", text, n, n, nil},
		{"plain, no length announced", "", text, -1, n, nil},
		{"plain, one byte too many", "", text, -1, n - 1, errTooLong},
		{"plain, too much announced", "", nil, n, n - 1, errTooLong},
		{"packed", "gzip", handsettest.Pack(text), -1, n, nil},
		{"packed, by its old name", "X-GZIP", handsettest.Pack(text), -1, n, nil},
		{"packed in two members", "gzip", append(handsettest.Pack(text[:9]), handsettest.Pack(text[9:])...), -1, n, nil},
		{"packed, one byte too many unpacked", "gzip", handsettest.Pack(text), -1, n - 1, errTooLong},
		{"packed, too long as sent", "gzip", stored, -1, n, errTooLong},
		{"packed, too long as announced", "gzip", nil, n + 1, n, errTooLong},
		{"packed, too long in the second member", "gzip", append(handsettest.Pack(text), handsettest.Pack([]byte("."))...), -1, n, errTooLong},
		{"packed, too long behind the end", "gzip", append(handsettest.Pack(text), make([]byte, n)...), -1, n, errTooLong},
		{"packed, cut short", "gzip", handsettest.Pack(text)[:20], -1, n, errPacking},
		{"packed, nothing", "gzip", nil, 0, n, errPacking},
	} {
		resp := &http.Response{Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(tc.body)), ContentLength: tc.announced}
		if tc.encoding != "" {
			resp.Header.Set("Content-Encoding", tc.encoding)
		}
		got, err := readDocument(resp, tc.most)
		if !errors.Is(err, tc.want) || err == nil && !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes, %v; wanted %v", tc.name, len(got), err, tc.want)
		}
	}
}

// A connection that breaks is told as that, whatever the packing looked like so far.
func TestBrokenConnectionIsNoBadPacking(t *testing.T) {
	broken := errors.New("broken")
	body := io.MultiReader(bytes.NewReader(handsettest.Pack([]byte("{}"))[:12]), failing{broken})
	resp := &http.Response{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: io.NopCloser(body), ContentLength: -1}
	if _, err := readDocument(resp, 100); !errors.Is(err, broken) || errors.Is(err, errPacking) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzReadDocument(f *testing.F) {
	for _, body := range [][]byte{nil, handsettest.Pack([]byte("{}")), append(handsettest.Pack(nil), 0), bomb()[:1000]} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		const most = tufrepo.MaxTimestampBytes
		resp := &http.Response{Header: http.Header{"Content-Encoding": {"gzip"}, "Content-Length": {strconv.Itoa(len(body))}},
			Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
		text, err := readDocument(resp, most)
		if err != nil {
			if !errors.Is(err, errTooLong) && !errors.Is(err, errPacking) {
				t.Errorf("a fault without a name: %v", err)
			}
			return
		}
		if len(text) > most || len(body) > most {
			t.Errorf("%d bytes of %d were taken; the limit is %d", len(text), len(body), most)
		}
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if want, err := io.ReadAll(r); err != nil || !bytes.Equal(text, want) {
			t.Errorf("gzip reads something else: %v", err)
		}
	})
}
