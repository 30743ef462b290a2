// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/store"
	"landed/server/store/storetest"
)

// maker makes report seq of installation n.
type maker func(n int, seq int64) (report.Report, ed25519.PrivateKey)

type step struct {
	what   maker
	seq    int64
	change func(*report.Report)
	want   string // new, replayed, late, or the code of a refusal
}

// other makes another report of the same.
func other(r *report.Report) { r.Attempt = 7 }

func refusesFeed(r *report.Report) {
	r.Kind, r.Progress, r.Failure = report.KindProgress, report.ProgressFailed, &report.Failure{Phase: report.PhaseMetadata, Code: 1}
}

// TestCausesAreCounted: each failure stands under its cause, and moves with what the handset says next.
func TestCausesAreCounted(t *testing.T) {
	w := newWorld(t)
	at := func(phase report.Phase, code int) func(*report.Report) {
		return func(r *report.Report) { r.Failure = &report.Failure{Phase: phase, Code: code} }
	}
	seq := int64(0)
	for _, step := range []struct {
		what   maker
		change func(*report.Report)
		want   report.Cause // "" for none
	}{
		{downloads, nil, ""},
		{fails, at(report.PhaseDownload, 2503), report.CauseServer},
		{fails, at(report.PhaseMetadata, 26), report.CauseServer}, // the feed's: it is where it was
		{downloads, nil, ""},
		{fails, at(report.PhaseInstall, 60), report.CauseStorage},
		{fails, at(report.PhaseBoot, 19), report.CauseBuild},
		{silent, nil, ""},
		{fails, at(report.PhaseMetadata, 26), ""},
	} {
		seq++
		r, key := step.what(1, seq)
		if step.change != nil {
			step.change(&r)
		}
		if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
			t.Fatal(err)
		}
		for cause, n := range w.counts(t, "one").Causes {
			if n != 0 != (cause == step.want) {
				t.Errorf("report %d: %d failed for %s, wanted %q", seq, n, cause, step.want)
			}
		}
		if failed := w.counts(t, "one").Failed(); failed != 0 != (step.want != "") {
			t.Errorf("report %d: %d failed", seq, failed)
		}
	}
}

// TestALeakIsNotTakenBack lets one installation leak, and then report that all is well.
func TestALeakIsNotTakenBack(t *testing.T) {
	w := newWorld(t)
	for _, step := range []struct {
		what         maker
		seq          int64
		change       func(*report.Report)
		leak, leaked int64
	}{
		{leaks, 1, nil, 1, 1},
		{silent, 2, nil, 0, 1},
		{leaks, 3, nil, 1, 1},
		{silent, 4, onTwo, 0, 0},
	} {
		r, key := step.what(1, step.seq)
		if step.change != nil {
			step.change(&r)
		}
		if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
			t.Fatal(err)
		}
		c := w.counts(t, r.Release)
		if c.Verdicts[storetest.Leak] != step.leak || c.Leaked != step.leaked {
			t.Errorf("report %d: %d leak and %d ever did; wanted %d and %d", step.seq, c.Verdicts[storetest.Leak], c.Leaked, step.leak, step.leaked)
		}
		w.checkFigures(t)
	}
}

