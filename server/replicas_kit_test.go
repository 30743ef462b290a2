// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"landed/server"
	"landed/server/cluster"
	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/store"
)

// quick are the times of a cluster whose members are found dead soon. On a machine with much to do any of them may be taken
// for dead, and any lease may run out: a test waits then, or asks again, as clients do. A server that asks the database waits
// for it however slow that is: after Ask it would serve what it has, which is right, and old.
var quick = cluster.Times{TTL: 1500 * time.Millisecond, Beat: 200 * time.Millisecond, Poll: 40 * time.Millisecond,
	Ask: time.Minute, Patience: 8 * time.Second}

// line is what lies between a server and its database.
type line struct {
	store.Database // as it was at the start
	now            atomic.Pointer[store.Database]
	cut            atomic.Bool                   // nothing comes through
	paused         atomic.Pointer[chan struct{}] // what comes waits
	cuts           atomic.Int64                  // how often it was cut or paused, or was not any more
}

var errCut = fleet.Errorf(fleet.Busy, "database_away", "the database cannot be reached")

// waits is the key of what is told, in a context, that what is asked under it waits at a line that is paused.
type waits struct{}

func (l *line) pass(ctx context.Context) error {
	if p := l.paused.Load(); p != nil {
		if tell, is := ctx.Value(waits{}).(chan struct{}); is {
			select {
			case tell <- struct{}{}:
			default:
			}
		}
		select {
		case <-*p:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if l.cut.Load() {
		return errCut
	}
	return nil
}

func (l *line) View(ctx context.Context, fn func(fleet.Tx) error) error {
	if err := l.pass(ctx); err != nil {
		return err
	}
	return (*l.now.Load()).View(ctx, fn)
}

func (l *line) Update(ctx context.Context, fn func(fleet.Tx) error) error {
	if err := l.pass(ctx); err != nil {
		return err
	}
	return (*l.now.Load()).Update(ctx, fn)
}

func (l *line) UpdateReports(ctx context.Context, fn func(fleet.Tx) error) error {
	if err := l.pass(ctx); err != nil {
		return err
	}
	return (*l.now.Load()).UpdateReports(ctx, fn)
}

func (l *line) Ready(ctx context.Context) error {
	return errors.Join(l.pass(ctx), l.Database.Ready(ctx))
}

func (l *line) setCut(cut bool) {
	l.cuts.Add(1)
	l.cut.Store(cut)
	l.cuts.Add(1)
}

// pause has whatever is asked of the database wait until it is let on.
func (l *line) pause() (on func()) {
	c := make(chan struct{})
	l.cuts.Add(1)
	l.paused.Store(&c)
	return func() {
		l.paused.Store(nil)
		close(c)
		l.cuts.Add(1)
	}
}

// replica is one of several servers on one database.
type replica struct {
	*server.Server
	name, dir string
	line      *line
	web       *httptest.Server
	dead      atomic.Bool
}

// replicas are servers on the database of an old data folder.
type replicas struct {
	t     testing.TB
	path  string // of the database
	root  string // what every data folder has of the first: keys and contents
	now   func() time.Time
	times cluster.Times
	mu    sync.Mutex
	all   []*replica
}

// newReplicas starts so many servers.
func newReplicas(t testing.TB, n int) *replicas {
	t.Helper()
	return newReplicasOf(t, n, quick)
}

func newReplicasOf(t testing.TB, n int, times cluster.Times) *replicas {
	t.Helper()
	dir := unpack(t, filepath.Join(oldFolder, "folder.tar.gz"))
	rs := &replicas{t: t, times: times, root: dir, path: filepath.Join(t.TempDir(), "shared.db"), now: afterOld}
	if err := os.Rename(filepath.Join(dir, "landed.db"), rs.path); err != nil {
		t.Fatal(err)
	}
	rs.starts(n)
	return rs
}

// afterOld is soon after the old folder was left.
func afterOld() time.Time { return leftAt.Add(time.Minute) }

func (rs *replicas) starts(n int) {
	rs.t.Helper()
	for i := range n {
		rs.start(fmt.Sprint("r", i), rs.folder(i))
	}
}

// folder is the data folder of a replica: the first is the old one, the others have keys and nothing else of their own.
func (rs *replicas) folder(i int) string {
	if i == 0 {
		return rs.root
	}
	dir := rs.t.TempDir()
	for _, name := range []string{"keys", "ota-keys"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(rs.root, name))); err != nil {
			rs.t.Fatal(err)
		}
	}
	if err := filepath.WalkDir(filepath.Join(dir, "keys"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chmod(path, 0o600)
		}
		return err
	}); err != nil {
		rs.t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(rs.root, "blobs"), filepath.Join(dir, "blobs")); err != nil {
		rs.t.Fatal(err)
	}
	return dir
}

