// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/otactl/verify"
	"landed/server/store"
)

// TestReplicasTally: what the newest tally is given with is the same at every server from the moment it is published: also when
// whoever took it dies, at one that has an empty folder, and at one whose folder has an older tally.
func TestReplicasTally(t *testing.T) {
	rs, later := tallyReplicas(t, 3)
	ref := rs.reference()
	token := rs.token()
	taker, first := rs.taken()
	rs.sameDoors(first, ref, token)
	late := rs.list()[0]
	if late == taker {
		late = rs.list()[1]
	}
	rs.tick(late) // has the first in its folder
	rs.kill(taker)
	rs.sameDoors(first, ref, token)
	rs.start("empty", rs.folder(7))
	rs.sameDoors(first, ref, token)
	for _, r := range rs.list() {
		rs.verifies(r, ref, token)
	}

	// The next one is taken by another, which dies as soon as it is published.
	later(24 * time.Hour)
	next, second := rs.taken()
	if second.Number != first.Number+1 {
		t.Fatalf("tally %d follows %d", second.Number, first.Number)
	}
	rs.sameDoors(second, ref, token)
	rs.kill(next)
	rs.sameDoors(second, ref, token)
	for _, r := range rs.list() {
		rs.verifies(r, ref, token)
	}
}

// tallyReplicas are servers on the database of a folder that was judged and published, a day after its last tally.
func tallyReplicas(t *testing.T, n int) (rs *replicas, later func(time.Duration)) {
	c := newChained(t)
	var at atomic.Int64
	at.Store(c.at.Add(24 * time.Hour).UnixMilli())
	rs = &replicas{t: t, times: quick, root: c.dir, path: filepath.Join(t.TempDir(), "shared.db"),
		now: func() time.Time { return time.UnixMilli(at.Load()).UTC() }}
	from := filepath.Join(c.dir, "landed.db")
	for was, is := range map[string]string{from: rs.path, store.ReportsFile(from): store.ReportsFile(rs.path)} {
		if err := os.Rename(was, is); err != nil {
			t.Fatal(err)
		}
	}
	rs.starts(n)
	return rs, func(d time.Duration) { at.Add(d.Milliseconds()) }
}

// tick has a server do the periodic work.
func (rs *replicas) tick(r *replica) {
	rs.t.Helper()
	rs.soon("a tick", func() error { return r.Tick(rs.t.Context()) }) // a lease may be lost on a machine with much to do
}

func (rs *replicas) reference() (ref report.Reference) {
	rs.t.Helper()
	if err := rs.list()[0].Database().View(rs.t.Context(), func(tx fleet.Tx) error {
		refs, err := tx.Installations().Refs(rs.t.Context(), "", 1)
		if err == nil && len(refs) == 1 {
			ref = refs[0]
		}
		return err
	}); err != nil || ref == "" {
		rs.t.Fatalf("no installation: %v", err)
	}
	return ref
}

// taken has the tally of the day be taken, by whoever does the periodic work: on a machine with much to do that may move on.
func (rs *replicas) taken() (taker *replica, is tally.Tally) {
	rs.t.Helper()
	rs.soon("the tally of the day is taken", func() error {
		taker = rs.looping()
		if err := taker.Tick(rs.t.Context()); err != nil {
			return err
		}
		if is = rs.newest(taker); is.Day != rs.now().Format(time.DateOnly) {
			return fmt.Errorf("the newest is of %s", is.Day)
		}
		return nil
	})
	return taker, is
}

// token is that of an auditor.
func (rs *replicas) token() string {
	rs.t.Helper()
	secret, is, err := auth.NewToken("auditor", fleet.RoleAdmin, rs.now())
	if err != nil {
		rs.t.Fatal(err)
	}
	rs.again("a token", func() error { return auth.Add(rs.t.Context(), rs.list()[0].Database(), is, "test") })
	return secret
}

func (rs *replicas) newest(r *replica) tally.Tally {
	rs.t.Helper()
	_, text := r.get(rs.t, "/tally.json", "")
	is, err := tally.Unsigned(text)
	if err != nil {
		rs.t.Fatalf("%s: %v, %.300s", r.name, err, text)
	}
	return is
}

