// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/server/blob/disk"
	"landed/server/fleet"
	"landed/server/store"
)

type key struct {
	private ed25519.PrivateKey
	public  tufrepo.Key
}

func (k key) Key() tufrepo.Key                { return k.public }
func (k key) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(k.private, msg), nil }

func keyOf(name string) key {
	seed := sha256.Sum256([]byte(name))
	private := ed25519.NewKeyFromSeed(seed[:])
	public, err := tufrepo.NewKey(private.Public())
	if err != nil {
		panic(err)
	}
	return key{private, public}
}

func keysOf(threshold int, names ...string) tufrepo.RoleKeys {
	r := tufrepo.RoleKeys{Threshold: threshold}
	for _, n := range names {
		r.Keys = append(r.Keys, keyOf(n).public)
	}
	return r
}

// house is a publisher on a real database and real folders, with a clock that stands still
// until it is moved.
type house struct {
	t     testing.TB
	ctx   context.Context
	dir   string
	now   time.Time
	db    store.Database
	blobs *disk.Store
	*Publisher
	published func(map[string][]byte, func(string) bool)
}

var otaKey = fixtures.TestKey()

func newHouse(t testing.TB) *house {
	h := &house{t: t, ctx: context.Background(), dir: t.TempDir(), now: time.Date(2014, 8, 20, 9, 0, 0, 0, time.UTC)}
	h.reopen()
	t.Cleanup(h.close)
	return h
}

func (h *house) config() Config {
	return Config{
		Store: h.db, Blobs: h.blobs, Dir: filepath.Join(h.dir, "feed"),
		Keys:      OnlineKeys{keyOf("snapshot"), keyOf("timestamp"), keyOf("offers")},
		Catalogue: manifests.DefaultCatalogue(), Expiry: DefaultExpiry(),
		OTAKeys: func(string) ([]crypto.PublicKey, error) { return []crypto.PublicKey{otaKey.Cert.PublicKey}, nil },
		Now:     func() time.Time { return h.now }, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
		Published: func(m map[string][]byte, is func(string) bool) {
			if h.published != nil {
				h.published(m, is)
			}
		},
	}
}

// reopen is what a start of the server does.
func (h *house) reopen() {
	h.t.Helper()
	h.close()
	h.openStores()
	p, err := Open(h.ctx, h.config())
	if err != nil {
		h.t.Fatal(err)
	}
	h.Publisher = p
}

func (h *house) openStores() {
	var err error
	if h.db, err = store.Open(h.ctx, filepath.Join(h.dir, "landed.db"), func() time.Time { return h.now }); err != nil {
		h.t.Fatal(err)
	}
	if h.blobs, err = disk.Open(filepath.Join(h.dir, "blobs")); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) close() {
	if h.Publisher != nil {
		h.Publisher.Close()
		h.Publisher = nil
	}
	if h.db != nil {
		h.db.Close()
		h.blobs.Close()
		h.db = nil
	}
}

// bundle is a first ceremony: root 3 of 5, targets 2 of 3, each model 2 of 3.
func (h *house) bundle(models ...string) tufrepo.Bundle {
	h.t.Helper()
	year := h.now.Add(365 * day)
	b := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{}}
	root := ok(tufrepo.NewRoot(tufrepo.RootSpec{Version: 1, Expires: year, Root: keysOf(3, "r1", "r2", "r3", "r4", "r5"), Targets: keysOf(2, "t1", "t2", "t3"), Snapshot: keysOf(1, "snapshot"), Timestamp: keysOf(1, "timestamp")}))(h.t)
	b.Files["1.root.json"] = ok(tufrepo.Sign(root, keyOf("r1"), keyOf("r2"), keyOf("r3")))(h.t)
	var delegated []tufrepo.ModelKeys
	for _, m := range models {
		delegated = append(delegated, tufrepo.ModelKeys{Role: m, Builds: keysOf(2, m+"1", m+"2", m+"3"), Offers: keysOf(1, "offers")})
		role := ok(tufrepo.NewRole(1, h.now.Add(180*day), nil))(h.t)
		b.Files["1."+m+".json"] = ok(tufrepo.Sign(role, keyOf(m+"1"), keyOf(m+"2")))(h.t)
	}
	targets := ok(tufrepo.NewTargets(1, h.now.Add(180*day), delegated))(h.t)
	b.Files["1.targets.json"] = ok(tufrepo.Sign(targets, keyOf("t1"), keyOf("t2")))(h.t)
	return b
}

func (h *house) trust(models ...string) {
	h.t.Helper()
	if _, err := h.ImportTrust(h.ctx, h.bundle(models...), "admin"); err != nil {
		h.t.Fatal(err)
	}
}

var packages sync.Map // model and kind → bytes: they are the same each time

// packageOf writes a package of a model and its file name.
func packageOf(t testing.TB, model string, kind fixtures.Kind) (name string, body []byte) {
	t.Helper()
	b := ok(fixtures.BuildOf(model, kind))(t)
	made, have := packages.Load(model + string(kind))
	if !have {
		made = ok(fixtures.Bytes(b, otaKey))(t)
		packages.Store(model+string(kind), made)
	}
	body = made.([]byte)
	sum := md5.Sum(body)
	return b.FileName(hex.EncodeToString(sum[:])), body
}

func (h *house) upload(model string, kind fixtures.Kind) fleet.Package {
	h.t.Helper()
	name, body := packageOf(h.t, model, kind)
	pkg, err := h.Upload(h.ctx, Incoming{Name: name, Channel: "stable", By: "ann", Size: int64(len(body))}, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	return pkg.Package
}

const optIn = "miui-cloud-messaging-opt-in"

func releaseSource(counter, name string) []byte {
	text := `schema: 1
release: NAME
counter: COUNTER
effect: {name: cloud-messaging-opt-in, feature: 1, migration: switch_off, prompt_day: "2014-08-01"}
notes: {en: off until switched on, zh-Hans: 默认关闭, zh-Hant: 預設關閉}
`
	return []byte(strings.NewReplacer("NAME", name, "COUNTER", counter).Replace(text))
}

// staged uploads a patched build per model and stages a release of them.
func (h *house) staged(models ...string) fleet.Change {
	h.t.Helper()
	var refs []string
	for _, m := range models {
		refs = append(refs, h.upload(m, fixtures.Patched).SHA256)
	}
	ok(h.CreateRelease(h.ctx, releaseSource("1", optIn), refs, "ann"))(h.t)
	return ok(h.Stage(h.ctx, optIn, "ann"))(h.t)
}

// respond signs every role of a change with the n-th key of its model.
func (h *house) respond(c fleet.Change, n string) tufrepo.Response {
	h.t.Helper()
	req := ok(tufrepo.ParseRequest(c.Request))(h.t)
	r := tufrepo.Response{Schema: 1, Request: req.ID}
	for _, role := range req.Roles {
		r.Signatures = append(r.Signatures, ok(tufrepo.SignDetached(role.Metadata, role.Role, keyOf(role.Role+n)))(h.t))
	}
	return r
}

// released is a whole release, published.
func (h *house) released(models ...string) {
	h.t.Helper()
	h.trust(models...)
	c := h.staged(models...)
	for _, n := range []string{"1", "2"} {
		ok(h.AddSignatures(h.ctx, c.ID, h.respond(c, n), "ann"))(h.t)
	}
}

// ok ends the test if a call failed: ok(f())(t).
func ok[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
