// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"landed/internal/race"
	"landed/server/datadir"
	"landed/server/otactl/client"
)

// figuresOf are what the page says of one model, and what the page of each of its installations says.
func figuresOf(t *testing.T, told *telling) (page pageModel, each map[string]string) {
	t.Helper()
	time.Sleep(pageAge)
	all, err := told.site.status(t.Context(), "/status.json")
	if err != nil || len(all.Models) != 1 {
		t.Fatalf("%v, %+v", err, all)
	}
	each = map[string]string{}
	for _, i := range told.fleet.Installations() {
		if !i.Known {
			continue
		}
		if each[string(i.Reference)], err = told.site.verdict(t.Context(), string(i.Reference)); err != nil {
			each[string(i.Reference)] = "no page: " + err.Error()
		}
	}
	return all.Models[0], each
}

// TestLostReportsComeBack: a fleet of every situation is updated, and a backup of before is restored. What is lost can be
// seen; then handsets are asked, and a day after all figures are as they were. Only what somebody said who is gone since
// a factory reset stays lost: there is nobody to say it again.
func TestLostReportsComeBack(t *testing.T) {
	if testing.Short() || race.Detector {
		t.Skip("two weeks of a fleet that polls each hour")
	}
	told := updatedFleet(t)
	file := filepath.Join(t.TempDir(), "backup.tar")
	folder := datadir.Dir(told.site.dir)
	run := func(d time.Duration) {
		t.Helper()
		if err := told.fleet.Run(t.Context(), told.clock.Now().Add(d)); err != nil {
			t.Fatal(err)
		}
	}
	run(25 * time.Hour)
	if err := folder.Backup(t.Context(), file, datadir.BackupOptions{}, told.clock.Now); err != nil {
		t.Fatal(err)
	}
	run(10 * day)
	before, eachBefore := figuresOf(t, told)

	if err := told.site.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Restore(t.Context(), file, true, told.clock.Now); err != nil {
		t.Fatal(err)
	}
	if err := told.site.start(options{socket: told.socket}, func(h http.Handler) http.Handler { return h }); err != nil {
		t.Fatal(err)
	}
	lost, _ := figuresOf(t, told)
	if lost.Proven > before.Proven/4 {
		t.Fatalf("proven before %d, after the restore %d: nothing was lost", before.Proven, lost.Proven)
	}
	if _, err := told.site.api.Restore().Name(t.Context(), told.clock.Now(), "reports of ten days are lost"); err != nil {
		t.Fatal(err)
	}
	if _, err := told.site.api.Fleet().Ask(t.Context(), "", "", "reports of ten days are lost", true); err != nil {
		t.Fatal(err)
	}
	run(day + 2*told.plan.poll) // to meet it, and to answer
	after, eachAfter := figuresOf(t, told)
	checkCameBack(t, told, before, after, eachBefore, eachAfter)
}

// checkCameBack holds the figures of before against those of after; whoever ended cannot speak.
func checkCameBack(t *testing.T, told *telling, before, after pageModel, eachBefore, eachAfter map[string]string) {
	t.Helper()
	ended, living := 0, 0
	for _, i := range told.fleet.Installations() {
		was, is := eachBefore[string(i.Reference)], eachAfter[string(i.Reference)]
		switch {
		case !i.Known:
		case i.Ended:
			ended++
			before.Verdicts[was]--
			after.Verdicts[is]--
		case is != was || is != i.Class:
			t.Errorf("%s: %s before the restore, %s a day after handsets were asked; it is %s", i.Situation, was, is, i.Class)
		default:
			living++
		}
	}
	if living < 14 || ended != 1 {
		t.Errorf("%d installations live, %d ended", living, ended)
	}
	if !maps.Equal(before.Verdicts, after.Verdicts) || before.Installations != after.Installations {
		t.Errorf("before the restore %d, %v; a day after handsets were asked %d, %v", before.Installations, before.Verdicts,
			after.Installations, after.Verdicts)
	}
}

// updatedFleet is one model, every situation of a fleet, whose rollout to all of it starts after a day.
func updatedFleet(t *testing.T) *telling {
	t.Helper()
	p, err := firstFix()
	if err != nil {
		t.Fatal(err)
	}
	p.fleet, p.first.models, p.tested, p.notice, p.poll = p.fleet[:1], p.first.models[:1], nil, 1, time.Hour
	told := &telling{options: options{once: true, handsets: 15, socket: socket(t), seed: 2014, data: t.TempDir()}, plan: p,
		clock: &clock{start: time.Now().UTC().Truncate(time.Second)}, news: newsTo(io.Discard)}
	told.news.clock = told.clock
	t.Cleanup(told.end)
	if err := told.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	told.fleet.At(told.clock.start.Add(day), func(ctx context.Context) error {
		return told.site.startRollout(ctx, p.first.Name, p.fleet[0].Device, []client.Stage{{Share: 10_000, Soak: "24h"}})
	})
	return told
}

// socket listens until the test ends: the port of a server that is stopped for a while is nobody else's meanwhile.
func socket(t *testing.T) *os.File {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