func (r *replica) get(t testing.TB, path, token string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.web.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, text
}

// sameDoors asks every server for all that belongs to a tally: each answers, and as the others do.
func (rs *replicas) sameDoors(is tally.Tally, ref report.Reference, token string) {
	rs.t.Helper()
	paths := []string{"/tally.json", "/tally/installations/" + string(ref) + ".json", "/v1/tally/evidence"}
	for n := range is.Number {
		paths = append(paths, "/tuf/metadata/"+tally.Name(n+1))
	}
	for _, p := range is.Pages {
		paths = append(paths, "/"+p.Path+"?as_of=tally", "/tuf/metadata/"+tally.PageName(is.Number, p.Path))
	}
	for _, path := range paths {
		var want []byte
		for _, r := range rs.list() {
			code, text := r.get(rs.t, path, token)
			if want == nil {
				want = text
			}
			if code != http.StatusOK || !bytes.Equal(text, want) {
				rs.t.Errorf("%s answers %s with %d and %d bytes; another one with %d: %.200s", r.name, path, code,
					len(text), len(want), text)
			}
		}
	}
}

// verifies fetches all of it from a server, and checks it.
func (rs *replicas) verifies(r *replica, ref report.Reference, token string) {
	rs.t.Helper()
	dir := rs.t.TempDir()
	if err := verify.Fetch(rs.t.Context(), from{rs.t, r, token}, dir, verify.Wanted{Owner: ref, Auditor: true}); err != nil {
		rs.t.Errorf("%s: %v", r.name, err)
		return
	}
	found, err := verify.Folder(rs.t.Context(), dir, verify.Options{Owner: ref})
	if err != nil || !found.Recounted || found.Owner == "" || found.Reports == 0 {
		rs.t.Errorf("%s: %v, %+v", r.name, err, found)
	}
}

// from is a replica as otactl asks it.
type from struct {
	t     testing.TB
	r     *replica
	token string
}

// Public implements verify.Server.
func (f from) Public(_ context.Context, path string) (io.ReadCloser, error) { return f.open(path, "") }

// TallyEvidence implements verify.Server.
func (f from) TallyEvidence(context.Context) (io.ReadCloser, error) {
	return f.open("/v1/tally/evidence", f.token)
}

func (f from) open(path, token string) (io.ReadCloser, error) {
	code, text := f.r.get(f.t, path, token)
	if code != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d (%.200s): %w", path, code, text, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(text)), nil
}

// TestReplicasTallyDamaged: a byte of what is stored of a tally is another. A server that has what was signed in its folder gives
// that, and no other one gives anything.
func TestReplicasTallyDamaged(t *testing.T) {
	rs, _ := tallyReplicas(t, 2)
	taker, is := rs.taken()
	page := is.Pages[0].Path
	rs.again("damaged", func() error {
		return taker.Database().UpdateReports(t.Context(), func(tx fleet.Tx) error {
			c, err := tx.Tallies().Newest(t.Context(), 1)
			if err == nil {
				_, err = tx.TallyPieces().Drop(t.Context(), c[0].Take, "pages", 1)
			}
			return err
		})
	})
	rs.start("empty", rs.folder(7)) // the periodic work may have moved on, and then each of the others has what was signed
	without := 0
	for _, r := range rs.list() {
		code, text := r.get(t, "/tuf/metadata/"+tally.PageName(is.Number, page), "")
		file, _ := os.ReadFile(filepath.Join(r.dir, "feed", "metadata", tally.PageName(is.Number, page)))
		if has := len(file) > 0; (code == http.StatusOK) != has || has && !bytes.Equal(text, file) || !has &&
			code != http.StatusServiceUnavailable {
			t.Errorf("%s answers %d: %.200s", r.name, code, text)
		}
		if len(file) == 0 {
			without++
		}
		if code, text := r.get(t, "/"+page+"?as_of=tally", ""); len(file) == 0 && (code != http.StatusServiceUnavailable ||
			!bytes.Contains(text, []byte("tally_damaged"))) {
			t.Errorf("%s answers %d: %.200s", r.name, code, text)
		}
	}
	if without == 0 {
		t.Error("every server has the page in its folder")
	}
}
