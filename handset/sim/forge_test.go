// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/handset/handsettest"
	"landed/handset/sim"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// besieged is a feed with a release of an effect, and its time.
type besieged struct {
	now    time.Time
	server *handsettest.Server
	offer  offers.Offer
	build  fixtures.Build
}

func besiege(t *testing.T, effectName string) *besieged {
	t.Helper()
	b := &besieged{now: start}
	b.server = handsettest.New(func() time.Time { return b.now })
	var err error
	if b.build, err = fixtures.BuildOf("armani", fixtures.Patched); err != nil {
		t.Fatal(err)
	}
	b.offer = offerOf(t, b.server, sim.Release{Name: first, Effect: effectName}, b.build, 1)
	b.server.Publish()
	return b
}

// open offers the release to a share.
func (b *besieged) open(share int) {
	b.offer.Share = share
	b.server.Offers["armani"] = []offers.Offer{b.offer}
	b.server.Publish()
}

func (b *besieged) forger(t *testing.T, cfg sim.ForgerConfig) *sim.Forger {
	t.Helper()
	cfg.URL, cfg.Model, cfg.Transport = "http://feed.test", "armani", sim.Handler(b.server)
	cfg.Now = func() time.Time { return b.now }
	f, err := sim.NewForger(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// run lets the forger do what it does until a time.
func (b *besieged) run(t *testing.T, f *sim.Forger, until time.Time) {
	t.Helper()
	for b.now.Before(until) {
		wake, err := f.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !wake.After(b.now) {
			t.Fatalf("at %s it wants to be called at %s", b.now, wake)
		}
		b.now = wake
	}
	b.now = until
}

func (b *besieged) byKey() map[string][]report.Report {
	all := map[string][]report.Report{}
	for _, r := range b.server.Reports() {
		all[r.Key] = append(all[r.Key], r)
	}
	return all
}

// TestForgeriesAreWhatTheyClaim: for each effect that ships, invented reports are judged as the forger means them.
func TestForgeriesAreWhatTheyClaim(t *testing.T) {
	for _, effectName := range []string{sim.OptIn, sim.BuildRuns, sim.AppList} {
		for _, patient := range []time.Duration{0, 2 * 24 * time.Hour} {
			for _, kind := range []sim.Forgery{sim.ForgeProven, sim.ForgeLeak} {
				if kind == sim.ForgeLeak && effectName == sim.BuildRuns {
					continue // which claims nothing that could leak
				}
				b := besiege(t, effectName)
				b.open(offers.WholeFleet)
				by := standard(t, sim.Release{Name: first, Effect: effectName}, b.build)
				f := b.forger(t, sim.ForgerConfig{Forgery: kind, N: 5, Patient: patient})
				b.run(t, f, start.Add(patient+9*24*time.Hour))
				want := effect.Good
				if kind == sim.ForgeLeak {
					want = effect.Bad
				}
				judged := 0
				for _, all := range b.byKey() {
					newest := all[len(all)-1]
					v := effect.Judge(b.now, effect.Subject{Newest: newest, Last: b.now}, by)
					if judged++; v.Kind != want {
						t.Errorf("%s of %s is judged %s: %v", kind, effectName, v.Class, v.Because)
					}
					if err := probe.Check(by.Program.Effect.Probes, newest.Answers); err != nil {
						t.Errorf("%s of %s: a server refuses the answers: %v", kind, effectName, err)
					}
				}
				if judged != 5 || !f.Done() || f.Struck() != 5 {
					t.Errorf("%s of %s: %d installations, done %v, struck %d", kind, effectName, judged, f.Done(), f.Struck())
				}
			}
		}
	}
}

// TestForgedFailuresAreBlamed: on the package and on the build, both.
func TestForgedFailuresAreBlamed(t *testing.T) {
	for _, patient := range []time.Duration{0, 2 * 24 * time.Hour} {
		b := besiege(t, sim.OptIn)
		b.open(offers.WholeFleet)
		f := b.forger(t, sim.ForgerConfig{Forgery: sim.ForgeFailure, N: 20, Patient: patient})
		b.run(t, f, start.Add(patient+24*time.Hour))
		causes := map[report.Cause]int{}
		for _, all := range b.byKey() {
			if last := all[len(all)-1]; last.Failure != nil {
				causes[report.CauseOf(*last.Failure)]++
			}
		}
		if causes[report.CausePackage]+causes[report.CauseBuild] != 20 || len(causes) != 2 {
			t.Errorf("blamed on %v", causes)
		}
	}
}

// TestWhoCannotWait commits once the salt is known: each is in the stage, and none was heard of before.
func TestWhoCannotWait(t *testing.T) {
	b := besiege(t, sim.OptIn)
	f := b.forger(t, sim.ForgerConfig{Forgery: sim.ForgeProven, N: 30})
	b.run(t, f, start.Add(48*time.Hour))
	if n := len(b.server.Reports()); n != 0 {
		t.Fatalf("%d reports before there is anything to claim", n)
	}
	b.open(500)
	b.run(t, f, b.now.Add(2*time.Hour))
	for key, all := range b.byKey() {
		if len(all) != 2 || all[0].Kind != report.KindBaseline || !offers.Opens(all[0].DrawCommit, all[1].Draw) ||
			drawn(t, all[1], b.offer.Salt) >= 500 {
			t.Errorf("%.8s: %+v", key, all)
		}
	}
	if got := f.Became(); got["200"] != 60 || len(got) != 1 {
		t.Errorf("of 30 came %v", got)
	}
}

// TestWhoIsPatient knows the rules: baselines with a commitment two weeks apart and before the salt, no claim from
// outside the stage but by who says that it still waits, no more hours than have passed.
func TestWhoIsPatient(t *testing.T) {
	const days = 60
	b := besiege(t, sim.OptIn)
	f := b.forger(t, sim.ForgerConfig{Forgery: sim.ForgeProven, N: 40, Patient: days * 24 * time.Hour})
	for day := range days {
		b.server.Publish()
		b.run(t, f, start.Add(time.Duration(day+1)*24*time.Hour))
	}
	for key, all := range b.byKey() {
		if len(all) < 3 || len(all) > 5 || all[0].DrawCommit == "" || all[0].Kind != report.KindBaseline {
			t.Errorf("%.8s sent %d baselines in %d days", key, len(all), days)
		}
	}
	if f.Struck() != 0 {
		t.Fatal("it could not wait")
	}
	waited := len(b.server.Reports())
	b.open(3_000)
	b.run(t, f, b.now.Add(12*time.Hour))
	in, hidden := 0, 0
	for _, all := range b.byKey() {
		switch last := all[len(all)-1]; {
		case last.Draw != "":
			in++
		case last.Build != report.BuildOther:
			hidden++
		}
	}
	if in < 4 || in > 24 || hidden < 4 || in+hidden != f.Struck() {
		t.Errorf("%d of 40 are in the stage of 30 %%, and %d say that they wait; %d struck", in, hidden, f.Struck())
	}
	for _, r := range b.server.Reports()[waited:] {
		if r.Draw != "" && drawn(t, r, b.offer.Salt) >= 3_000 {
			t.Errorf("a claim from outside the stage: %+v", r)
		}
		if h := r.Answers["observed_hours"].Int(); h > 0 {
			t.Errorf("%d hours are claimed within 12", h)
		}
	}
	b.open(offers.WholeFleet)
	b.run(t, f, b.now.Add(8*24*time.Hour))
	for key, all := range b.byKey() {
		last := all[len(all)-1]
		if last.Answers["observed_hours"].Int() != 168 || (last.Draw == "") != (last.Progress == report.ProgressKnown) {
			t.Errorf("%.8s ends with %+v", key, last)
		}
		for _, r := range all {
			if last.Draw != "" && r.Kind == report.KindBaseline && !offers.Opens(r.DrawCommit, last.Draw) {
				t.Errorf("%.8s opens another commitment than it made", key)
			}
		}
	}
}

func drawn(t *testing.T, r report.Report, salt string) int {
	t.Helper()
	s := make([]byte, 16)
	for i := range s {
		s[i] = unhex(r.Draw[2*i])<<4 | unhex(r.Draw[2*i+1])
	}
	return offers.Draw(s, salt)
}

func unhex(c byte) byte { return byte(strings.IndexByte("0123456789abcdef", c)) }

// TestForgerKeepsItsRate and counts every answer; what found no room comes again under the same number.
func TestForgerKeepsItsRate(t *testing.T) {
	b := besiege(t, sim.OptIn)
	b.open(offers.WholeFleet)
	n := 0
	b.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPost {
			return false
		}
		n++
		switch n % 3 {
		case 0:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"code":"queue_full"}`))
		case 1:
			w.WriteHeader(http.StatusAccepted)
		default:
			return false
		}
		return true
	}
	f := b.forger(t, sim.ForgerConfig{Forgery: sim.ForgeLeak, N: 100, Rate: 0.1})
	b.run(t, f, start.Add(10*time.Minute))
	if n < 58 || n > 62 {
		t.Errorf("%d reports in ten minutes at one in ten seconds", n)
	}
	b.run(t, f, start.Add(2*time.Hour))
	got := f.Became()
	if !f.Done() || got["200"]+got["202"] != 200 || got["503 queue_full"] != n-200 {
		t.Errorf("of %d came %v, done %v", n, got, f.Done())
	}
	for key, all := range b.byKey() {
		for i := range all[1:] {
			if all[i].Seq >= all[i+1].Seq {
				t.Errorf("%.8s: number %d after %d", key, all[i+1].Seq, all[i].Seq)
			}
		}
	}
}

// TestForgerIsRepeatable: the same seed invents the same, another one others; real handsets are none of them.
func TestForgerIsRepeatable(t *testing.T) {
	b := besiege(t, sim.OptIn)
	refs := func(seed uint64) []report.Reference {
		return b.forger(t, sim.ForgerConfig{Forgery: sim.ForgeProven, N: 3, Seed: seed}).References()
	}
	if diff := cmp.Diff(refs(1), refs(1)); diff != "" || cmp.Equal(refs(1), refs(2)) {
		t.Error(diff)
	}
	for _, cfg := range []sim.ForgerConfig{{}, {Forgery: "x", N: 1, URL: "u", Model: "m"}, {Forgery: sim.ForgeLeak, URL: "u", Model: "m"},
		{Forgery: sim.ForgeLeak, N: 1, Model: "m"}, {Forgery: sim.ForgeLeak, N: 1, URL: "u", Model: "m", Rate: -1}} {
		if _, err := sim.NewForger(cfg); err == nil {
			t.Errorf("%+v is taken", cfg)
		}
	}
}

// TestForgerWithoutAFeed says so, and goes on when there is one.
func TestForgerWithoutAFeed(t *testing.T) {
	b := besiege(t, sim.OptIn)
	b.open(offers.WholeFleet)
	b.server.Bend = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }
	f := b.forger(t, sim.ForgerConfig{Forgery: sim.ForgeLeak, N: 1})
	if wake, err := f.Step(t.Context()); err == nil || !wake.After(b.now) || !strings.Contains(err.Error(), "502") {
		t.Errorf("%s, %v", wake, err)
	}
	b.server.Bend = nil
	b.run(t, f, start.Add(2*time.Minute))
	if !f.Done() {
		t.Error("it gave up")
	}
}
