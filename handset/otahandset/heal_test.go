// SPDX-License-Identifier: Apache-2.0

package otahandset_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/handset/handsettest"
	"landed/handset/otahandset"
	"landed/manifests"
	"landed/manifests/offers"
)

// stand is a handset in a folder, its server, and an update that waits for it.
type stand struct {
	t      *testing.T
	dir    string // of the handset
	fix    fixtures.Build
	portal bool // a captive portal is in the way of packages
	pages  int  // that it has answered
	*handsettest.Server
}

// newStand sets the handset up, sold with the unpatched build, before anything is offered.
func newStand(t *testing.T) *stand {
	t.Helper()
	old, from := build(t, fixtures.Unpatched), t.TempDir()
	s := &stand{t: t, dir: filepath.Join(from, "phone"), fix: build(t, fixtures.Patched), Server: handsettest.New(time.Now)}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.portal && strings.HasSuffix(r.URL.Path, ".zip") {
			s.pages++
			w.Header().Set("Content-Type", "text/html")
			w.Write(bytes.Repeat([]byte("<p>Please log in.</p>"), 90))
			return
		}
		s.Server.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	s.Devices["armani"] = "armani"
	s.Publish()
	for name, text := range map[string][]byte{"root.json": s.Root(), "sold.zip": content(t, old),
		"key.pem": fixtures.TestKey().CertPEM()} {
		if err := os.WriteFile(filepath.Join(from, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, code := run("--dir", s.dir, "--once", "--server", web.URL, "--model", "armani", "--root", filepath.Join(from, "root.json"),
		"--firmware", filepath.Join(from, "sold.zip"), "--ota-key", filepath.Join(from, "key.pem")); code != 0 {
		t.Fatalf("set up: exit %d, %s", code, out)
	}
	return s
}

// offer publishes the update.
func (s *stand) offer() {
	s.t.Helper()
	s.Offers["armani"] = []offers.Offer{s.Add(manifests.Custom{Model: "armani", Variant: s.fix.Variant, Channel: "stable",
		Release: "opt-in", Counter: 1,
		Build: manifests.Build{Fingerprint: s.fix.Fingerprint, Incremental: s.fix.Incremental, UTC: s.fix.UTC}},
		s.fix.Incremental, content(s.t, s.fix))}
	s.Publish()
}

// damage rewrites a file of the handset.
func (s *stand) damage(name string, how func([]byte) []byte) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, how(text), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// updates says that the handset gets the update now, by itself.
func (s *stand) updates() {
	s.t.Helper()
	if out, code := run("check", "--dir", s.dir); code != 0 || !strings.Contains(out, s.fix.Fingerprint) {
		s.t.Errorf("exit %d, %s", code, out)
	}
}

func zeros(whole []byte) []byte { return make([]byte, len(whole)) }
func empty([]byte) []byte       { return nil }
func half(whole []byte) []byte  { return whole[:len(whole)/2] }
func object([]byte) []byte      { return []byte("{}") }
func null([]byte) []byte        { return []byte("null") }

// Whatever becomes of a file that a handset keeps, the next run goes on, and the next update is installed.
func TestDamagedFilesHeal(t *testing.T) {
	for _, file := range []string{"client/state.json", "phone.json", "slots/slots.json", "client/metadata/root.json",
		"client/metadata/timestamp.json", "client/metadata/snapshot.json", "client/metadata/targets.json",
		"client/metadata/armani-offers.json", "client/offers.json"} {
		for how, do := range map[string]func([]byte) []byte{"zeros": zeros, "empty": empty, "cut": half, "object": object, "null": null} {
			if strings.HasPrefix(file, "client/metadata") && how != "zeros" && how != "cut" {
				continue // one code reads all of them
			}
			t.Run(file+" "+how, func(t *testing.T) {
				s := newStand(t)
				before, _ := run("reference", "--dir", s.dir)
				s.damage(file, do)
				var out, log bytes.Buffer
				code := otahandset.Main([]string{"reference", "--dir", s.dir}, strings.NewReader(""), &out, &log)
				fresh := file == "client/state.json" || file == "phone.json" // where what is lost began with the set-up
				if code != 0 || (out.String() != before) != fresh {
					t.Errorf("exit %d, reference %q, was %q: %s", code, &out, before, &log)
				}
				if kept := strings.HasPrefix(file, "client/metadata") || file == "client/offers.json"; !kept && !strings.Contains(log.String(), "level=ERROR") {
					t.Errorf("the log does not tell: %s", &log)
				}
				s.offer()
				s.updates()
			})
		}
	}
}

// A handset that has the update keeps it when the record of its slots, or its userdata, are lost.
func TestDamageTakesNoUpdateAway(t *testing.T) {
	for _, file := range []string{"phone.json", "slots/slots.json"} {
		t.Run(file, func(t *testing.T) {
			s := newStand(t)
			s.offer()
			s.updates()
			s.damage(file, zeros)
			s.updates()
		})
	}
}

// Settings cannot be made anew: it is told what to do, and doing so helps.
func TestDamagedSettings(t *testing.T) {
	s := newStand(t)
	before, _ := run("reference", "--dir", s.dir)
	s.damage("handset.json", zeros)
	out, code := run("check", "--dir", s.dir)
	if code != 2 || !strings.Contains(out, "handset.json is damaged") || !strings.Contains(out, "set the handset up again") {
		t.Fatalf("exit %d, %s", code, out)
	}
	if err := os.Remove(filepath.Join(s.dir, "handset.json")); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Server)
	defer web.Close()
	at := filepath.Dir(s.dir)
	if out, code := run("--dir", s.dir, "--once", "--server", web.URL, "--model", "armani", "--root", filepath.Join(at, "root.json"),
		"--firmware", filepath.Join(at, "sold.zip"), "--ota-key", filepath.Join(at, "key.pem")); code != 0 {
		t.Errorf("exit %d, %s", code, out)
	}
	if after, _ := run("reference", "--dir", s.dir); after != before {
		t.Errorf("the installation became %s, was %s", after, before)
	}
}

// A captive portal's page in the place of the package leaves nothing behind, and the package comes whole afterwards.
func TestPortalInThePlaceOfThePackage(t *testing.T) {
	s := newStand(t)
	s.offer()
	s.portal = true
	if out, code := run("check", "--dir", s.dir); code != 1 || s.pages == 0 || strings.Contains(out, s.fix.Fingerprint) {
		t.Errorf("exit %d after %d pages, %s", code, s.pages, out)
	}
	all, err := filepath.Glob(filepath.Join(s.dir, "client", "*"))
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	for _, name := range all {
		if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte("Please log in")) {
			t.Errorf("%s holds the page", name)
		}
	}
	s.portal = false
	s.updates()
}
