// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"cmp"
	"crypto"
	crand "crypto/rand"
	"crypto/rsa"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/handset/handsettest"
	"landed/handset/slots"
	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	"landed/manifests/otapkg"
)

var testStart = time.Date(2014, 8, 12, 6, 0, 0, 0, time.UTC)

// rig is one handset, its server, and a firmware that does nothing but boot.
type rig struct {
	t         testing.TB
	server    *handsettest.Server
	now       time.Time     // true time, and the server's
	skew      time.Duration // of the handset's clock
	elapsed   time.Duration // of its steady time
	dir       string
	slots     *slots.Device
	client    *Client
	entropy   *rand.ChaCha8
	offer     offers.Offer
	content   []byte
	dead      bool // installed systems do not come up
	booted    slots.Image
	first     time.Time
	published time.Time
	rt        http.RoundTripper
	pace      Pace
	before    map[string][]byte // metadata of an earlier publication
	saves     int               // crash at this save, counted down; 0 never
	onBoot    func()            // before a system comes up
	consent   string            // what the firmware answers
	says      probe.Answers     // and whatever else it says
	root      []byte            // that it was sold with
	keys      []otapkg.Pin
	channel   string       // default stable
	log       *slog.Logger // default none
}

func newRig(t testing.TB) *rig {
	t.Helper()
	return newRigOn(t, build(t, fixtures.Unpatched))
}

// newRigOn is a rig that was sold with another build.
func newRigOn(t testing.TB, sold fixtures.Build) *rig {
	t.Helper()
	r := &rig{t: t, now: testStart, dir: t.TempDir(), entropy: rand.NewChaCha8([32]byte{1}),
		first: testStart, published: testStart, consent: "none"}
	r.server = handsettest.New(func() time.Time { return r.now })
	r.rt = direct{r.server}
	r.root, r.keys = r.server.Root(), otaPins(t)
	fix := build(t, fixtures.Patched)
	r.content = packageOf(t, fix)
	r.offer = r.server.AddRelease(customOf(fix), askOf(t, optIn), fix.Incremental, r.content)
	r.server.Offers["armani"] = []offers.Offer{r.offer}
	r.server.Publish()
	dev, err := slots.Open(r.dir+"/slots", slots.Recovery, sold.SystemFiles())
	if err != nil {
		t.Fatal(err)
	}
	r.slots = dev
	r.booted, _ = dev.Image()
	r.open()
	return r
}

func build(t testing.TB, kind fixtures.Kind) fixtures.Build {
	t.Helper()
	b, err := fixtures.BuildOf("armani", kind)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func packageOf(t testing.TB, b fixtures.Build) []byte {
	t.Helper()
	content, err := fixtures.Bytes(b, fixtures.TestKey())
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func customOf(b fixtures.Build) manifests.Custom {
	return manifests.Custom{Model: b.Model, Variant: b.Variant, Channel: "stable", Release: "miui-cloud-messaging-opt-in", Counter: 1,
		Build:  manifests.Build{Fingerprint: b.Fingerprint, Incremental: b.Incremental, UTC: b.UTC},
		Effect: optIn}
}

const optIn = "cloud-messaging-opt-in"

// askOf is what a shipped effect asks.
func askOf(t testing.TB, name string) probe.Ask {
	t.Helper()
	e, err := effect.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return e.Ask
}

func otaPins(t testing.TB) []otapkg.Pin {
	t.Helper()
	pins, err := otapkg.ParsePins(fixtures.TestKey().CertPEM())
	if err != nil {
		t.Fatal(err)
	}
	return pins
}

// strangerKey is an OTA key that signed nothing here.
func strangerKey(t testing.TB) otapkg.Pin {
	t.Helper()
	key, err := rsa.GenerateKey(crand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return otapkg.Pin{Key: key.Public(), Hash: crypto.SHA256}
}

func (r *rig) config() Config {
	return Config{Dir: r.dir + "/client", URL: "http://feed.test", Root: r.root, Channel: cmp.Or(r.channel, "stable"),
		Keys: r.keys, Slots: r.slots, System: r, Rand: r.entropy, Transport: r.rt, Pace: r.pace, Log: r.log,
		Now:     func() time.Time { return r.now.Add(r.skew) },
		Elapsed: func() time.Duration { return r.now.Sub(testStart) + r.elapsed }}
}

// open makes the client anew, as after a restart.
func (r *rig) open() {
	r.t.Helper()
	c, err := New(r.config())
	if err != nil {
		r.t.Fatal(err)
	}
	c.store.saved = func() {
		if r.saves > 0 {
			if r.saves--; r.saves == 0 {
				panic(errKilled)
			}
		}
	}
	r.client = c
}

var errKilled = errors.New("killed")

func (r *rig) Boot(img slots.Image) error {
	if r.dead && img.Package != "" {
		return errors.New("does not come up")
	}
	if img.Build != r.booted.Build {
		r.first = r.now
	}
	r.booted = img
	if r.onBoot != nil && img.Package != "" {
		r.onBoot()
	}
	return nil
}

// breakFile makes a file of the handset impossible to replace, as on a disk that is full or worn, until it is mended.
func (r *rig) breakFile(name string) (mend func()) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	do := func(err error) {
		if err != nil {
			r.t.Fatal(err)
		}
	}
	do(os.Rename(path, path+"-kept"))
	do(os.MkdirAll(filepath.Join(path, "x"), 0o700))
	return func() {
		do(os.RemoveAll(path))
		do(os.Rename(path+"-kept", path))
	}
}

// Answers implements System: to what this firmware knows, which is that the switch is off and how long it runs.
func (r *rig) Answers(ask probe.Ask) (probe.Answers, time.Duration) {
	since := r.now.Sub(r.first)
	answers := probe.Answers{"state": probe.Word("off"), "consent": probe.Word(r.consent)}
	if q, asked := ask.Find("observed_hours"); asked {
		answers[q.Name] = probe.Int(q.Round(int64(since.Hours())))
	}
	maps.Copy(answers, r.says)
	return answers, since
}

// step steps once and returns the refusal, nil if there was none.
func (r *rig) step() *Refusal {
	r.t.Helper()
	_, err := r.client.Step(r.t.Context())
	refusal, _ := errors.AsType[*Refusal](err)
	if err != nil && refusal == nil {
		r.t.Logf("step: %v", err)
	}
	return refusal
}

// pass lets time pass; the server renews its online metadata on the way.
func (r *rig) pass(d time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(min(6*time.Hour, end.Sub(r.now)))
		if r.now.Sub(r.published) > 5*24*time.Hour {
			r.published = r.now
			r.server.Publish()
		} else {
			r.server.Renew()
		}
	}
}

func (r *rig) patched() bool {
	r.t.Helper()
	img, err := r.slots.Image()
	if err != nil {
		r.t.Fatal(err)
	}
	return img.Build.Fingerprint == r.offer.Custom.Build.Fingerprint
}

// direct speaks to a handler in this process, streaming what it writes.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) { return serve(d.handler, req) }
