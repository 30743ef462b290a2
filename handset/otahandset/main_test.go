// SPDX-License-Identifier: Apache-2.0

package otahandset_test

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	client "landed/handset"
	"landed/handset/handsettest"
	"landed/handset/otahandset"
	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/offers"
)

func TestOneHandsetFromSetUpToReset(t *testing.T) {
	dir := t.TempDir()
	old, fix := build(t, fixtures.Unpatched), build(t, fixtures.Patched)
	server := handsettest.New(time.Now)
	optIn, err := effect.ByName("cloud-messaging-opt-in")
	if err != nil {
		t.Fatal(err)
	}
	offer := server.AddRelease(manifests.Custom{Model: "armani", Variant: fix.Variant, Channel: "stable",
		Release: "miui-cloud-messaging-opt-in", Counter: 1,
		Build:  manifests.Build{Fingerprint: fix.Fingerprint, Incremental: fix.Incremental, UTC: fix.UTC},
		Effect: optIn.Name}, optIn.Ask, fix.Incremental, content(t, fix))
	server.Offers["armani"] = []offers.Offer{offer}
	server.Publish()
	web := httptest.NewServer(server)
	defer web.Close()
	for name, text := range map[string][]byte{"root.json": server.Root(), "sold.zip": content(t, old),
		"key.pem": fixtures.TestKey().CertPEM()} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	phone := filepath.Join(dir, "phone")
	if out, code := run("--dir", phone, "--once"); code != 2 || !strings.Contains(out, "--firmware") {
		t.Errorf("without a handset: exit %d, %s", code, out)
	}
	out, code := run("--dir", phone, "--once", "--server", web.URL, "--model", "armani", "--root", filepath.Join(dir, "root.json"),
		"--firmware", filepath.Join(dir, "sold.zip"), "--ota-key", filepath.Join(dir, "key.pem"))
	if code != 0 || !strings.Contains(out, "observing") || !strings.Contains(out, fix.Fingerprint) {
		t.Fatalf("exit %d, %s", code, out)
	}
	before := status(t, phone)
	if before.Progress != "running" || before.Unsent != 0 || before.Effect != optIn.Name ||
		before.Answers["feature"].Int() != 1 || before.Answers["state"].Word() != "off" {
		t.Errorf("status %+v", before)
	}
	if _, code := run("optin", "--dir", phone); code != 0 || status(t, phone).Answers["consent"].Word() != "in" {
		t.Errorf("exit %d: the consent was not kept", code)
	}
	if _, code := run("--dir", phone, "--once"); code != 0 {
		t.Errorf("exit %d", code)
	}
	if all := server.Reports(); all[len(all)-1].Answers["consent"].Word() != "in" {
		t.Error("the changed answer was not reported")
	}
	if _, code := run("reset", "--dir", phone); code != 0 {
		t.Errorf("reset: exit %d", code)
	}
	if after := status(t, phone); after.Reference == before.Reference || after.Seq != 0 || after.Build != before.Build ||
		len(after.Answers) != 0 {
		t.Errorf("after the reset: %+v", after)
	}
	if _, code := run("--dir", phone, "--once"); code != 0 || status(t, phone).Answers["consent"].Word() != "none" {
		t.Errorf("exit %d: the consent outlived the reset", code)
	}
	if out, code := run("backup-on", "--dir", phone); code != 2 || !strings.Contains(out, "no app backup") {
		t.Errorf("backup-on: exit %d, %s", code, out)
	}
	if out, code := run("reference", "--dir", phone); code != 0 || len(strings.TrimSpace(out)) != 29 {
		t.Errorf("reference: exit %d, %s", code, out)
	}
}

// What whoever stole the offers key writes into an offer reaches no terminal as it is.
func TestCheckCommandsNoTerminal(t *testing.T) {
	dir := t.TempDir()
	old, fix := build(t, fixtures.Unpatched), build(t, fixtures.Patched)
	server := handsettest.New(time.Now)
	offer := server.Add(manifests.Custom{Model: "armani", Variant: fix.Variant, Channel: "stable", Release: "opt-in", Counter: 1,
		Build: manifests.Build{Fingerprint: fix.Fingerprint, Incremental: fix.Incremental, UTC: fix.UTC}}, "x", content(t, fix))
	offer.Package.Path = "builds/armani/x\n\x1b]0;pwn\x07\u202e.zip"
	server.Offers["armani"] = []offers.Offer{offer}
	server.Publish()
	web := httptest.NewServer(server)
	defer web.Close()
	for name, text := range map[string][]byte{"root.json": server.Root(), "sold.zip": content(t, old),
		"key.pem": fixtures.TestKey().CertPEM()} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, code := run("--dir", filepath.Join(dir, "phone"), "--once", "--server", web.URL, "--model", "armani",
		"--root", filepath.Join(dir, "root.json"), "--firmware", filepath.Join(dir, "sold.zip"), "--ota-key", filepath.Join(dir, "key.pem"))
	if code != 1 || strings.ContainsAny(out, "\x1b\x07\u202e") || !strings.Contains(out, `x; \x1b]0;pwn\a\u202e.zip`) {
		t.Errorf("exit %d, %q", code, out)
	}
}

func run(args ...string) (string, int) {
	var out bytes.Buffer
	code := otahandset.Main(args, strings.NewReader(""), &out, &out)
	return out.String(), code
}

func status(t *testing.T, dir string) (s client.Status) {
	t.Helper()
	var out, log bytes.Buffer
	if code := otahandset.Main([]string{"status", "--dir", dir}, strings.NewReader(""), &out, &log); code != 0 {
		t.Fatalf("status: exit %d, %s", code, log.String())
	}
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func build(t *testing.T, kind fixtures.Kind) fixtures.Build {
	t.Helper()
	b, err := fixtures.BuildOf("armani", kind)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func content(t *testing.T, b fixtures.Build) []byte {
	t.Helper()
	text, err := fixtures.Bytes(b, fixtures.TestKey())
	if err != nil {
		t.Fatal(err)
	}
	return text
}
