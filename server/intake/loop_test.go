// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/manifests/effect"

	"github.com/google/go-cmp/cmp"

	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/rollout"
	"landed/server/servertest"
	"landed/server/store/storetest"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

const rolloutID = "one.armani.stable"

// start begins the rollout of release "one": half, then all.
func (w *world) start(t *testing.T) {
	t.Helper()
	gates := fleet.Gates{MinReports: 2, MinProven: 5_000, MaxFailures: 1_000, HaltLeaks: 3}
	r := fleet.Rollout{
		ID: rolloutID, Release: "one", Model: "armani", Channel: "stable", State: fleet.RolloutRunning, Since: w.clock.now(),
		Started: w.clock.now(), Known: 600,
		Stages: []fleet.Stage{{Share: 5_000, Soak: 48 * time.Hour, Gates: gates}, {Share: 10_000, Soak: 48 * time.Hour, Gates: gates}},
	}
	if err := w.db.Update(ctx, func(tx fleet.Tx) error { return tx.Rollouts().Create(ctx, r) }); err != nil {
		t.Fatal(err)
	}
}

func (w *world) rollout(t *testing.T) (r fleet.Rollout) {
	t.Helper()
	if err := w.db.View(ctx, func(tx fleet.Tx) (err error) {
		r, err = tx.Rollouts().Get(ctx, rolloutID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTimelines runs each story of testdata/*.story and compares what was audited, day by
// day, with the .golden beside it. A line of a story is one of
//
//	wait DURATION | tick | resume REASON | REPORT INSTALLATION SEQ
func TestTimelines(t *testing.T) {
	stories, _ := filepath.Glob("testdata/*.story")
	if len(stories) == 0 {
		t.Fatal("no story was found")
	}
	for _, path := range stories {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(text))
			golden := strings.TrimSuffix(path, ".story") + ".golden"
			if *updateGolden {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func replay(t *testing.T, story string) string {
	w := newWorld(t)
	w.start(t)
	var out strings.Builder
	var audited int
	for line := range strings.Lines(story) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		w.play(t, line)
		var trail []fleet.AuditEntry
		if err := w.db.View(ctx, func(tx fleet.Tx) (err error) {
			trail, err = tx.Audit().OfSubject(ctx, rolloutID, 100)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		r := w.rollout(t)
		fmt.Fprintf(&out, "day %-4.3g %-22s %s %s\n", w.clock.now().Sub(r.Started).Hours()/24, line, r.State, rollout.Percent(r.Share()))
		for _, e := range trail[:len(trail)-audited] {
			fmt.Fprintf(&out, "         %s: %s\n", e.Action, e.Reason)
		}
		audited = len(trail)
		w.checkFigures(t)
	}
	return out.String()
}

var reportsByName = map[string]maker{"waits": waits, "quiet": quiet, "downloads": downloads, "fails": fails,
	"silent": silent, "leaks": leaks}

func (w *world) play(t *testing.T, line string) {
	t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	var err error
	switch verb {
	case "wait":
		var d time.Duration
		d, err = time.ParseDuration(rest)
		w.clock.advance(d)
	case "tick":
		err = w.Tick(ctx)
	case "resume":
		err = servertest.AllCount(w.db).Update(ctx, func(tx fleet.Tx) error {
			r, err := tx.Rollouts().Get(ctx, rolloutID)
			c, err2 := tx.Counts().Of(ctx, r.Release, r.Model, r.Channel)
			next, err3 := rollout.Resume(r, w.clock.now(), "lei", rest, c)
			return errors.Join(err, err2, err3, tx.Rollouts().Save(ctx, next))
		})
	default:
		var n int
		var seq int64
		if _, err := fmt.Sscanf(rest, "%d %d", &n, &seq); err != nil || reportsByName[verb] == nil {
			t.Fatalf("no such line in a story: %q", line)
		}
		r, key := reportsByName[verb](n, seq)
		_, err = w.Receive(ctx, seal(t, r, key))
	}
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
}

// TestLeakIsActedOnAtOnce also when its sender does not wait for the answer.
func TestLeakIsActedOnAtOnce(t *testing.T) {
	for _, patient := range []bool{true, false} {
		t.Run(fmt.Sprint("patient ", patient), func(t *testing.T) {
			w := newWorld(t)
			w.start(t)
			if err := w.Rules.Refresh(ctx); err != nil { // nothing but the queue is in the way
				t.Fatal(err)
			}
			sender, cancel := context.WithCancel(ctx)
			release := w.hold(t)
			done := make(chan error, 1)
			r, key := leaks(1, 1)
			envelope := seal(t, r, key)
			go func() {
				_, err := w.Receive(sender, envelope)
				done <- err
			}()
			if !patient {
				cancel()
				<-done
			}
			release()
			if patient {
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
			cancel()
			w.Close()
			if r := w.rollout(t); r.State != fleet.RolloutHeld || w.published.Load() != 1 {
				t.Errorf("the rollout is %s, offers were published %d times", r.State, w.published.Load())
			}
			if !strings.Contains(w.log.String(), "level=ERROR msg=rollout.hold") {
				t.Errorf("no alarm in the log:\n%s", w.log)
			}
		})
	}
}

// TestAnsweredWhenItIsPublished has two handsets leak at once: neither is answered while the look
// that holds the rollout is still publishing that.
func TestAnsweredWhenItIsPublished(t *testing.T) {
	publishing, second := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var published atomic.Bool
	var w *world
	w = newWorld(t, func(c *intake.Config) {
		c.Offers = func(context.Context) error {
			once.Do(func() {
				close(publishing)
				<-second
				for range 50 { // it takes a while
					w.rollout(t)
				}
				published.Store(true)
			})
			return nil
		}
	})
	w.start(t)
	r, key := leaks(1, 1)
	envelope := seal(t, r, key)
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := w.Receive(ctx, envelope); err != nil {
			t.Error(err)
		}
	})
	<-publishing
	close(second)
	if err := w.Advance(ctx, "armani"); err != nil || !published.Load() {
		t.Errorf("the second look got %v; published: %v", err, published.Load())
	}
	group.Wait()
}

// TestLeakIsNewsOnce: what an installation did on one release is news again on the next, and no news while it goes on.
func TestLeakIsNewsOnce(t *testing.T) {
	w := newWorld(t)
	w.start(t)
	next := w.rollout(t)
	next.ID, next.Release = "two.armani.stable", "two"
	if err := w.db.Update(ctx, func(tx fleet.Tx) error { return tx.Rollouts().Create(ctx, next) }); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		seq       int64
		change    func(*report.Report)
		one, two  fleet.RolloutState
		published int64
		what      string
	}{
		{1, nil, fleet.RolloutHeld, fleet.RolloutRunning, 1, "the first leak"},
		{2, nil, fleet.RolloutHeld, fleet.RolloutRunning, 1, "the same again"},
		{3, onTwo, fleet.RolloutHeld, fleet.RolloutHeld, 2, "on the next release"},
		{4, onTwo, fleet.RolloutHeld, fleet.RolloutHeld, 2, "and again"},
	} {
		r, key := leaks(1, step.seq)
		if step.change != nil {
			step.change(&r)
		}
		if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
			t.Fatal(err)
		}
		if err := w.db.View(ctx, func(tx fleet.Tx) (err error) {
			next, err = tx.Rollouts().Get(ctx, next.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if one := w.rollout(t); one.State != step.one || next.State != step.two || w.published.Load() != step.published {
			t.Errorf("%s: %s and %s, published %d times; wanted %s, %s and %d", step.what, one.State, next.State, w.published.Load(), step.one,
				step.two, step.published)
		}
	}
}

// TestPublishingIsTriedAgain stands for a crash between the save and the publication.
func TestPublishingIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.start(t)
	w.publishErr = errors.New("the disk of the feed is full")
	r, key := leaks(1, 1)
	if got, err := w.Receive(ctx, seal(t, r, key)); err != nil || got.Stored != "new" {
		t.Errorf("the report is stored; it got %v, %v", got, err)
	}
	if err := w.Tick(ctx); !errors.Is(err, w.publishErr) {
		t.Errorf("Tick got %v, wanted the error of the offers", err)
	}
	w.publishErr = nil
	before := w.published.Load()
	if err := w.Tick(ctx); err != nil || w.published.Load() != before+1 {
		t.Errorf("Tick got %v and published %d times, wanted once", err, w.published.Load()-before)
	}
	if r := w.rollout(t); r.State != fleet.RolloutHeld || r.Revision != 1 {
		t.Errorf("the rollout is %s at revision %d", r.State, r.Revision)
	}
}

// TestSilenceIsFoundAndEnded: who is silent follows from the time at which figures are read, and from nothing before it.
func TestSilenceIsFoundAndEnded(t *testing.T) {
	w := newWorld(t)
	send := func(what maker, n int, seq int64) {
		t.Helper()
		r, key := what(n, seq)
		if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
			t.Error(err)
		}
	}
	const many = 40
	for n := range many {
		send(waits, n, 1)
	}
	send(silent, many, 1) // runs the patch: its silence proves nothing and changes nothing
	w.clock.advance(effect.SilentAfter)
	send(waits, 0, 2)
	check := func(unpatched, unknown int64) {
		t.Helper()
		if err := w.Tick(ctx); err != nil {
			t.Fatal(err)
		}
		c := w.counts(t, "one")
		if c.Verdicts[storetest.Unpatched] != unpatched || c.Verdicts[storetest.Unknown] != unknown || c.Silent != unknown ||
			c.Verdicts[storetest.ConfirmedOff] != 1 || c.Installations != many+1 {
			t.Errorf("got %v, %d silent of %d", c.Verdicts, c.Silent, c.Installations)
		}
		if last := w.installation(t, many-1).At(w.clock.now()); (last.Verdict == storetest.Unknown) != (unknown > 0) {
			t.Errorf("the last is %s, and %d are unknown", last.Verdict, unknown)
		}
		w.checkFigures(t)
	}
	day := 24 * time.Hour
	check(many, 0) // fifteen days are not more than fifteen days
	w.clock.advance(day)
	check(1, many-1)
	send(waits, 1, 2)
	check(2, many-2)
	for _, ahead := range []time.Duration{30 * day, 400 * day} { // a clock that is wrong for a moment has no effect after it
		w.clock.advance(ahead)
		check(0, many)
		w.clock.advance(-ahead)
		check(2, many-2)
	}
	w.clock.advance(effect.SilentAfter + day)
	check(0, many)
}

func TestRulesFollowPublication(t *testing.T) {
	w := newWorld(t)
	staged := func() (report.Report, ed25519.PrivateKey) {
		r, key := waits(1, 1)
		r.Release = "three"
		return r, key
	}
	r, key := staged()
	if _, err := w.Receive(ctx, seal(t, r, key)); code(err) != "release_unknown" {
		t.Fatalf("got %v", err)
	}
	if err := w.db.Update(ctx, func(tx fleet.Tx) error {
		three, err := tx.Releases().Get(ctx, "three")
		three.State = fleet.ReleasePublished
		return errors.Join(err, tx.Releases().Save(ctx, three, fleet.ReleaseStaged))
	}); err != nil {
		t.Fatal(err)
	}
	w.Rules.Invalidate()
	if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
		t.Errorf("after the publication: %v", err)
	}
}
