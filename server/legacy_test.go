// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/tufrepo"
	"landed/manifests/updaters"
	"landed/server/datadir"
	"landed/server/fleet"
	"landed/server/library"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// phones is a server whose model fuxi has phones that poll by everything that there is, and a published release for it.
type phones struct {
	*house
	zip []byte
}

func newPhones(t *testing.T) phones {
	t.Helper()
	now := time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)
	h := newHouse(t, func(c *Config) {
		c.BaseURL, c.Now = "https://ota.example", func() time.Time { return now }
		var models []manifests.Model
		for _, m := range manifests.DefaultCatalogue().Models() {
			if m.Device == "fuxi" {
				m.Protocols = manifests.Protocols
			}
			models = append(models, m)
		}
		c.Catalogue = kit.OK(manifests.NewCatalogue(models...))(t)
	})
	ctx := t.Context()
	online := kit.OK(onlineKeys(datadir.Dir(h.dir)))(t)[0]
	one := func(s tufrepo.Signer) tufrepo.RoleKeys {
		return tufrepo.RoleKeys{Threshold: 1, Keys: []tufrepo.Key{s.Key()}}
	}
	root := kit.OK(tufrepo.NewRoot(tufrepo.RootSpec{Version: 1, Expires: now.Add(365 * kit.Day), Root: kit.KeysOf(2, "r1", "r2", "r3"),
		Targets: kit.KeysOf(2, "t1", "t2", "t3"), Snapshot: one(online.Snapshot), Timestamp: one(online.Timestamp)}))(t)
	targets := kit.OK(tufrepo.NewTargets(1, now.Add(180*kit.Day), []tufrepo.ModelKeys{
		{Role: "fuxi", Builds: kit.KeysOf(2, "fuxi1", "fuxi2", "fuxi3"), Offers: one(online.Offers)}}))(t)
	role := kit.OK(tufrepo.NewRole(1, now.Add(180*kit.Day), nil))(t)
	kit.OK(h.rooms.Trust.Import(ctx, tufrepo.Bundle{Schema: 1, Files: map[string][]byte{
		"1.root.json":    kit.OK(tufrepo.Sign(root, kit.KeyOf("r1"), kit.KeyOf("r2")))(t),
		"1.targets.json": kit.OK(tufrepo.Sign(targets, kit.KeyOf("t1"), kit.KeyOf("t2")))(t),
		"1.fuxi.json":    kit.OK(tufrepo.Sign(role, kit.KeyOf("fuxi1"), kit.KeyOf("fuxi2")))(t),
	}}, "root"))(t)
	name, zip := kit.PackageOf(t, "fuxi", fixtures.Patched)
	signed := kit.CsigOf(t, zip)
	p := kit.OK(h.rooms.Library.Upload(ctx, library.Incoming{Name: name, Channel: "stable", By: "ann", Size: int64(len(zip))},
		bytes.NewReader(zip)))(t)
	source := "schema: 3\nrelease: first-fix\ncounter: 1\nnotes: {en: a fix}\nclients:\n  fuxi: {romtype: nightly, version: \"22.2\", " +
		"custota: [{csig: " + signed + "}]}\n"
	other := bytes.Clone(zip)
	props := bytes.Index(other, []byte("FILE_HASH="))
	other[props] ^= 1 // what phones read to start the update, in a csig of another package
	if _, err := h.rooms.Releases.Create(ctx, []byte(strings.Replace(source, signed, kit.CsigOf(t, other), 1)), []string{p.SHA256},
		"ann"); err == nil || !strings.Contains(err.Error(), "payload_properties.txt has another digest") {
		t.Errorf("a csig of other bytes: %v", err)
	}
	kit.OK(h.rooms.Releases.Create(ctx, []byte(source), []string{p.SHA256}, "ann"))(t)
	change := kit.OK(h.rooms.Releases.Stage(ctx, "first-fix", "ann"))(t)
	for _, n := range []string{"1", "2"} {
		kit.OK(h.rooms.Releases.AddSignatures(ctx, change.ID, kit.Respond(t, change.Request, func(role string) string { return role + n }),
			"ann"))(t)
	}
	return phones{h, zip}
}

func (p phones) start(share int) fleet.Rollout {
	p.t.Helper()
	stages := []fleet.Stage{{Share: share}, {Share: 10_000}}
	if share == 10_000 {
		stages = stages[1:]
	}
	return kit.OK(p.rooms.Rollouts.Start(p.t.Context(), rollouts.Start{Release: "first-fix", By: "ann", Stages: stages}))(p.t)[0]
}

