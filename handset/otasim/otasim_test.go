// SPDX-License-Identifier: Apache-2.0

package otasim

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
	"landed/handset/handsettest"
	"landed/manifests"
	"landed/manifests/effect"
)

// feed is a server that offers the patch of armani to everybody, and the root that its handsets are sold with.
func feed(t *testing.T) (*httptest.Server, string) {
	t.Helper()
	fix, err := fixtures.BuildOf("armani", fixtures.Patched)
	if err != nil {
		t.Fatal(err)
	}
	content, err := fixtures.Bytes(fix, fixtures.TestKey())
	if err != nil {
		t.Fatal(err)
	}
	s := handsettest.New(time.Now)
	optIn, err := effect.ByName("cloud-messaging-opt-in")
	if err != nil {
		t.Fatal(err)
	}
	s.Offers["armani"] = append(s.Offers["armani"], s.AddRelease(manifests.Custom{Model: "armani", Variant: fix.Variant, Channel: "stable",
		Release: "miui-cloud-messaging-opt-in", Counter: 1, Build: manifests.Build{Fingerprint: fix.Fingerprint, Incremental: fix.Incremental,
			UTC: fix.UTC}, Effect: optIn.Name}, optIn.Ask, fix.Incremental, content))
	s.Publish()
	root := filepath.Join(t.TempDir(), "root.json")
	if err := os.WriteFile(root, s.Root(), 0o644); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server, root
}

func TestFleetAgainstAServer(t *testing.T) {
	server, root := feed(t)
	var out, errs bytes.Buffer
	if code := Main([]string{"--server", server.URL, "--root", root, "--models", "armani", "--handsets", "4", "--days", "1", "--speed", "0"},
		nil, &out, &errs); code != 0 {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	var got struct {
		Models []struct {
			Model    string         `json:"model"`
			Truth    map[string]int `json:"truth"`
			Releases []struct {
				Release string
				Truth   map[string]int
				Answers map[string]map[string]int
			}
		} `json:"models"`
		Observer map[string]int `json:"observer"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, n := range got.Models[0].Truth {
		known += n
	}
	if len(got.Models) != 1 || got.Models[0].Model != "armani" || known == 0 || got.Observer["identifiers_received_before"] == 0 {
		t.Errorf("got %s", &out)
	}
	if rs := got.Models[0].Releases; len(rs) != 1 || rs[0].Release != "miui-cloud-messaging-opt-in" || rs[0].Answers["feature"]["1"] == 0 ||
		rs[0].Answers["boot"]["true"] != 4 {
		t.Errorf("releases of armani: %+v", rs)
	}
}

func TestNobodyIsHeard(t *testing.T) {
	server, root := feed(t)
	server.Close()
	var out, errs bytes.Buffer
	code := Main([]string{"--server", server.URL, "--root", root, "--models", "armani", "--handsets", "2", "--days", "1", "--speed", "0"},
		nil, &out, &errs)
	if code != 2 || !strings.Contains(errs.String(), "no report of any handset") || !strings.Contains(errs.String(), "refused") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
}

func TestWrongUse(t *testing.T) {
	_, root := feed(t)
	for name, args := range map[string][]string{
		"no root":       {},
		"unknown model": {"--root", root, "--models", "nokia"},
		"no such root":  {"--root", root + ".not"},
		"argument":      {"--root", root, "now"},
		"no key":        {"--root", root, "--ota-key", root},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := Main(args, nil, &out, &errs); code != 2 || errs.Len() == 0 || out.Len() > 0 {
				t.Errorf("exit code %d, said %q, printed %q", code, &errs, &out)
			}
		})
	}
}