// start starts a server on a data folder.
func (rs *replicas) start(name, dir string) *replica {
	rs.t.Helper()
	var db store.Database
	rs.again("opened", func() (err error) {
		db, err = datadir.Dir(dir).OpenAt(rs.t.Context(), rs.path, rs.now)
		return err
	})
	r := &replica{name: name, dir: dir, line: &line{Database: db}}
	r.line.now.Store(&db)
	log := slog.New(slog.NewTextHandler(logTo{rs.t}, &slog.HandlerOptions{Level: slog.LevelWarn})).With("replica", name)
	rs.again(name+" starts", func() (err error) {
		r.Server, err = server.New(server.Config{DataDir: dir, Now: rs.now, Log: log, Store: r.line, Program: "test", Cluster: rs.times})
		return err
	})
	r.web = httptest.NewServer(r.Handler())
	rs.t.Cleanup(func() {
		if !r.dead.Load() {
			r.web.Close()
			if err := r.Close(); err != nil {
				rs.t.Error(err)
			}
		}
		db.Close()
	})
	rs.mu.Lock()
	rs.all = append(rs.all, r)
	rs.mu.Unlock()
	rs.live(r)
	return r
}

// logTo writes the log of a server into that of its test.
type logTo struct{ t testing.TB }

func (l logTo) Write(text []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Logf("%s", text)
	}
	return len(text), nil
}

// live waits until a server is a live member.
func (rs *replicas) live(r *replica) {
	rs.t.Helper()
	rs.soon(r.name+" is live", func() error { _, fault := r.Member(); return fault })
}

// soon waits until something is so.
func (rs *replicas) soon(what string, is func() error) {
	rs.t.Helper()
	var err error
	for over := time.Now().Add(2 * time.Minute); time.Now().Before(over); time.Sleep(10 * time.Millisecond) {
		if err = is(); err == nil {
			return
		}
	}
	rs.t.Fatalf("%s: %v", what, err)
}

// again does something until nobody is in its way, and tells if something else is.
func (rs *replicas) again(what string, do func() error) {
	rs.t.Helper()
	rs.soon(what, func() error {
		err := do()
		if err != nil && !passes(err) {
			rs.t.Fatalf("%s: %v", what, err)
		}
		return err
	})
}

// passes says if err is that of a cluster of which a member was slow: to ask again is safe.
func passes(err error) bool {
	return fleet.Is(err, fleet.Pending) || fleet.Is(err, fleet.Busy) || errors.Is(err, context.DeadlineExceeded)
}

