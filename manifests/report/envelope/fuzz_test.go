// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
	v2 "landed/manifests/report/v2"
	v3 "landed/manifests/report/v3"
)

// FuzzOpen: what opens is well-formed, is its installation's, and stands in the form in which Seal writes it.
func FuzzOpen(f *testing.F) {
	for _, v := range versions {
		f.Add(v.seal(f, testKey(1)))
	}
	f.Add([]byte(`{"payloadType":"","payload":"","signatures":[]}`))
	f.Add([]byte(`{"payloadType":"application/vnd.landed.report.v4+json","payload":"","signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, ref, err := Open(text)
		if err != nil {
			if ref != "" || r.Key != "" {
				t.Fatal("a refusal gives away what it refused")
			}
			return
		}
		if report.ReferenceOf(r.PublicKey()) != ref {
			t.Fatalf("%s is not the reference of the key", ref)
		}
		checkBody(t, text, r)
	})
}

// FuzzBody signs what a handset could put into an envelope, with its own key.
func FuzzBody(f *testing.F) {
	for _, v := range versions {
		f.Add(v.payloadType, v.body)
	}
	f.Add("application/vnd.landed.report.v4+json", []byte(`{}`))
	f.Fuzz(func(t *testing.T, payloadType string, body []byte) {
		text := pack(payloadType, string(body), testKey(1), pae(payloadType, string(body)))
		r, _, err := Open(text)
		if err == nil {
			checkBody(t, text, r)
		} else if errors.Is(err, ErrSignature) && bytes.Contains(body, fmt.Appendf(nil, `"key":"%x"`, []byte(public(testKey(1))))) {
			t.Fatal("a good signature is refused")
		}
	})
}

// checkBody writes what was read once more: the same bytes must come out.
func checkBody(t *testing.T, text []byte, r report.Report) {
	var e envelope
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	body, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	switch e.PayloadType {
	case v1.PayloadType:
		b, err := v1.Parse(body)
		if err != nil || !bytes.Equal(b.Bytes(), body) || r.Schema != v1.Schema || r.ID != b.ID {
			t.Fatalf("opened what is no body of version 1 in its one form: %v", err)
		}
	case v2.PayloadType:
		if err := v2.Validate(r); err != nil || !bytes.Equal(v2.Bytes(r), body) || r.ID != v2.ID(body) {
			t.Fatalf("opened what is no body of version 2 in its one form: %v", err)
		}
	case v3.PayloadType:
		if err := v3.Validate(r); err != nil || !bytes.Equal(v3.Bytes(r), body) || r.ID != v3.ID(body) {
			t.Fatalf("opened what is no body of version 3 in its one form: %v", err)
		}
	default:
		t.Fatalf("opened %s", e.PayloadType)
	}
}

// BenchmarkOpen opens an envelope of each version, and in the same run, in turn, verifies a signature alone: x_verify is
// the time of the one over that of the other. v3/v2 is what version 3 costs beside version 2.
func BenchmarkOpen(b *testing.B) {
	texts := [3][]byte{versions["v1"].seal(b, testKey(1)), versions["v2"].seal(b, testKey(1)), versions["v3"].seal(b, testKey(1))}
	message := []byte(pae(v3.PayloadType, string(versions["v3"].body)))
	sig := ed25519.Sign(testKey(1), message)
	key := public(testKey(1))
	var opening [3]time.Duration
	var verifying time.Duration
	b.ReportAllocs()
	for b.Loop() {
		for i, text := range texts {
			start := time.Now()
			if _, _, err := Open(text); err != nil {
				b.Fatal(err)
			}
			opening[i] += time.Since(start)
		}
		start := time.Now()
		if !ed25519.Verify(key, message, sig) {
			b.Fatal("a good signature does not verify")
		}
		verifying += time.Since(start)
	}
	b.ReportMetric(float64(opening[0])/float64(verifying), "x_verify_v1")
	b.ReportMetric(float64(opening[1])/float64(verifying), "x_verify_v2")
	b.ReportMetric(float64(opening[2])/float64(verifying), "x_verify_v3")
	b.ReportMetric(float64(opening[2])/float64(opening[1]), "v3/v2")
	b.ReportMetric(float64(len(texts[0])), "bytes_v1")
	b.ReportMetric(float64(len(texts[1])), "bytes_v2")
	b.ReportMetric(float64(len(texts[2])), "bytes_v3")
}
