// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/firmware-fixtures/virtual"
	"landed/manifests/evidence"
	"landed/manifests/tufrepo"
)

var ctx = context.Background()

var now = time.Date(2014, 8, 25, 9, 0, 0, 0, time.UTC)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// image is what a fixture installs, with a change to its configuration.
func image(kind fixtures.Kind, change ...func(*fixtures.Config)) *virtual.Image {
	b := must(fixtures.BuildOf("armani", kind))
	for _, c := range change {
		c(&b.Config)
	}
	return must(Image(b.SystemFiles()))
}

// listing is the fix, on an image whose app backup sends the list of apps to a service of its own by itself.
func listing() *virtual.Image {
	b := must(fixtures.BuildOf("armani", fixtures.Patched))
	b.Backup = fixtures.BackupOf(fixtures.Unpatched)
	return must(Image(b.SystemFiles()))
}

func open(t *testing.T, img *virtual.Image) (*Lab, *Service) {
	t.Helper()
	s, err := NewService("127.0.0.1", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &Lab{Build: Build{img, "opt-in", strings.Repeat("ab", 32)}, Sold: image(fixtures.Unpatched), Service: s.Remote(),
		Now: func() time.Time { return now }}, s
}

func TestTrafficAndTransport(t *testing.T) {
	inClear := func(c *fixtures.Config) { c.Transport = "http" }
	for _, c := range []struct {
		name               string
		img                *virtual.Image
		traffic, transport evidence.Verdict
	}{
		{"the fix", image(fixtures.Patched), evidence.Confirms, evidence.Confirms},
		{"the fix, beside a backup that sends lists of apps", listing(), evidence.Confirms, evidence.Confirms},
		{"what was sold, encrypted", image(fixtures.Unpatched, func(c *fixtures.Config) { c.Transport = "https" }), evidence.Refutes, evidence.Confirms},
		{"the fix, in clear", image(fixtures.Patched, inClear), evidence.Confirms, evidence.Refutes},
		{"what was sold", image(fixtures.Unpatched), evidence.Refutes, evidence.Refutes},
	} {
		l, s := open(t, c.img)
		traffic, err := l.Traffic(ctx)
		if err != nil {
			t.Fatal(err)
		}
		transport, err := l.Transport(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if traffic.Verdict != c.traffic || transport.Verdict != c.transport {
			t.Errorf("%s: traffic %s %q, transport %s %q; wanted %s and %s", c.name, traffic.Verdict, traffic.Seen, transport.Verdict,
				transport.Seen, c.traffic, c.transport)
		}
		if came := s.Truth(); came.Clear > 0 != (c.transport == evidence.Refutes) || came.Encrypted > 0 == (came.Clear > 0) {
			t.Errorf("%s: at the service %+v", c.name, came)
		}
		for _, r := range []Result{traffic, transport} {
			if digestOf(r.Capture) != r.Observation.Capture || len(r.Capture) == 0 {
				t.Errorf("%s: the capture of %d bytes is not %s", c.name, len(r.Capture), r.Observation.Capture)
			}
			if clear := bytes.Contains(r.Capture, []byte("POST /register")); clear != (c.transport == evidence.Refutes) {
				t.Errorf("%s: a request can be read in the capture: %v", c.name, clear)
			}
		}
	}
}

// TestRetention: the service keeps the numbers, until it deletes them.
func TestRetention(t *testing.T) {
	l, s := open(t, image(fixtures.Patched))
	planted := []string{"+99910001", "+99910002"}
	want := func(when string, v evidence.Verdict, seen string, ask []string) {
		t.Helper()
		r, err := l.Retention(ctx, ask)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != v || r.Seen[0] != seen {
			t.Errorf("%s: %s, %q; wanted %s, %q", when, r.Verdict, r.Seen, v, seen)
		}
		for _, text := range append(r.Steps, r.Seen...) {
			if strings.Contains(text, "+999") {
				t.Errorf("%s: a number stands in %q", when, text)
			}
		}
	}
	want("nothing was planted", evidence.Inconclusive, "the service holds 0 of the 0 probe numbers", nil)
	if err := l.Plant(ctx, planted); err != nil {
		t.Fatal(err)
	}
	want("it keeps them", evidence.Refutes, "the service holds 2 of the 2 probe numbers", planted)
	want("another number", evidence.Confirms, "the service holds 0 of the 1 probe numbers", []string{"+99910003"})
	if n := s.Holds(planted); n != 2 {
		t.Errorf("the service holds %d of 2", n)
	}
	if err := l.Service.Forget(ctx); err != nil || s.Holds(planted) != 0 {
		t.Fatalf("%v; it holds %d", err, s.Holds(planted))
	}
	want("it deleted them", evidence.Confirms, "the service holds 0 of the 2 probe numbers", planted)
	l.Sold = nil // with consent it registers as well
	if err := l.Plant(ctx, planted[:1]); err != nil {
		t.Fatal(err)
	}
	want("one came again", evidence.Refutes, "the service holds 1 of the 2 probe numbers", planted)
	l.Sold = image(fixtures.Patched)
	if err := l.Plant(ctx, planted[:1]); err == nil || !strings.Contains(err.Error(), "did not register") {
		t.Errorf("a handset that sends nothing plants nothing: %v", err)
	}
}

// TestServiceIsAway: a test that could not be done is no verdict.
func TestServiceIsAway(t *testing.T) {
	l, s := open(t, image(fixtures.Patched))
	s.Close()
	if r, err := l.Traffic(ctx); err == nil {
		t.Errorf("traffic: %s", r.Verdict)
	}
	if r, err := l.Retention(ctx, []string{"+99910001"}); err == nil {
		t.Errorf("retention: %s", r.Verdict)
	}
}

type signer struct{ ed25519.PrivateKey }

func (s signer) Key() tufrepo.Key                { return must(tufrepo.NewKey(s.Public())) }
func (s signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.PrivateKey, msg), nil }

// TestResultsCanBeSigned: what the lab finds is a statement, as it is.
func TestResultsCanBeSigned(t *testing.T) {
	l, _ := open(t, image(fixtures.Patched))
	r, err := l.Traffic(ctx)
	if err != nil {
		t.Fatal(err)
	}
	key := signer{ed25519.NewKeyFromSeed(make([]byte, 32))}
	text, _, err := evidence.Seal(evidence.Said{Observation: &r.Observation}, key)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := evidence.Parse(text); err != nil || !s.SignedBy([]tufrepo.Key{key.Key()}) {
		t.Errorf("%v", err)
	}
}