// kill ends a server as the end of its process would.
func (rs *replicas) kill(r *replica) {
	rs.t.Helper()
	r.dead.Store(true)
	r.line.setCut(true)
	r.web.Close()
	if err := r.Kill(); err != nil {
		rs.t.Log(err)
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for i, x := range rs.all {
		if x == r {
			rs.all = append(rs.all[:i:i], rs.all[i+1:]...)
		}
	}
}

// failover has every server go on with another database, after a moment without any.
func (rs *replicas) failover(path string) {
	rs.t.Helper()
	rs.path = path
	for _, r := range rs.list() {
		r.line.setCut(true)
	}
	for _, r := range rs.list() {
		db, err := datadir.Dir(r.dir).OpenAt(rs.t.Context(), path, rs.now)
		if err != nil {
			rs.t.Fatal(err)
		}
		rs.t.Cleanup(func() { db.Close() })
		r.line.now.Store(&db)
	}
	for _, r := range rs.list() {
		r.line.setCut(false)
	}
}

func (rs *replicas) list() []*replica {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return append([]*replica(nil), rs.all...)
}

// looping is the server that does the periodic work.
func (rs *replicas) looping() (found *replica) {
	rs.t.Helper()
	rs.soon("one server has the loop", func() error {
		found = nil
		for _, r := range rs.list() {
			if r.Looping() {
				if found != nil {
					return fmt.Errorf("both %s and %s", found.name, r.name)
				}
				found = r
			}
		}
		if found == nil {
			return errors.New("nobody")
		}
		return nil
	})
	return found
}

// serves is the version that a server answers. One that others took for dead may still be writing what they serve, and says
// so: it is asked again until it answers with a version.
func (rs *replicas) serves(r *replica) (v int64) {
	rs.t.Helper()
	rs.soon(r.name+" serves", func() (err error) {
		v, err = r.version()
		return err
	})
	return v
}

// version is that of the timestamp which a server answers.
func (r *replica) version() (int64, error) {
	resp, err := http.Get(r.web.URL + "/tuf/metadata/timestamp.json")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s %v", resp.Status, err)
	}
	return versionOf(text)
}

func versionOf(timestamp []byte) (int64, error) {
	var doc struct {
		Signed struct {
			Version int64 `json:"version"`
		} `json:"signed"`
	}
	return doc.Signed.Version, json.Unmarshal(timestamp, &doc)
}

// prober asks every server for its timestamp all the time. Once one of them answered a version, none that reaches the
// database may answer an older one to whoever asks after that.
type prober struct {
	rs            *replicas
	highest       atomic.Int64
	reads, faults atomic.Int64
	end           context.CancelFunc
	done          sync.WaitGroup
}

func (rs *replicas) probe() *prober {
	ctx, end := context.WithCancel(context.Background())
	p := &prober{rs: rs, end: end}
	for n := range 4 {
		p.done.Go(func() {
			for i := n; ctx.Err() == nil; i++ {
				if all := rs.list(); len(all) > 0 {
					p.read(all[i%len(all)])
				}
			}
		})
	}
	return p
}

func (p *prober) read(r *replica) {
	if r.line.paused.Load() != nil { // what it says then is no matter, and others are to be asked
		runtime.Gosched()
		return
	}
	floor, cuts := p.highest.Load(), r.line.cuts.Load()
	v, err := r.version()
	if err != nil || r.dead.Load() || r.line.cut.Load() || r.line.paused.Load() != nil || cuts != r.line.cuts.Load() {
		return
	}
	p.reads.Add(1)
	if v < floor && p.faults.Add(1) < 10 {
		p.rs.t.Errorf("%s serves timestamp %d after another served %d", r.name, v, floor)
	}
	for {
		h := p.highest.Load()
		if v <= h || p.highest.CompareAndSwap(h, v) {
			return
		}
	}
}

// stop ends the probing, once so many timestamps were read.
func (p *prober) stop(least int64) {
	p.rs.t.Helper()
	defer p.done.Wait()
	defer p.end()
	p.rs.soon("timestamps are read", func() error {
		if n := p.reads.Load(); n < least {
			return fmt.Errorf("%d were, wanted %d", n, least)
		}
		return nil
	})
	p.rs.t.Logf("%d timestamps were read, the newest is %d", p.reads.Load(), p.highest.Load())
}
