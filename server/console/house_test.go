// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/manifests/tufrepo"
	"landed/server/admission"
	"landed/server/auth"
	"landed/server/blob"
	"landed/server/blob/disk"
	"landed/server/fleet"
	"landed/server/proposals"
	"landed/server/repo"
	"landed/server/retain"
	"landed/server/rooms"
	kit "landed/server/servertest"
	"landed/server/store"
	"landed/server/uptime"
)

var ctx = context.Background()

var now = time.Date(2014, 8, 20, 9, 0, 0, 0, time.UTC)

const maxUpload = 4 << 20

// house is the console on a real publisher, database and folders, with a token of each role.
type house struct {
	t      testing.TB
	db     store.Database
	blobs  *disk.Store
	routes http.Handler
	tokens map[fleet.Role]string
	doors  []Door
	passed map[string]int // by door, how often it was passed
	denied map[string]int // and how often it refused
	jumps  jumps          // the clock that may be accepted
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, tokens: map[fleet.Role]string{}, passed: map[string]int{}, denied: map[string]int{}}
	dir, clock, log := t.TempDir(), func() time.Time { return now }, slog.New(slog.DiscardHandler)
	h.db = kit.OK(store.Make(ctx, filepath.Join(dir, "landed.db"), clock))(t)
	h.blobs = kit.OK(disk.Open(filepath.Join(dir, "blobs")))(t)
	p := kit.OK(rooms.Open(ctx, rooms.Config{
		Store: h.db, Blobs: h.blobs, Dir: filepath.Join(dir, "feed"),
		Keys:      kit.OnlineKeys(),
		Catalogue: manifests.DefaultCatalogue(), Expiry: repo.DefaultExpiry(),
		OTAKeys: func(channel string) ([]otapkg.Pin, error) {
			if channel == "stable" {
				return otapkg.ParsePins(kit.OTAKey.CertPEM())
			}
			return nil, nil
		},
		Now: clock, Random: rand.Reader, Log: log, Policy: proposals.Policy{Leaks: true},
	}))(t)
	t.Cleanup(func() {
		if err := errors.Join(p.Close(), h.blobs.Close(), h.db.Close()); err != nil {
			t.Error(err)
		}
	})
	for _, role := range []fleet.Role{fleet.RoleSupport, fleet.RoleEngineer, fleet.RoleAdmin} {
		secret, token, err := auth.NewToken("a-"+string(role), role, now)
		if err := errors.Join(err, auth.Add(ctx, h.db, token, proposals.Shell)); err != nil {
			t.Fatal(err)
		}
		h.tokens[role] = secret
	}
	up := &uptime.Uptime{Store: h.db, Control: h.db, Guard: uptime.NewGuard(&h.jumps), Log: log}
	who := admission.New(admission.Config{Store: h.db, Now: clock, Random: rand.Reader})
	keeps := retain.New(retain.Config{Store: h.db, Now: clock, Log: log})
	c := New(
		Config{
			Admission: who,
			Retain:    keeps,
			Clock:     up,
			Rooms:     p,
			Store:     h.db,
			Guard:     &auth.Guard{Store: h.db, Log: log},
			Now:       clock,
			Log:       log,
			MaxUpload: maxUpload,
		},
	)
	h.doors = c.Doors()
	r := chi.NewRouter()
	r.Group(c.Routes())
	h.routes = r
	return h
}

// jumps is a clock by which nothing passes.
type jumps struct{ ahead time.Duration }

func (j *jumps) Read() (time.Time, time.Duration) { return now.Add(j.ahead), 0 }

// answer is what came back. Values is the body as JSON, nil if it is none.
type answer struct {
	status int
	code   string // of a problem
	body   []byte
	values map[string]any
}

