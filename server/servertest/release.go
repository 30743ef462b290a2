// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/csig"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/library"
)

// OTAKey signs the packages; its certificate is pinned.
var OTAKey = fixtures.TestKey()

// OptIn is the name of the release that Staged makes.
const OptIn = "miui-cloud-messaging-opt-in"

var packages sync.Map // model and kind → bytes: they are the same each time

// PackageOf is a package of a model and its file name. The bytes must not be changed.
func PackageOf(t testing.TB, model string, kind fixtures.Kind) (name string, body []byte) {
	t.Helper()
	b := OK(fixtures.BuildOf(model, kind))(t)
	made, have := packages.Load(model + string(kind))
	if !have {
		made = OK(fixtures.Bytes(b, OTAKey))(t)
		packages.Store(model+string(kind), made)
	}
	body = made.([]byte)
	sum := md5.Sum(body)
	return b.FileName(hex.EncodeToString(sum[:])), body
}

// CsigOf is what the maker of a package signs for Custota, as base64, without the digest of a vbmeta, which stand-ins have not.
func CsigOf(t testing.TB, zip []byte) string {
	t.Helper()
	info := csig.Info{Version: csig.Version, Files: OK(csig.Files(bytes.NewReader(zip), int64(len(zip)), nil))(t)}
	return base64.StdEncoding.EncodeToString(OK(csig.Sign(info, OTAKey.Private, OTAKey.Cert))(t))
}

// ReleaseSource is what an engineer writes for a release with a counter.
func ReleaseSource(counter, name string) []byte {
	text := `schema: 1
release: NAME
counter: COUNTER
effect: {name: cloud-messaging-opt-in, feature: 1, migration: switch_off, prompt_day: "2014-08-01"}
notes: {en: off until switched on, zh-Hans: 默认关闭, zh-Hant: 預設關閉}
`
	return []byte(strings.NewReplacer("NAME", name, "COUNTER", counter).Replace(text))
}

// Bundle is a first ceremony: root 3 of 5, targets 2 of 3, each model 2 of 3.
func (r *Rooms) Bundle(models ...string) tufrepo.Bundle {
	r.T.Helper()
	b := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{}}
	root := OK(tufrepo.NewRoot(tufrepo.RootSpec{
		Version: 1, Expires: r.Now.Add(365 * Day), Root: KeysOf(3, "r1", "r2", "r3", "r4", "r5"), Targets: KeysOf(2, "t1", "t2", "t3"),
		Snapshot: KeysOf(1, "snapshot"), Timestamp: KeysOf(1, "timestamp"),
	}))(r.T)
	b.Files["1.root.json"] = OK(tufrepo.Sign(root, KeyOf("r1"), KeyOf("r2"), KeyOf("r3")))(r.T)
	for _, m := range models {
		r.AddRole(b, m, 1)
	}
	targets := OK(tufrepo.NewTargets(1, r.Now.Add(180*Day), ModelKeys(models...)))(r.T)
	b.Files["1.targets.json"] = OK(tufrepo.Sign(targets, KeyOf("t1"), KeyOf("t2")))(r.T)
	return b
}

// ModelKeys delegates to models: 2 of 3 keys for the builds of each, and the key of the server for its offers.
func ModelKeys(models ...string) (list []tufrepo.ModelKeys) {
	for _, m := range models {
		list = append(list, tufrepo.ModelKeys{Role: m, Builds: KeysOf(2, m+"1", m+"2", m+"3"), Offers: KeysOf(1, "offers")})
	}
	return list
}

// AddRole puts a version of a model without builds into a bundle.
func (r *Rooms) AddRole(b tufrepo.Bundle, model string, version int64) tufrepo.Bundle {
	r.T.Helper()
	role := OK(tufrepo.NewRole(version, r.Now.Add(180*Day), nil))(r.T)
	b.Files[tufrepo.MetadataFile(model, version)] = OK(tufrepo.Sign(role, KeyOf(model+"1"), KeyOf(model+"2")))(r.T)
	return b
}

// Emptied is what a ceremony on an old trust file makes: the next version of a model, without any build.
func (r *Rooms) Emptied(model string) tufrepo.Bundle {
	r.T.Helper()
	b := tufrepo.Bundle{Schema: 1, Files: map[string][]byte{"1.root.json": r.FirstRoot()}}
	return r.AddRole(b, model, r.State().Version(model)+1)
}

// FirstRoot is what handsets are shipped with.
func (r *Rooms) FirstRoot() []byte { return r.State().Set().Roots[0] }

// Begin imports a first ceremony.
func (r *Rooms) Begin(models ...string) {
	r.T.Helper()
	OK(r.Trust.Import(r.Ctx, r.Bundle(models...), "admin"))(r.T)
}

// Upload takes a package in, on the channel stable.
func (r *Rooms) Upload(model string, kind fixtures.Kind) fleet.Package {
	r.T.Helper()
	name, body := PackageOf(r.T, model, kind)
	in := library.Incoming{Name: name, Channel: "stable", By: "ann", Size: int64(len(body))}
	return OK(r.Library.Upload(r.Ctx, in, bytes.NewReader(body)))(r.T).Package
}

// Staged uploads a patched build per model and stages a release of them.
func (r *Rooms) Staged(models ...string) fleet.Change {
	r.T.Helper()
	var refs []string
	for _, m := range models {
		refs = append(refs, r.Upload(m, fixtures.Patched).SHA256)
	}
	OK(r.Releases.Create(r.Ctx, ReleaseSource("1", OptIn), refs, "ann"))(r.T)
	return OK(r.Releases.Stage(r.Ctx, OptIn, "ann"))(r.T)
}

// Respond signs every role of a change with the n-th key of its model.
func (r *Rooms) Respond(c fleet.Change, n string) tufrepo.Response {
	r.T.Helper()
	return Respond(r.T, c.Request, func(role string) string { return role + n })
}

// SignAndPublish gives a change the signatures of two people.
func (r *Rooms) SignAndPublish(c fleet.Change) {
	r.T.Helper()
	for _, n := range []string{"1", "2"} {
		OK(r.Releases.AddSignatures(r.Ctx, c.ID, r.Respond(c, n), "ann"))(r.T)
	}
}

// Released is a first ceremony and a whole release, published.
func (r *Rooms) Released(models ...string) {
	r.T.Helper()
	r.Begin(models...)
	r.SignAndPublish(r.Staged(models...))
}