func TestSequences(t *testing.T) {
	for _, test := range []struct {
		name     string
		steps    []step
		seq      int64
		stored   int64
		verdict  fleet.Class
		progress report.Progress
		before   fleet.Before
		release  string
	}{
		{"from waiting to proven", []step{{waits, 1, nil, "new"}, {downloads, 2, nil, "new"}, {silent, 3, nil, "new"}},
			3, 3, storetest.ConfirmedOff, report.ProgressRunning, storetest.BeforeActive, "one"},
		{"sent again and again", []step{{waits, 1, nil, "new"}, {waits, 1, nil, "replayed"}, {silent, 2, nil, "new"}, {waits, 1, nil, "replayed"},
			{silent, 2, nil, "replayed"}}, 2, 2, storetest.ConfirmedOff, report.ProgressRunning, storetest.BeforeActive, "one"},
		{"backwards: history, and what was before is filled in", []step{{silent, 3, nil, "new"}, {downloads, 2, nil, "late"},
			{waits, 1, nil, "late"}}, 3, 3, storetest.ConfirmedOff, report.ProgressRunning, storetest.BeforeActive, "one"},
		{"a quiet baseline that comes late", []step{{silent, 3, nil, "new"}, {quiet, 1, nil, "late"}},
			3, 2, storetest.ConfirmedOff, report.ProgressRunning, storetest.BeforeQuiet, "one"},
		{"first met on the patched build", []step{{silent, 1, nil, "new"}},
			1, 1, storetest.ConfirmedOff, report.ProgressRunning, storetest.BeforeUnknown, "one"},
		{"quiet at first, then it activated itself, then the patch", []step{{quiet, 1, nil, "new"}, {waits, 2, nil, "new"},
			{silent, 3, nil, "new"}}, 3, 3, storetest.ConfirmedOff, report.ProgressRunning, storetest.BeforeActive, "one"},
		{"a leak that comes late moves nothing", []step{{silent, 2, nil, "new"}, {leaks, 1, nil, "late"}},
			2, 2, storetest.ConfirmedOff, report.ProgressRunning, storetest.BeforeUnknown, "one"},
		{"a regression is seen", []step{{silent, 1, nil, "new"}, {leaks, 2, nil, "new"}},
			2, 2, storetest.Leak, report.ProgressRunning, storetest.BeforeUnknown, "one"},
		{"it refused the feed while it waited: nothing was begun", []step{{waits, 1, nil, "new"}, {waits, 2, refusesFeed, "new"}},
			2, 2, storetest.Unpatched, report.ProgressKnown, storetest.BeforeActive, "one"},
		{"it refused the feed in the middle of a download", []step{{downloads, 1, nil, "new"}, {waits, 2, refusesFeed, "new"}},
			2, 2, storetest.Unpatched, report.ProgressDownloading, storetest.BeforeActive, "one"},
		{"it refused the feed before it said anything else", []step{{waits, 1, refusesFeed, "new"}},
			1, 1, storetest.Unpatched, report.ProgressKnown, storetest.BeforeActive, "one"},
		{"it refused the feed of the next release: that one was not begun", []step{{downloads, 1, nil, "new"}, {waits, 2, func(r *report.Report) {
			refusesFeed(r)
			r.Release = "two"
		}, "new"}},
			2, 2, storetest.Unpatched, report.ProgressKnown, storetest.BeforeActive, "two"},
		{"it fell back, and refuses the feed", []step{{silent, 1, nil, "new"}, {waits, 2, refusesFeed, "new"}},
			2, 2, storetest.Unpatched, report.ProgressKnown, storetest.BeforeActive, "one"},
		{"it failed at something else", []step{{downloads, 1, nil, "new"}, {fails, 2, nil, "new"}},
			2, 2, storetest.Unpatched, report.ProgressFailed, storetest.BeforeActive, "one"},
		{"two reports with one number", []step{{silent, 1, nil, "new"}, {silent, 1, other, "new"}},
			1, 2, storetest.Contradictory, report.ProgressRunning, storetest.BeforeUnknown, "one"},
		{"two reports with one number, found out late", []step{{waits, 1, nil, "new"}, {silent, 2, nil, "new"}, {waits, 1, other, "late"}},
			2, 3, storetest.Contradictory, report.ProgressRunning, storetest.BeforeActive, "one"},
		{"a copied key stays contradictory", []step{{silent, 1, nil, "new"}, {silent, 1, other, "new"}, {silent, 2, nil, "new"}},
			2, 3, storetest.Contradictory, report.ProgressRunning, storetest.BeforeUnknown, "one"},
		{"on to another release", []step{{silent, 1, nil, "new"}, {silent, 2, onTwo, "new"}},
			2, 2, storetest.ConfirmedOff, report.ProgressRunning, storetest.BeforeUnknown, "two"},
		{"a later build keeps the effect of the release before", []step{{silent, 1, func(r *report.Report) {
			r.Build, r.BuildUTC = patchedLater, 1_407_600_001
		}, "new"}},
			1, 1, storetest.ConfirmedOff, report.ProgressRunning, storetest.BeforeUnknown, "one"},
		{"another channel", []step{{waits, 1, func(r *report.Report) { r.Channel = "beta" }, "new"}, {waits, 2, nil, "new"}},
			2, 2, storetest.Unpatched, report.ProgressKnown, storetest.BeforeActive, "one"},
		{"a release that is only staged", []step{{waits, 1, func(r *report.Report) { r.Release = "three" }, "release_unknown"}},
			0, 0, "", "", "", ""},
		{"a model outside of the catalogue", []step{{waits, 1, func(r *report.Report) { r.Model = "nexus" }, "model_unknown"}},
			0, 0, "", "", "", ""},
		{"a model without a build", []step{{waits, 1, func(r *report.Report) { r.Model, r.Variant = "dior", "dior" }, "release_not_for_model"}},
			0, 0, "", "", "", ""},
		{"a build that nobody published", []step{{waits, 1, func(r *report.Report) {
			r.Build, r.BuildUTC = "IMEI/86012302.1234567/PHONE-138-0013-8000:4/Zhang.San-Beijing/acct-zhangsan.1975:user/release-keys", 1
		}, "build_unknown"}}, 0, 0, "", "", "", ""},
		{"a telephone number where its build was made", []step{
			{silent, 1, func(r *report.Report) { r.BuildUTC = 447_911_223_344 }, "build_unknown"}, {silent, 1, nil, "new"}},
			1, 1, storetest.ConfirmedOff, report.ProgressRunning, storetest.BeforeUnknown, "one"},
		{"the time of another build", []step{{silent, 1, func(r *report.Report) { r.BuildUTC++ }, "build_unknown"}}, 0, 0, "", "", "", ""},
		{"an answer to what was not asked", []step{{waits, 1, func(r *report.Report) { r.Answers["owner"] = probe.Int(4) }, "report_malformed"}},
			0, 0, "", "", "", ""},
		{"an answer that is none", []step{{waits, 1, func(r *report.Report) { r.Answers["attempts_setup"] = probe.Int(3) }, "report_malformed"}},
			0, 0, "", "", "", ""},
		{"not every answer", []step{{silent, 1, func(r *report.Report) { delete(r.Answers, "transport") }, "new"}},
			1, 1, storetest.Unknown, report.ProgressRunning, storetest.BeforeUnknown, "one"},
		{"a variant of another model", []step{{waits, 1, func(r *report.Report) { r.Variant = "dior" }, "variant_unknown"}},
			0, 0, "", "", "", ""},
		{"a channel that is not here", []step{{waits, 1, func(r *report.Report) { r.Channel = "nightly" }, "channel_unknown"}},
			0, 0, "", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			for n, s := range test.steps {
				r, key := s.what(1, s.seq)
				if s.change != nil {
					s.change(&r)
				}
				text := seal(t, r, key)
				got, err := w.Receive(ctx, text)
				if err == nil && got.ID != idOf(t, text) {
					t.Errorf("step %d: receipt for %s", n+1, got.ID)
				}
				if answer := string(got.Stored) + code(err); answer != s.want {
					t.Errorf("step %d: got %s, wanted %s", n+1, answer, s.want)
				}
				w.checkFigures(t)
			}
			i := w.installation(t, 1)
			got := fmt.Sprint(i.Seq, i.Newest.Seq, i.Reports, i.Verdict, i.Progress, i.Before, i.Release)
			if want := fmt.Sprint(test.seq, test.seq, test.stored, test.verdict, test.progress, test.before, test.release); got != want {
				t.Errorf("\ngot    %s\nwanted %s", got, want)
			}
		})
	}
}