// ask sends a request with headers, name and value in turn, and gives the answer with its body.
func (p phones) ask(method, path string, headers ...string) (*http.Response, []byte) {
	p.t.Helper()
	r := kit.OK(http.NewRequest(method, p.url+path, nil))(p.t)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp := kit.OK(http.DefaultTransport.RoundTrip(r))(p.t) // no redirect is followed
	defer resp.Body.Close()
	return resp, kit.OK(io.ReadAll(resp.Body))(p.t)
}

const (
	none1 = "{\"response\":[]}\n"
	none2 = "[]\n"
)

// TestPhonesPoll: before, a stage below 100 %, everybody, halted, as each client asks.
func TestPhonesPoll(t *testing.T) {
	p := newPhones(t)
	lists := map[string]string{"/api/v1/fuxi/nightly/OS1": none1, "/api/v2/devices/fuxi/builds": none2,
		"/legacy/lineageos/stable/api/v1/fuxi/nightly/OS1": none1, "/legacy/lineageos/stable/api/v2/devices/fuxi/builds": none2}
	files := []string{"/fuxi-stable", "/legacy/grapheneos/fuxi-stable", "/legacy/aosp-sample/stable/fuxi.json",
		"/legacy/custota/stable/fuxi.json"}
	quiet := func(when string) {
		t.Helper()
		for path, none := range lists {
			if resp, body := p.ask("GET", path); resp.StatusCode != 200 || string(body) != none {
				t.Errorf("%s: %s answers %d %s", when, path, resp.StatusCode, body)
			}
		}
		for _, path := range files {
			if resp, body := p.ask("GET", path); resp.StatusCode != 404 {
				t.Errorf("%s: %s answers %d %s", when, path, resp.StatusCode, body)
			}
		}
	}
	quiet("before")
	r := p.start(5_000)
	quiet("half")
	kit.OK(p.rooms.Rollouts.Halt(t.Context(), r.ID, "ann", "to widen it"))(t)
	if err := p.store.Update(t.Context(), func(tx fleet.Tx) error {
		stored := kit.OK(tx.Rollouts().Get(t.Context(), r.ID))(t)
		stored.Stage = 1
		return tx.Rollouts().Save(t.Context(), stored)
	}); err != nil {
		t.Fatal(err)
	}
	kit.OK(p.rooms.Rollouts.Resume(t.Context(), r.ID, "ann", "go on"))(t)
	first := map[string][]byte{}
	for _, path := range append(files, slices.Sorted(func(yield func(string) bool) {
		for path := range lists {
			if !yield(path) {
				return
			}
		}
	})...) {
		resp, body := p.ask("GET", path)
		if resp.StatusCode != 200 || string(body) == lists[path] || len(body) == 0 {
			t.Errorf("everybody: %s answers %d %s", path, resp.StatusCode, body)
		}
		first[path] = body
		conditional(t, p, path, resp, body)
	}
	if string(first["/fuxi-stable"]) != string(first["/legacy/grapheneos/fuxi-stable"]) ||
		string(first["/api/v1/fuxi/nightly/OS1"]) != string(first["/legacy/lineageos/stable/api/v1/fuxi/nightly/OS1"]) {
		t.Error("the built-in path answers otherwise than the prefix")
	}
	begun := time.Now()
	kit.OK(p.rooms.Rollouts.Halt(t.Context(), r.ID, "ann", "it breaks"))(t)
	quiet("halted")
	t.Logf("halted and withdrawn from each path in %s", time.Since(begun))
}

