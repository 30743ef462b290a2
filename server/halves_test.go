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
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"landed/server"
	"landed/server/datadir"
	"landed/server/fleet"
)

// TestHaltWithoutReports damages the file of the reports beneath a running server, and has it missing when one starts:
// each time a rollout is halted over its door, the trail says so, and the served offers do.
func TestHaltWithoutReports(t *testing.T) {
	dir, now := unpack(t, filepath.Join(oldFolder, "folder.tar.gz")), leftAt.Add(time.Minute)
	clock := func() time.Time { return now }
	root, err := os.ReadFile(filepath.Join(dir, "feed", "metadata", "1.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := datadir.AddToken(t.Context(), dir, "mei", fleet.RoleEngineer, clock)
	if err != nil {
		t.Fatal(err)
	}
	reports := filepath.Join(dir, "landed-reports.db")
	damages := []struct {
		what, model string
		damage      func() error
	}{
		{"zeroed while it runs", "HM2013023", func() error { return zeroFirst(reports, 16*4096) }},
		{"zeroed", "lcsh92_wet_jb9", func() error { return zeroFirst(reports, 16*4096) }},
		{"missing", "cancro", func() error { return os.Remove(reports) }},
	}
	for n, d := range damages {
		damage := func() {
			if err := d.damage(); err != nil {
				t.Fatal(err)
			}
		}
		if n > 0 {
			damage()
		}
		log := &strings.Builder{}
		s, err := server.New(server.Config{DataDir: dir, Now: clock, Log: slog.New(slog.NewTextHandler(log, nil))})
		if err != nil {
			t.Fatalf("%s: %v", d.what, err)
		}
		web := httptest.NewServer(s.Handler())
		if n == 0 {
			damage()
		}
		halt(t, web.URL, secret, d.model)
		answers(t, s, web.URL, d.what)
		if err := s.Tick(t.Context()); n > 0 && !fleet.Is(err, fleet.Damaged) {
			t.Errorf("%s: a tick says %v", d.what, err)
		}
		var offers struct{ Offers []struct{ State string } }
		role := strings.ToLower(d.model)
		doc := poll(t, web.URL, root, now, role+"-offers", "offers/"+role+"/stable.json")
		if err := json.Unmarshal(doc, &offers); err != nil || len(offers.Offers) == 0 || offers.Offers[0].State != "halted" {
			t.Errorf("%s: the offers say %s, %v", d.what, doc, err)
		}
		web.Close()
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", d.what, err)
		}
		if n > 0 && !strings.Contains(log.String(), "level=ERROR msg=\"the database is damaged") {
			t.Errorf("%s: the log:\n%s", d.what, log)
		}
		now = now.Add(time.Hour)
	}
	found := check(t, dir, now)
	if !strings.Contains(strings.Join(found.Faults, "\n"), "landed-reports.db) cannot be used: it is missing") {
		t.Errorf("fsck:\n%s", strings.Join(found.Faults, "\n"))
	}
}

// TestHaltWhileReportsAreWritten holds the turn of the reports, and their file locked, as a flood does at any moment, and
// has pages read them: a halt is stored, published and answered meanwhile.
func TestHaltWhileReportsAreWritten(t *testing.T) {
	dir, now := unpack(t, filepath.Join(oldFolder, "folder.tar.gz")), leftAt.Add(time.Minute)
	root, err := os.ReadFile(filepath.Join(dir, "feed", "metadata", "1.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := datadir.AddToken(t.Context(), dir, "mei", fleet.RoleEngineer, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, dir, func() time.Time { return now }, false)
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	var held, ended sync.WaitGroup
	let := make(chan struct{})
	hold := func(in func(context.Context, func(fleet.Tx) error) error, use func(fleet.Tx) error) {
		held.Add(1)
		ended.Go(func() {
			if err := in(t.Context(), func(tx fleet.Tx) error {
				err := use(tx)
				held.Done()
				<-let
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	db := s.Database()
	hold(db.UpdateReports, func(tx fleet.Tx) error { return tx.Walks().Put(t.Context(), "w", "A") })
	for range 4 {
		hold(db.View, func(tx fleet.Tx) error { _, err := tx.Counts().List(t.Context()); return err })
	}
	held.Wait()
	halt(t, web.URL, secret, "cancro")
	var offers struct{ Offers []struct{ State string } }
	doc := poll(t, web.URL, root, now, "cancro-offers", "offers/cancro/stable.json")
	if err := json.Unmarshal(doc, &offers); err != nil || len(offers.Offers) == 0 || offers.Offers[0].State != "halted" {
		t.Errorf("the offers say %s, %v", doc, err)
	}
	close(let)
	ended.Wait()
}

// zeroFirst overwrites the first bytes of a file with zeros.
func zeroFirst(path string, n int) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, n))
	return errors.Join(err, f.Close())
}

func ask(t *testing.T, secret, method, url, body string) (status int, answer []byte) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// halt halts the running rollout of a model as a release engineer does, and looks into the trail.
func halt(t *testing.T, base, secret, model string) {
	t.Helper()
	status, text := ask(t, secret, "GET", base+"/v1/rollouts", "")
	var all struct {
		Rollouts []struct{ ID, Model, State string }
	}
	if err := json.Unmarshal(text, &all); err != nil || status != http.StatusOK {
		t.Fatalf("the rollouts: %d %s, %v", status, text, err)
	}
	id := ""
	for _, r := range all.Rollouts {
		if r.Model == model && r.State == "running" {
			id = r.ID
		}
	}
	status, text = ask(t, secret, "POST", base+"/v1/rollouts/"+id+"/halt", `{"reason": "it burns"}`)
	var one struct{ State, Reason string }
	if err := json.Unmarshal(text, &one); err != nil || status != http.StatusOK || one.State != "halted" || one.Reason != "it burns" {
		t.Fatalf("halting %q: %d %s, %v", id, status, text, err)
	}
	status, text = ask(t, secret, "GET", base+"/v1/audit", "")
	if status != http.StatusOK || !strings.Contains(string(text), id) {
		t.Errorf("the trail: %d %.300s", status, text)
	}
}

// answers wants the server to say what is wrong wherever it needs the reports.
func answers(t *testing.T, s *server.Server, base, what string) {
	t.Helper()
	if found := s.LookAgain(t.Context()); !slices.Equal(found, []string{"reports"}) && what != "zeroed while it runs" {
		t.Errorf("%s: not ready because of %v", what, found)
	}
	if what == "zeroed while it runs" { // SQLite has pages of it in memory, and may still answer from these
		return
	}
	for _, path := range []string{"/status.json", "/installations/AAAAAAAAAAAAAAAAAAAAAAAA"} {
		if status, text := ask(t, "", "GET", base+path, ""); status != http.StatusServiceUnavailable {
			t.Errorf("%s: %s answers %d %.300s", what, path, status, text)
		}
	}
	if status, text := ask(t, "", "GET", base+"/readyz", ""); status != http.StatusServiceUnavailable ||
		!strings.Contains(string(text), "landed-reports.db") || !strings.Contains(string(text), fmt.Sprintf("%q", "reports")) {
		t.Errorf("%s: /readyz answers %d %s", what, status, text)
	}
}