// TestRefusesWhatItCannotOpen sends bytes that are no report of the one who sends them.
func TestRefusesWhatItCannotOpen(t *testing.T) {
	const imei = "490154203237518"
	r, key := waits(1, 1)
	good := seal(t, r, key)
	stranger := seal(t, r, ed25519.NewKeyFromSeed(make([]byte, 32)))
	for _, test := range []struct {
		name, want string
		envelope   []byte
	}{
		{"nothing", "envelope_malformed", nil},
		{"truncated", "envelope_malformed", good[:len(good)/2]},
		{"an unknown field", "envelope_malformed", []byte(`{"` + imei + `":1}`)},
		{"too large", "report_too_large", []byte(strings.Repeat(" ", envelope.MaxBytes+1))},
		{"another's signature", "report_forged", forged(t, good, stranger)},
		{"a version to come", "report_version", bytes.Replace(good, []byte("report.v3"), []byte("report.v4"), 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.Receive(ctx, test.envelope)
			if code(err) != test.want {
				t.Errorf("got %v (%s), wanted %s", err, code(err), test.want)
			}
			if strings.Contains(fmt.Sprint(err)+w.log.String(), imei) {
				t.Errorf("the refusal repeats what was sent: %v", err)
			}
			if i := w.installation(t, 1); i.Ref != "" {
				t.Error("something was stored")
			}
		})
	}
}