// conditional holds what caches and old clients lean on.
func conditional(t *testing.T, p phones, path string, resp *http.Response, body []byte) {
	t.Helper()
	wants := "application/json"
	if strings.HasSuffix(path, "fuxi-stable") {
		wants = "text/plain; charset=utf-8"
	}
	tag := resp.Header.Get("ETag")
	sum := sha256.Sum256(body)
	if got := resp.Header.Get("Content-Type"); got != wants || tag != `"`+hex.EncodeToString(sum[:])+`"` ||
		resp.Header.Get("Cache-Control") != "no-cache" || resp.ContentLength != int64(len(body)) {
		t.Errorf("%s: type %s, tag %s, cache %s, length %d", path, got, tag, resp.Header.Get("Cache-Control"), resp.ContentLength)
	}
	if resp, body := p.ask("GET", path, "If-None-Match", tag); resp.StatusCode != 304 || len(body) > 0 {
		t.Errorf("%s: %d with its own tag", path, resp.StatusCode)
	}
	if resp, body := p.ask("HEAD", path); resp.StatusCode != 200 || len(body) > 0 || resp.Header.Get("ETag") != tag ||
		resp.Header.Get("Content-Type") != wants {
		t.Errorf("%s: HEAD answers %d, %v", path, resp.StatusCode, resp.Header)
	}
	if resp, _ := p.ask("POST", path); resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("%s: POST answers %d, Allow %s", path, resp.StatusCode, resp.Header.Get("Allow"))
	}
	if resp, again := p.ask("GET", path+"?after=1&version=22.2", "Accept-Encoding", "gzip", "User-Agent", "another phone", "Cookie", "a=b",
		"X-Forwarded-For", "203.0.113.9"); string(again) != string(body) || resp.Header.Get("Content-Encoding") != "" ||
		resp.Header.Get("Set-Cookie") != "" {
		t.Errorf("%s: another asker gets %q", path, again)
	}
}

// TestCustotaPolls: by the rules of Custota, the JSON leads to a csig that the maker signed, and to each part of the package
// that it lists.
func TestCustotaPolls(t *testing.T) {
	p := newPhones(t)
	p.start(10_000)
	phone := updaters.Phone{Device: "fuxi", Base: p.url + "/legacy/custota/stable"}
	ask := func(address string, header ...string) (*http.Response, []byte) {
		t.Helper()
		path, ok := strings.CutPrefix(strings.Replace(address, "https://ota.example", p.url, 1), p.url)
		if !ok {
			t.Fatalf("it leads to %s", address)
		}
		return p.ask("GET", path, header...)
	}
	resp, text := ask(phone.Base + "/fuxi.json")
	offers, found := updaters.Custota(updaters.Answer{URL: phone.Base, Status: resp.StatusCode, Body: text}, phone)
	if len(found) > 0 || len(offers) != 1 {
		t.Fatalf("%s: %v", text, found)
	}
	resp, der := ask(offers[0].Csig)
	offer, found := offers[0].Signed(updaters.Answer{Status: resp.StatusCode, Body: der}, []*x509.Certificate{kit.OTAKey.Cert})
	if len(found) > 0 || len(offer.Parts) < 5 || resp.Header.Get("Content-Type") != "application/octet-stream" {
		t.Fatalf("%d %v, %v", resp.StatusCode, resp.Header, found)
	}
	for _, part := range offer.Parts {
		resp, text := ask(offer.URL, "Range", part.Header(), "Accept-Encoding", "gzip")
		got := updaters.Piece{Status: resp.StatusCode, Range: resp.Header.Get("Content-Range"), Length: resp.ContentLength, Bytes: text}
		found := part.Judge(got)
		switch part.Name {
		case updaters.MetadataPB:
			news, more := offer.Metadata(text, phone)
			if found = append(found, more...); !news {
				t.Error("a phone of which nothing is known sees no update")
			}
		case updaters.Properties:
			found = append(found, offer.Properties(text)...)
		}
		if len(found) > 0 {
			t.Errorf("%s: %v", part.Name, found)
		}
	}
}

