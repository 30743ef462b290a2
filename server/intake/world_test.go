// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/servertest"
	"landed/server/store"
	"landed/server/store/storetest"
)

var ctx = context.Background()

const (
	patched      = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user/release-keys"
	patchedLater = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH47.0:user/release-keys"
)

// clock is a time that tests move.
type clock struct{ at atomic.Int64 }

func newClock(t time.Time) *clock {
	c := &clock{}
	c.at.Store(t.UnixMilli())
	return c
}

func (c *clock) now() time.Time           { return time.UnixMilli(c.at.Load()).UTC() }
func (c *clock) advance(by time.Duration) { c.at.Add(by.Milliseconds()) }

// world is a store with two published releases for armani, one staged, and an intake on it.
type world struct {
	*intake.Intake
	db    store.Database
	clock *clock
	log   *strings.Builder
	// published counts calls of the offers port; its error is what it returns.
	published  atomic.Int64
	publishErr error
}

func newWorld(t testing.TB, change ...func(*intake.Config)) *world {
	t.Helper()
	return newWorldOn(t, storetest.OpenDB(t), change...)
}

func newWorldOn(t testing.TB, db store.Database, change ...func(*intake.Config)) *world {
	t.Helper()
	w := &world{db: db, clock: newClock(storetest.Now), log: &strings.Builder{}}
	if err := db.Update(ctx, seed); err != nil {
		t.Fatal(err)
	}
	cfg := intake.Config{
		Store: servertest.AllCount(db), Now: w.clock.now, Catalogue: manifests.DefaultCatalogue,
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Offers: func(context.Context) error {
			w.published.Add(1)
			return w.publishErr
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	w.Intake = intake.New(cfg)
	t.Cleanup(func() { w.Close() })
	return w
}

// seed publishes releases "one" and "two" and stages "three".
func seed(tx fleet.Tx) error {
	for n, name := range []string{"one", "two", "three"} {
		build := []string{patched, patchedLater, "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH48.0:user/release-keys"}[n]
		p := fleet.Package{
			SHA256: strings.Repeat(fmt.Sprint(n+1), 64), Model: "armani", Variant: "armani", Channel: "stable", Family: "file",
			Build: manifests.Build{Fingerprint: build, Incremental: name, UTC: 1_407_600_000 + int64(n)}, At: storetest.Now,
		}
		r := fleet.Release{Name: name, Counter: int64(n + 1), Source: source(name, n+1), State: fleet.ReleasePublished,
			Packages: []fleet.PackageRef{p.Ref()}}
		if name == "three" {
			r.State = fleet.ReleaseStaged
		}
		if err := errors.Join(tx.Packages().Put(ctx, p), tx.Releases().Create(ctx, r)); err != nil {
			return err
		}
	}
	return nil
}

func source(name string, counter int) []byte {
	return fmt.Appendf(nil, "schema: 1\nrelease: %s\ncounter: %d\neffect: {name: cloud-messaging-opt-in, feature: 1, migration: switch_off, "+
		"prompt_day: \"2014-08-01\"}\nnotes: {en: x, zh-Hans: x, zh-Hant: x}\n", name, counter)
}

// The reports of tests. Each takes installation and sequence number.
func waits(n int, seq int64) (report.Report, ed25519.PrivateKey) { return storetest.Report(n, seq) }

// quiet has not activated itself yet.
func quiet(n int, seq int64) (report.Report, ed25519.PrivateKey) {
	r, key := waits(n, seq)
	r.Answers["state"], r.Answers["origin"] = probe.Word("off"), probe.Word("factory_default")
	r.Answers["attempts_setup"], r.Answers["slot_1"] = probe.Int(0), probe.Word("free")
	return r, key
}

func downloads(n int, seq int64) (report.Report, ed25519.PrivateKey) {
	r, key := waits(n, seq)
	r.Kind, r.Progress = report.KindProgress, report.ProgressDownloading
	return r, key
}

func fails(n int, seq int64) (report.Report, ed25519.PrivateKey) {
	r, key := waits(n, seq)
	r.Kind, r.Progress = report.KindProgress, report.ProgressFailed
	r.Failure = &report.Failure{Phase: report.PhaseInstall, Code: 7}
	return r, key
}

// silent runs the patch, is off, and was tested.
func silent(n int, seq int64) (report.Report, ed25519.PrivateKey) {
	r, key := waits(n, seq)
	r.Kind, r.Progress, r.Build, r.BuildUTC = report.KindEffect, report.ProgressRunning, patched, 1_407_600_000
	r.PreviousBuild, r.Answers = report.BuildOther, storetest.Quiet()
	return r, key
}

func leaks(n int, seq int64) (report.Report, ed25519.PrivateKey) {
	r, key := silent(n, seq)
	r.Answers["attempts_build"], r.Answers["attempts_setup"] = probe.Int(1), probe.Int(1)
	r.Answers["transport"] = probe.Word("https")
	return r, key
}

func seal(t testing.TB, r report.Report, key ed25519.PrivateKey) []byte {
	t.Helper()
	text, _, err := envelope.Seal(r, key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// idOf is the id of what was sealed.
func idOf(t testing.TB, text []byte) string {
	t.Helper()
	r, _, err := envelope.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

func refOf(n int) report.Reference {
	_, key := storetest.Report(n, 1)
	return report.ReferenceOf(key.Public().(ed25519.PublicKey))
}

// installation loads one, or the zero value if there is none.
func (w *world) installation(t testing.TB, n int) (i fleet.Installation) {
	t.Helper()
	err := w.db.View(ctx, func(tx fleet.Tx) (err error) {
		i, err = tx.Installations().Get(ctx, refOf(n))
		return err
	})
	if err != nil && !fleet.Is(err, fleet.NotFound) {
		t.Fatal(err)
	}
	return i
}

func (w *world) counts(t testing.TB, release string) (c fleet.Counts) {
	t.Helper()
	if err := w.db.View(ctx, func(tx fleet.Tx) (err error) {
		c, err = tx.Counts().Of(ctx, release, "armani", "stable")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return c.At(w.clock.now())
}

// checkFigures wants the maintained figures to be those of a scan.
func (w *world) checkFigures(t testing.TB) {
	t.Helper()
	differences, err := w.db.Recount(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
}

// hold keeps the writer busy until the returned function is called, so that reports gather.
func (w *world) hold(t testing.TB) (release func()) {
	t.Helper()
	held, let, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		if err := w.db.UpdateReports(ctx, func(fleet.Tx) error {
			close(held)
			<-let
			return nil
		}); err != nil {
			t.Error(err)
		}
	}()
	<-held
	return func() {
		close(let)
		<-ended
	}
}

// comesAgain is how long tests wait before they send again what was sent away.
const comesAgain = 10 * time.Millisecond

// obeys sends a report as handsets do: again, when it is told to come later.
func (w *world) obeys(text []byte) (got intake.Receipt, err error) {
	for over := time.Now().Add(2 * time.Minute); ; time.Sleep(comesAgain) {
		if got, err = w.Receive(ctx, text); !fleet.Is(err, fleet.Busy) || time.Now().After(over) {
			return got, err
		}
	}
}

func code(err error) string {
	if e, ok := errors.AsType[*fleet.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
