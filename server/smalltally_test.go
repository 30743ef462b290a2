// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/server"
	"landed/server/cells"
	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/otactl/verify"
)

// asked is what a handler answers.
func asked(door http.Handler, path, token string) (int, []byte) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// fetched is a server as otactl asks it.
type fetched struct {
	*server.Server
	token string
}

// Public implements verify.Server.
func (f fetched) Public(_ context.Context, path string) (io.ReadCloser, error) {
	code, body := asked(f.Server.Public(), path, "")
	if code != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d: %w", path, code, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

// TallyEvidence implements verify.Server.
func (f fetched) TallyEvidence(context.Context) (io.ReadCloser, error) {
	code, body := asked(f.Admin(), "/v1/tally/evidence", f.token)
	if code != http.StatusOK {
		return nil, fmt.Errorf("%d: %s", code, body)
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}

// TestSmallCellsTally: anybody checks the signed numbers, an owner the own place among them, and an auditor what they stand for.
func TestSmallCellsTally(t *testing.T) {
	c, dir := newChained(t), t.TempDir()
	token, err := datadir.AddToken(t.Context(), c.dir, "auditor", fleet.RoleAdmin, func() time.Time { return c.at })
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{DataDir: c.dir, Now: func() time.Time { return c.at }, SmallCells: few})
	if err != nil {
		t.Fatal(err)
	}
	shown := fleet.KeptCell{PublicCell: fleet.PublicCell{Model: "armani", Kind: effect.Good, Shown: true, Number: 10, At: c.at},
		Base: 10, After: 15, Asked: c.at} // one more than there are today: too few have moved since
	if err := s.Database().UpdateReports(t.Context(), func(tx fleet.Tx) error {
		return tx.PublicCells().Keep(t.Context(), shown)
	}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c.at = c.at.Add(48 * time.Hour)
		if err := s.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var ref report.Reference
	if err := s.Database().View(t.Context(), func(tx fleet.Tx) error {
		refs, err := tx.Installations().Refs(t.Context(), "", 1)
		ref = refs[0]
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := verify.Fetch(t.Context(), fetched{s, token}, dir, verify.Wanted{Owner: ref, Auditor: true}); err != nil {
		t.Fatal(err)
	}
	for path, token := range map[string]string{"/tally/evidence.jsonl": "", "/v1/tally/evidence": token} {
		if code, _ := asked(s.Public(), path, token); code != http.StatusNotFound {
			t.Errorf("%s is public: %d", path, code)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	hiddenAtOnce(t, c)
	found, err := verify.Folder(t.Context(), dir, verify.Options{Owner: ref})
	if err != nil || found.Threshold != few || !found.Recounted || found.Reports != 531 || found.Owner == "" || found.Shown == 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	if found.Near != found.Numbers || found.Near == 0 {
		t.Errorf("of %d numbers %d are near", found.Numbers, found.Near)
	}
	for _, note := range found.Notes {
		if strings.Contains(note, "of kind") {
			t.Errorf("a number is far off: %s", note)
		}
	}
	onlyCommitted(t, filepath.Join(dir, "tally.json"))
	number := regexp.MustCompile(`"(good|unjudged)": 10\b`)
	for file, edit := range map[string]func([]byte) []byte{
		"status.json": func(text []byte) []byte { return number.ReplaceAll(text, []byte(`"$1": 20`)) },
		"tally/evidence.jsonl": func(text []byte) []byte {
			return bytes.Join(slices.Delete(bytes.SplitAfter(text, []byte("\n")), 7, 8), nil)
		},
	} {
		path := filepath.Join(dir, filepath.FromSlash(file))
		was, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		edited := edit(bytes.Clone(was))
		if bytes.Equal(edited, was) {
			t.Fatalf("%s has nothing to be changed: %.3000s", file, was)
		}
		if err := os.WriteFile(path, edited, 0o644); err != nil {
			t.Fatal(err)
		}
		var fault *verify.Fault
		if _, err := verify.Folder(t.Context(), dir, verify.Options{}); !errors.As(err, &fault) || fault.File != file {
			t.Errorf("%s was changed: %v", file, err)
		}
		if err := os.WriteFile(path, was, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// hiddenAtOnce raises the threshold: the tally of a lower one is given no more, and another is taken with the next tick.
func hiddenAtOnce(t *testing.T, c *chained) {
	t.Helper()
	const more = 10 * few
	s, err := server.New(server.Config{DataDir: c.dir, Now: func() time.Time { return c.at }, SmallCells: more})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, path := range []string{"/tally.json", "/status.json?as_of=tally"} {
		if code, body := asked(s.Public(), path, ""); code != http.StatusNotFound {
			t.Errorf("%s tells what is hidden now: %d %.300s", path, code, body)
		}
	}
	if err := s.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, body := asked(s.Public(), "/status.json?as_of=tally", "")
	for path, want := range map[string]int{"?utm_source=x&as_of=tally": 200, "?as_of=2014-08-01": 422, "?as_of=": 422,
		"?as_of=tally&on=2014-08-01": 200} {
		code, text := asked(s.Public(), "/status.json"+path, "")
		if code != want || want == http.StatusOK && !bytes.Equal(text, body) {
			t.Errorf("/status.json%s: %d %.300s", path, code, text)
		}
	}
	if code, text := asked(s.Public(), "/models/armani.json?as_of=tally", ""); code != http.StatusNotFound {
		t.Errorf("a page that no tally has: %d %.300s", code, text)
	}
	_, body = asked(s.Public(), "/tally.json", "")
	if next, err := tally.Unsigned(body); err != nil || next.Threshold != more {
		t.Errorf("the next tally has threshold %d, %v", next.Threshold, err)
	}
}

// few is as little as can be hidden.
const few = cells.Least

// onlyCommitted wants the cells of a tally to have no numbers, and what they commit to.
func onlyCommitted(t *testing.T, name string) {
	t.Helper()
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	of, err := tally.Unsigned(file)
	if err != nil || len(of.Cells) == 0 {
		t.Fatalf("%d cells, %v", len(of.Cells), err)
	}
	for _, c := range of.Cells {
		if len(c.Numbers) > 0 || c.Root == "" {
			t.Errorf("%s has %v, root %q", c.Name(), c.Numbers, c.Root)
		}
	}
}