// TestPathsOfLineageOS: {incr} and the query change nothing, segments may be empty, and of an unknown phone nothing is known.
func TestPathsOfLineageOS(t *testing.T) {
	p := newPhones(t)
	p.start(10_000)
	_, full := p.ask("GET", "/api/v1/fuxi/nightly/x")
	for path, want := range map[string]string{
		"/api/v1/fuxi/nightly/": string(full), "/api/v1/fuxi/nightly": string(full), "/api/v1/fuxi/NIGHTLY/eng.root.2026": string(full),
		"/api/v1/fuxi/nightly/%2e%2e": string(full), "/api/v1/fuxi/nightly/x.json": string(full),
		"/api/v1///x": none1, "/api/v1//nightly/x": none1, "/api/v1/fuxi//x": none1, "/api/v1/": none1, "/api/v1/FUXI/nightly/x": none1,
		"/api/v1/fuxi/unofficial/x": none1, "/api/v1/armani/nightly/x": none1, "/api/v1/../nightly/x": none1,
		"/legacy/lineageos/beta/api/v1/fuxi/nightly/x": none1, "/legacy/lineageos/nowhere/api/v2/devices/fuxi/builds": none2,
		"/api/v2/devices/armani/builds": none2, "/api/v2/devices//builds": none2, "/legacy/lineageos/stable/api/v1/fuxi": none1,
		"/api/v1/fuxi": none1,
	} {
		if resp, body := p.ask("GET", path); resp.StatusCode != 200 || string(body) != want ||
			resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %s", path, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
	}
	for _, path := range []string{"/api", "/api/", "/api/v3/x", "/api/v2/devices/fuxi", "/api/v2/devices/fuxi/builds/", "/legacy/",
		"/legacy/../metadata/timestamp.json", "/api/v1/fuxi/nightly/a/b", "/fuxi-beta"} {
		if resp, body := p.ask("GET", path, "Accept", "application/json"); resp.StatusCode != 404 ||
			resp.Header.Get("Content-Type") == "text/html; charset=utf-8" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

// TestPackagesOfPhones: the package that each list names is the one that was uploaded, by ranges too.
func TestPackagesOfPhones(t *testing.T) {
	p := newPhones(t)
	p.start(10_000)
	var v1 struct {
		Response []struct {
			URL, ID string
			Size    int64
		}
	}
	_, body := p.ask("GET", "/api/v1/fuxi/nightly/x")
	if err := json.Unmarshal(body, &v1); err != nil || len(v1.Response) != 1 {
		t.Fatalf("%v: %s", err, body)
	}
	direct, _ := strings.CutPrefix(v1.Response[0].URL, "https://ota.example")
	_, line := p.ask("GET", "/fuxi-stable")
	named := "/fuxi-ota_update-" + strings.Fields(string(line))[0] + ".zip"
	for _, path := range []string{direct, named, "/legacy/grapheneos" + named} {
		resp, got := p.ask("GET", path)
		if resp.StatusCode != 200 || !bytes.Equal(got, p.zip) || resp.Header.Get("Content-Type") != "application/zip" {
			t.Errorf("%s: %d, %d bytes, %s", path, resp.StatusCode, len(got), resp.Header.Get("Content-Type"))
		}
		resp, got = p.ask("GET", path, "Range", "bytes=1000-")
		if want := fmt.Sprintf("bytes 1000-%d/%d", len(p.zip)-1, len(p.zip)); resp.StatusCode != 206 ||
			resp.Header.Get("Content-Range") != want || !bytes.Equal(got, p.zip[1000:]) {
			t.Errorf("%s: a range answers %d, %s", path, resp.StatusCode, resp.Header.Get("Content-Range"))
		}
		if resp, _ := p.ask("GET", path, "Range", fmt.Sprintf("bytes=%d-", len(p.zip))); resp.StatusCode != 416 {
			t.Errorf("%s: a range behind the end answers %d", path, resp.StatusCode)
		}
	}
	onDisk := filepath.Join(p.dir, "feed", "legacy", "grapheneos", filepath.Base(named))
	if got := kit.OK(filepath.Glob(onDisk))(t); len(got) != 1 {
		t.Errorf("%s is not there for a file server", onDisk)
	}
}

// TestReadyWithoutTheirFiles: a folder that takes no files for phones is a cause of its own, while handsets and phones that ask
// this server are given everything.
func TestReadyWithoutTheirFiles(t *testing.T) {
	p := newPhones(t)
	inTheWay := filepath.Join(p.dir, "feed", "legacy")
	if err := os.WriteFile(inTheWay, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.wantReadyz("")
	p.start(10_000)
	p.wantReadyz("legacy")
	for _, path := range []string{"/fuxi-stable", "/tuf/metadata/timestamp.json"} {
		if resp, body := p.ask("GET", path); resp.StatusCode != 200 {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	p.tick()
	p.wantReadyz("")
}

// TestNothingForPrograms: a program that wants JSON is told in JSON that there is nothing, and a person by a page.
func TestNothingForPrograms(t *testing.T) {
	p := newPhones(t)
	for _, path := range []string{"/nowhere", "/default/controller/v1/handset-001", "/api/x", "/legacy/nothing", "/a-b"} {
		for accept, want := range map[string]string{"application/json": "application/problem+json", "text/html,*/*": "text/html; charset=utf-8",
			"": "text/html; charset=utf-8"} {
			resp, body := p.ask("GET", path, "Accept", accept)
			if got := resp.Header.Get("Content-Type"); resp.StatusCode != 404 || got != want || !strings.Contains(resp.Header.Get("Vary"), "Accept") {
				t.Errorf("%s with Accept %q: %d, %s, %.80s", path, accept, resp.StatusCode, got, body)
			}
		}
	}
}