// forged puts the signature of one envelope under the body of another.
func forged(t *testing.T, body, signature []byte) []byte {
	t.Helper()
	type dsse struct {
		PayloadType string              `json:"payloadType"`
		Payload     string              `json:"payload"`
		Signatures  []map[string]string `json:"signatures"`
	}
	var a, b dsse
	if err := errors.Join(json.Unmarshal(body, &a), json.Unmarshal(signature, &b)); err != nil {
		t.Fatal(err)
	}
	a.Signatures[0]["sig"] = b.Signatures[0]["sig"]
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestModelOfAnInstallationStays(t *testing.T) {
	w := newWorld(t)
	if err := w.db.Update(ctx, func(tx fleet.Tx) error {
		p := fleet.Package{SHA256: strings.Repeat("d", 64), Model: "dior", Variant: "dior", Channel: "stable"}
		one, err := tx.Releases().Get(ctx, "one")
		one.Packages = append(one.Packages, p.Ref())
		return errors.Join(err, tx.Packages().Put(ctx, p), tx.Releases().Save(ctx, one, fleet.ReleasePublished))
	}); err != nil {
		t.Fatal(err)
	}
	r, key := waits(1, 1)
	if _, err := w.Receive(ctx, seal(t, r, key)); err != nil {
		t.Fatal(err)
	}
	moved, _ := waits(1, 2)
	moved.Model, moved.Variant = "dior", "dior"
	if _, err := w.Receive(ctx, seal(t, moved, key)); code(err) != "model_changed" {
		t.Errorf("got %v", err)
	}
	w.checkFigures(t)
}

func TestSameReportFromManyAtOnce(t *testing.T) {
	w := newWorld(t)
	const senders, installations = 64, 16
	var mu sync.Mutex
	got := map[intake.Stored]int{}
	var group sync.WaitGroup
	for s := range senders {
		group.Go(func() {
			for n := range installations {
				r, key := waits((n+s)%installations, 1)
				receipt, err := w.Receive(ctx, seal(t, r, key))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				got[receipt.Stored]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if got[intake.StoredNew] != installations || got[intake.StoredReplayed] != (senders-1)*installations {
		t.Errorf("got %v", got)
	}
	if c := w.counts(t, "one"); c.Installations != installations {
		t.Errorf("counted %d installations, wanted %d", c.Installations, installations)
	}
	w.checkFigures(t)
}

// TestOneBadReportSpoilsNoOther has the database itself refuse one report of a batch.
func TestOneBadReportSpoilsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := store.Make(ctx, path, func() time.Time { return storetest.Now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := newWorldOn(t, db)
	bad, _ := waits(5, 1)
	outside, err := sql.Open("sqlite", store.ReportsFile(path))
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	if _, err := outside.Exec(`CREATE TRIGGER bad BEFORE INSERT ON reports WHEN NEW.id = '` + bad.ID +
		`' BEGIN SELECT RAISE(ABORT, 'bad'); END`); err != nil {
		t.Fatal(err)
	}
	release := w.hold(t)
	errs := make([]error, 10)
	var group sync.WaitGroup
	for n := range errs {
		r, key := waits(n, 1)
		text := seal(t, r, key)
		group.Go(func() { _, errs[n] = w.Receive(ctx, text) })
	}
	release()
	group.Wait()
	for n, err := range errs {
		if (err != nil) != (n == 5) {
			t.Errorf("report %d: %v", n, err)
		}
	}
	w.checkFigures(t)
}

func TestFullQueueAndCancelledCaller(t *testing.T) {
	w := newWorld(t, func(c *intake.Config) { c.Queue, c.Batch = 1, 1 })
	if err := w.Rules.Refresh(ctx); err != nil { // who is impatient gives up in the queue, not on the way to it
		t.Fatal(err)
	}
	release := w.hold(t)
	impatient, cancel := context.WithCancel(ctx)
	results := make(chan error)
	send := func(n int) {
		r, key := waits(n, 1)
		text := seal(t, r, key)
		go func() {
			_, err := w.Receive(impatient, text)
			results <- err
		}()
	}
	// At most one is being stored and one waits; the others find the queue full.
	const sent = 8
	send(0)
	w.isStoring(t) // or one that has not come to the queue yet would find nothing but its end
	for n := 1; n < sent; n++ {
		send(n)
	}
	busy := 0
	for range sent - 2 {
		if err := <-results; fleet.Is(err, fleet.Busy) {
			busy++
		}
	}
	cancel()
	var queued int64
	for range 2 {
		err := <-results
		if errors.Is(err, context.Canceled) {
			queued++
		} else if fleet.Is(err, fleet.Busy) {
			busy++
		}
	}
	if busy+int(queued) != sent || queued == 0 {
		t.Errorf("%d found the queue full and %d were queued, of %d", busy, queued, sent)
	}
	release()
	w.Close()
	if c := w.counts(t, "one"); c.Installations != queued {
		t.Errorf("%d are stored; the %d that were queued should be", c.Installations, queued)
	}
	r, key := waits(99, 1)
	if _, err := w.Receive(ctx, seal(t, r, key)); code(err) != "closing" {
		t.Errorf("after Close: %v", err)
	}
}

func TestTooManyReportsOfOneInstallation(t *testing.T) {
	w := newWorld(t)
	r, key := waits(1, 1)
	first := seal(t, r, key)
	if _, err := w.Receive(ctx, first); err != nil {
		t.Fatal(err)
	}
	i := w.installation(t, 1)
	i.Reports = intake.MaxReports
	if err := w.db.UpdateReports(ctx, func(tx fleet.Tx) error { return tx.Installations().Put(ctx, i) }); err != nil {
		t.Fatal(err)
	}
	next, _ := waits(1, 2)
	if _, err := w.Receive(ctx, seal(t, next, key)); code(err) != "too_many_reports" {
		t.Errorf("got %v", err)
	}
	if again, err := w.Receive(ctx, first); err != nil || again.Stored != intake.StoredReplayed {
		t.Errorf("a replay got %v, %v", again, err)
	}
}

// TestReportsPerDay: what fills an outbox comes at once; after that one report a day. Nothing that is sent away is lost.
func TestReportsPerDay(t *testing.T) {
	w := newWorld(t)
	send := func(seq int64) error {
		r, key := waits(1, seq)
		_, err := w.Receive(ctx, seal(t, r, key))
		return err
	}
	seq := int64(1)
	more := func(want int) {
		t.Helper()
		n := 0
		for ; n < 100; n++ {
			err := send(seq)
			if e, ok := errors.AsType[*fleet.Error](err); ok && e.Code == "too_many_today" && e.Kind == fleet.Busy && e.Wait > 0 {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			seq++
		}
		if n != want {
			t.Errorf("%d were taken, wanted %d", n, want)
		}
	}
	more(64)
	more(0)
	w.clock.advance(24*time.Hour - time.Millisecond)
	more(0)
	w.clock.advance(time.Millisecond)
	more(1)
	w.clock.advance(30 * 24 * time.Hour)
	more(30)
}

// TestSourceBuild: when the source of an incremental was built is nowhere said, unless it was published itself. There is
// no room for it in a report, but for those of version 1, and there too little for a telephone number.
func TestSourceBuild(t *testing.T) {
	w := newWorld(t)
	const stock = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBG40.0:user/release-keys"
	if err := w.db.Update(ctx, func(tx fleet.Tx) error {
		p := fleet.Package{
			SHA256: strings.Repeat("a", 64), Model: "armani", Variant: "armani", Channel: "stable", Family: "file",
			Build:     manifests.Build{Fingerprint: patchedLater, Incremental: "two", UTC: 1_407_600_001},
			PreBuilds: []string{stock, patched}, At: storetest.Now,
		}
		return errors.Join(tx.Packages().Put(ctx, p), tx.Releases().Create(ctx, fleet.Release{Name: "four", Counter: 4,
			Source: source("four", 4), State: fleet.ReleasePublished, Packages: []fleet.PackageRef{p.Ref()}}))
	}); err != nil {
		t.Fatal(err)
	}
	for n, tt := range []struct {
		build string
		utc   int64
		want  string
	}{
		{stock, 1_404_000_000, "build_unknown"}, {patched, 1_407_600_000, "new"}, {patched, 1_404_000_000, "build_unknown"},
		{patchedLater, 1_407_600_001, "new"}, {patchedLater, 1_407_600_000, "build_unknown"},
	} {
		r, key := waits(n, 1)
		r.Release, r.Build, r.BuildUTC = "four", tt.build, tt.utc
		got, err := w.Receive(ctx, seal(t, r, key))
		if answer := string(got.Stored) + code(err); answer != tt.want {
			t.Errorf("%s of %d: got %s, wanted %s", tt.build, tt.utc, answer, tt.want)
		}
	}
	for utc, want := range map[int64]string{
		1_404_000_000: "new", 13_800_138_000: "build_unknown", 1_407_600_001: "build_unknown", 1_100_000_000: "build_unknown",
	} {
		b, key := bodyV1(int(utc%1_000_003), 1)
		b.Release, b.Build, b.BuildUTC = "four", stock, utc
		text, err := envelope.SealV1(b, key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.Receive(ctx, text)
		if answer := string(got.Stored) + code(err); answer != want {
			t.Errorf("version 1, %s of %d: got %s, wanted %s", stock, utc, answer, want)
		}
	}
}

// TestPressure: of counted installations a report that is taken counts, and one for which the queue has no room counts as
// sent away. Others say nothing of whether the server was there, whatever becomes of theirs; nor does a full disk, which is
// told apart.
func TestPressure(t *testing.T) {
	var full atomic.Bool
	db := storetest.OpenDB(t)
	w := newWorldOn(t, db, func(c *intake.Config) {
		// As many as the queue has are stored at once: then all of it may be used, also when the first took long.
		c.Store, c.Queue, c.Batch, c.Room = db, 2, 2, func() error {
			if full.Load() {
				return fleet.Errorf(fleet.NoSpace, "disk_low", "full")
			}
			return nil
		}
	})
	next := map[int]int64{}
	text := func(n int) []byte {
		next[n]++
		r, key := waits(n, next[n])
		return seal(t, r, key)
	}
	receive := func(text []byte) string {
		got, err := w.Receive(ctx, text)
		return string(got.Stored) + code(err)
	}
	send := func(n int) string { return receive(text(n)) }
	want := func(when string, all, away int64) {
		t.Helper()
		if gotAll, gotAway := w.Pressure.Since(); gotAll != all || gotAway != away {
			t.Errorf("%s: %d came, %d were sent away; wanted %d and %d", when, gotAll, gotAway, all, away)
		}
	}
	for n := range 4 {
		send(n)
	}
	w.member(t, 1, func(i *fleet.Installation) { i.Admitted = w.clock.now() })
	want("nobody counted sent one", 0, 0)
	send(1)
	want("one counted sent one", 1, 0)

	w.noneWaits(t) // or the batch that is nearly done with would be taken for the next one
	release := w.hold(t)
	done := make(chan string)
	for queued, n := range []int{0, 2, 3} { // one is being stored, two wait
		one := text(n)
		go func() { done <- receive(one) }()
		w.waiting(t, func(n int, storing bool) bool { return n == queued && storing })
	}
	for _, n := range []int{4, 5, 1, 1} {
		if got := send(n); got != "queue_full" {
			t.Errorf("%d: %s", n, got)
		}
	}
	want("the queue was full", 3, 2)
	full.Store(true)
	send(1)
	want("the disk was full", 3, 2)
	release()
	for range 3 {
		if got := <-done; got != "new" {
			t.Errorf("what waited: %s", got)
		}
	}
	want("strangers were taken", 3, 2)
}