// ask sends one request through the door "METHOD /path". Whatever is refused must have changed nothing.
func (h *house) ask(who fleet.Role, door, path string, body io.Reader, header ...string) answer {
	h.t.Helper()
	before := h.everything()
	method, _, _ := strings.Cut(door, " ")
	r := httptest.NewRequest(method, path, body)
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+h.tokens[who])
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.routes.ServeHTTP(w, r)
	a := answer{status: w.Code, body: w.Body.Bytes()}
	_ = json.Unmarshal(a.body, &a.values)
	if a.status < 300 {
		h.passed[door]++
		return a
	}
	h.denied[door]++
	a.code, _ = a.values["code"].(string)
	// The difference itself is dear to make: each byte of each package by reflection.
	if after := h.everything(); !reflect.DeepEqual(before, after) {
		diff := cmp.Diff(before, after)
		h.t.Errorf("%s %s was refused (%d %s) and changed something (-before +after):\n%s", method, path, a.status, a.code, diff)
	}
	if a.status == http.StatusMethodNotAllowed { // the router of package server puts words to that
		return a
	}
	if detail, _ := a.values["detail"].(string); w.Header().Get("Content-Type") != "application/problem+json" ||
		!strings.HasSuffix(detail, ".") {
		h.t.Errorf("%s %s: %d is no problem in a sentence: %s", method, path, a.status, a.body)
	}
	return a
}

// everything is all that a request could change: rows, contents, and the trail.
func (h *house) everything() (all struct {
	Packages []fleet.Package
	Releases []fleet.Release
	Changes  []fleet.Change
	Metadata []fleet.Metadata
	Rollouts []fleet.Rollout
	Tokens   []fleet.Token
	Audit    []fleet.AuditEntry
	Contents []blob.Info
}) {
	h.t.Helper()
	err := h.db.View(ctx, func(tx fleet.Tx) error {
		var errs [7]error
		all.Packages, errs[0] = tx.Packages().List(ctx)
		all.Releases, errs[1] = tx.Releases().List(ctx)
		all.Changes, errs[2] = tx.Changes().Open(ctx)
		all.Metadata, errs[3] = tx.Metadata().LatestAll(ctx)
		all.Rollouts, errs[4] = tx.Rollouts().List(ctx)
		all.Tokens, errs[5] = tx.Tokens().List(ctx)
		all.Audit, errs[6] = tx.Audit().List(ctx, 0, 500)
		return errors.Join(errs[:]...)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for info, err := range h.blobs.List(ctx) {
		if err != nil {
			h.t.Fatal(err)
		}
		all.Contents = append(all.Contents, info)
	}
	return all
}

// trustBundle is a first ceremony for armani: two of two keys sign for the model.
func trustBundle(t testing.TB) []byte {
	t.Helper()
	year := now.AddDate(1, 0, 0)
	root := kit.OK(
		tufrepo.NewRoot(
			tufrepo.RootSpec{
				Version:   1,
				Expires:   year,
				Root:      kit.KeysOf(1, "r"),
				Targets:   kit.KeysOf(1, "t"),
				Snapshot:  kit.KeysOf(1, "snapshot"),
				Timestamp: kit.KeysOf(1, "timestamp"),
			},
		),
	)(
		t,
	)
	targets := kit.OK(
		tufrepo.NewTargets(
			1,
			now.AddDate(0, 6, 0),
			[]tufrepo.ModelKeys{{Role: "armani", Builds: kit.KeysOf(2, "m1", "m2"), Offers: kit.KeysOf(1, "offers")}},
			tufrepo.OutsiderKeys{
				Role: tufrepo.Observers,
				Who:  kit.KeysOf(1, "f-secure"),
			},
			tufrepo.OutsiderKeys{Role: tufrepo.Witnesses, Who: kit.KeysOf(1, "lab")},
		),
	)(
		t,
	)
	model := kit.OK(tufrepo.NewRole(1, now.AddDate(0, 6, 0), nil))(t)
	return marshal(t, tufrepo.Bundle{Schema: 1, Files: map[string][]byte{
		"1.root.json":    kit.OK(tufrepo.Sign(root, kit.KeyOf("r")))(t),
		"1.targets.json": kit.OK(tufrepo.Sign(targets, kit.KeyOf("t")))(t),
		"1.armani.json":  kit.OK(tufrepo.Sign(model, kit.KeyOf("m1"), kit.KeyOf("m2")))(t),
	}})
}

// respond signs a request, as it came out of the door, with one key.
func respond(t testing.TB, request []byte, signer string) []byte {
	t.Helper()
	return marshal(t, kit.Respond(t, request, func(string) string { return signer }))
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	return kit.OK(json.Marshal(v))(t)
}

// packageOf is a patched build of armani, its name and its SHA-256.
func packageOf(t testing.TB) (name, ref string, body []byte) {
	t.Helper()
	name, body = kit.PackageOf(t, "armani", fixtures.Patched)
	sum := sha256.Sum256(body)
	return name, hex.EncodeToString(sum[:]), bytes.Clone(body)
}
