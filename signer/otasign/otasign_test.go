// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"bytes"
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	fixtures "landed/firmware-fixtures"
	"landed/internal/race"
	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/otapkg"
	"landed/manifests/release"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/manifests/tufrepo"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"otasign":   func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
		"mkonline":  stand(mkonline),
		"mkrelease": stand(mkrelease),
		"mkreport":  stand(mkreport),
		"mkpackage": stand(mkpackage),
	})
}

// TestCommands tells the scripts. Its name is its own, by which .ci/run tells it without the race detector.
func TestCommands(t *testing.T) {
	p := testscript.Params{Dir: filepath.Join("testdata", "script"), RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("REPO", repository(t))
			return nil
		}}
	if race.Detector { // only what reads packages has more than one goroutine
		p.Dir = ""
		for _, name := range []string{"inspect", "sign"} {
			p.Files = append(p.Files, filepath.Join("testdata", "script", name+".txtar"))
		}
	}
	testscript.Run(t, p)
}

func repository(t *testing.T) string {
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// stand makes a command out of a stand-in for the server.
func stand(run func(args []string) error) func() {
	return func() {
		if err := run(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// mkonline FILE writes the public keys of a server.
func mkonline(args []string) error {
	var list []tufrepo.Key
	for range 3 {
		public, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		k, err := tufrepo.NewKey(public)
		if err != nil {
			return err
		}
		list = append(list, k)
	}
	o := tufrepo.OnlineKeys{Schema: 1, Snapshot: list[0], Timestamp: list[1], Offers: list[2]}
	return os.WriteFile(args[0], o.Bytes(), 0o644)
}

// mkrelease TRUST KIND FOLDER REQUEST [SOURCE] stages an armani build as the server would, over the
// trusted state, and puts the package into the folder. SOURCE is the release as an engineer wrote it.
func mkrelease(args []string) error {
	set, err := loadTrust(args[0])
	if err != nil {
		return err
	}
	b, err := fixtures.BuildOf("armani", fixtures.Kind(args[1]))
	if err != nil {
		return err
	}
	content, err := fixtures.Bytes(b, fixtures.TestKey())
	if err != nil {
		return err
	}
	sum := md5.Sum(content)
	name := b.FileName(hex.EncodeToString(sum[:]))
	if err := os.MkdirAll(args[2], 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(args[2], name), content, 0o644); err != nil {
		return err
	}
	declared, err := declaredOf(args[4:])
	if err != nil {
		return err
	}
	m := manifests.Manifest{Schema: manifests.ManifestSchema, Release: declared.Name, Model: "armani", Variant: b.Variant, Channel: "stable",
		Counter: declared.Counter, Build: manifests.Build{Fingerprint: b.Fingerprint, Incremental: b.Incremental, UTC: b.UTC},
		Package: manifests.Package{Path: tufrepo.PackagePath("armani", name), Length: int64(len(content)), SHA256: hash(content)},
		Effect:  declared.EffectName(), Ask: declared.AskOn("armani")}
	documents := map[string][]byte{}
	add := func(path string, text []byte) *manifests.Package {
		documents[path] = text
		return &manifests.Package{Path: path, Length: int64(len(text)), SHA256: hash(text)}
	}
	m.NotesDocument = add(tufrepo.NotesPath("armani", m.Release), declared.NotesDocument().Bytes())
	if d, ok := declared.EffectFor("armani", []effect.Build{{Fingerprint: b.Fingerprint, Model: "armani", Variant: b.Variant}}); ok {
		m.EffectDocument = add(tufrepo.EffectPath("armani", m.Release), d.Bytes())
	}
	add(tufrepo.ManifestPath("armani", m.Release, m.Variant), m.Bytes())
	custom, err := json.Marshal(m.Custom(hash(m.Bytes())))
	if err != nil {
		return err
	}
	targets := []tufrepo.Target{{Path: m.Package.Path, Length: m.Package.Length, SHA256: m.Package.SHA256, Custom: custom}}
	for path, text := range documents {
		targets = append(targets, tufrepo.Target{Path: path, Length: int64(len(text)), SHA256: hash(text)})
	}
	info, err := tufrepo.Read(set.Files["armani"])
	if err != nil {
		return err
	}
	role, err := tufrepo.NewRole(info.Version+1, time.Now().Add(90*24*time.Hour), targets)
	if err != nil {
		return err
	}
	bundle, err := set.Bundle()
	if err != nil {
		return err
	}
	staged := map[string][]byte{"armani": role}
	r := tufrepo.Request{Schema: 1, ID: "release-" + args[1], Title: "Ship " + m.Release, Created: time.Now(),
		Summary: tufrepo.Diff(set, set.With(staged)), Trusted: bundle.Files, Roles: []tufrepo.RequestRole{{Role: "armani", Metadata: role}},
		Manifests: documents,
		Packages: []tufrepo.RequestPackage{{Path: m.Package.Path, Name: name, SHA256: m.Package.SHA256, Length: m.Package.Length,
			Model: "armani", Variant: b.Variant, Channel: "stable"}}}
	model, _ := manifests.DefaultCatalogue().Model("armani")
	r.Models, r.Names = []manifests.Model{model}, namesOfTrust(args[0])
	return os.WriteFile(args[3], r.Bytes(), 0o644)
}

// declaredOf reads the source of a release; without one it is a fix that proves itself.
func declaredOf(source []string) (release.Release, error) {
	if len(source) > 0 {
		text, err := os.ReadFile(source[0])
		if err != nil {
			return release.Release{}, err
		}
		return release.Parse(text)
	}
	e, err := effect.ByName("app-list-upload-off")
	if err != nil {
		return release.Release{}, err
	}
	e.PromptDay, e.Words = "2014-08-01", map[string]effect.Words{"en": e.Words["en"]}
	return release.Release{Schema: release.Schema, Name: "first-fix", Counter: 1, Effect: &e,
		Notes: map[string]string{"en": "The list of your apps stays with you."}}, nil
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// mkreport REQUEST BUILD ANSWERS FILE [EFFECT] makes what a handset of the request's release would report: from BUILD,
// "new", any fingerprint, or, for a handset that waits, the effect document of the release that it runs, with ANSWERS
// in JSON. EFFECT is where the effect document goes.
func mkreport(args []string) error {
	r, err := load(args[0], tufrepo.ParseRequest)
	if err != nil {
		return err
	}
	var d release.EffectDocument
	for path, text := range r.Manifests {
		if strings.HasSuffix(path, ".effect.json") {
			if d, _, err = release.ParseEffect(text); err != nil {
				return err
			}
			if len(args) > 4 {
				err = os.WriteFile(args[4], text, 0o644)
			}
		}
	}
	said := report.Report{Seq: 3, Kind: report.KindEffect, Release: d.Release, Model: d.Model, Variant: d.Builds[0].Variant, Channel: "stable",
		Build: args[1], BuildUTC: 1407582000, PreviousBuild: report.BuildOther, Progress: report.ProgressRunning}
	switch args[1] {
	case "new":
		said.Build = d.Builds[0].Fingerprint
	case report.BuildOther:
		said.BuildUTC, said.PreviousBuild, said.Progress = 0, "", report.ProgressKnown
	}
	if strings.HasSuffix(args[1], ".effect.json") {
		runs, err := load(args[1], readEffect)
		if err != nil {
			return err
		}
		said.Build, said.PreviousBuild, said.Progress = runs.Builds[0].Fingerprint, "", report.ProgressKnown
	}
	key := ed25519.NewKeyFromSeed([]byte("a handset that is only for tests"))
	text := []byte(nil)
	if err == nil {
		err = json.Unmarshal([]byte(args[2]), &said.Answers)
	}
	if err == nil {
		text, _, err = envelope.Seal(said, key)
	}
	return errors.Join(err, os.WriteFile(args[3], text, 0o644))
}

func TestPlain(t *testing.T) {
	if got := plain("a\x1b[31m\u202eb\n微信"); strings.ContainsAny(got, "\x1b\u202e\n") || !strings.HasSuffix(got, "微信") {
		t.Errorf("plain gives %q", got)
	}
}

// TestRequestsSteerNoTerminal: what is wrong with a request is said without letting it speak to the terminal.
func TestRequestsSteerNoTerminal(t *testing.T) {
	request := filepath.Join(t.TempDir(), "request.json")
	text := `{"schema":1,"id":"x","created":"2014-08-20T09:00:00Z","title":"t","trusted":{},"roles":[{"role":"\u202e\u061cAll is well.","metadata":"e30="}],"manifests":{},"packages":[],"summary":[]}`
	if err := os.WriteFile(request, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	code := Main([]string{"review", request}, strings.NewReader(""), &out, &errs)
	if code == 0 || !strings.Contains(errs.String(), "All is well.") || strings.ContainsAny(out.String()+errs.String(), "\x1b\u061c\u202e") {
		t.Errorf("exit %d, says %q", code, errs.String())
	}
}

// TestVectors reads packages that nobody here wrote: each signature is good under its own key
// and under no other, and the missing metadata is named.
func TestVectors(t *testing.T) {
	dir := os.Getenv("LANDED_VECTORS")
	if dir == "" {
		t.Skip("LANDED_VECTORS names no folder with the AOSP packages (aosp/otasigned_v1.zip, aosp/testkey_v1.x509.pem, …)")
	}
	for n := 1; n <= 3; n++ {
		for key := 1; key <= 3; key++ {
			var out, errs strings.Builder
			code := Main([]string{"inspect", "-json", "-key", filepath.Join(dir, "aosp", fmt.Sprintf("testkey_v%d.x509.pem", key)),
				filepath.Join(dir, "aosp", fmt.Sprintf("otasigned_v%d.zip", n))}, os.Stdin, &out, &errs)
			var got inspection
			if err := json.Unmarshal([]byte(out.String()), &got); err != nil || code != 1 {
				t.Fatalf("otasigned_v%d under key %d: exit code %d, %v: %s", n, key, code, err, errs.String())
			}
			var found otapkg.Findings
			for _, f := range got.Findings {
				found = append(found, f.Finding)
				if f.Help != f.Code.Help() {
					t.Errorf("%s: help is %q", f.Code, f.Help)
				}
			}
			own := n == key // 1 and 3 are the same RSA key, but not the same hash
			if got.Facts.Signer == nil || !got.Facts.Signer.Valid || got.Facts.Signer.Pinned != own || found.Has(otapkg.SigBad) ||
				!found.Has(otapkg.MetaMissing) {
				t.Errorf("otasigned_v%d under key %d: signer %+v, findings %v", n, key, got.Facts.Signer, found.Codes())
			}
		}
	}
}

// TestInspectSteersNoTerminal: neither words nor JSON carry what the name of a file, or its content, would do to a screen.
func TestInspectSteersNoTerminal(t *testing.T) {
	c, err := fixtures.HostileOf("dev-unknown")
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	if err := c.Write(&content, fixtures.TestKey()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "armani\x1b[2J\u202e\u2066\u200f\u2028piz.zip")
	if err := os.WriteFile(file, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--json=false", "--json", "-json"} {
		var out, errs strings.Builder
		exit := Main([]string{"inspect", flag, file}, strings.NewReader(""), &out, &errs)
		if text := out.String() + errs.String(); exit != 1 || strings.ContainsAny(text, "\x1b\u202e\u2066\u200f\u2028") {
			t.Errorf("%s: exit %d, printed %q", flag, exit, text)
		}
		var got inspection
		if err := json.Unmarshal([]byte(out.String()), &got); (err == nil) != (flag != "--json=false") || err == nil && got.File != file {
			t.Errorf("%s: programs read the name %q, %v", flag, got.File, err)
		}
	}
}

// TestInspectKnowsTheModels: the dry run finds what the server finds, also what only the model's recovery minds.
func TestInspectKnowsTheModels(t *testing.T) {
	for name, code := range map[string]string{"sig-rsa4096": "SIG-ALG", "sig-sha1": "SIG-SHA1", "dev-unknown": "DEV-UNKNOWN"} {
		c, err := fixtures.HostileOf(name)
		if err != nil {
			t.Fatal(err)
		}
		var content bytes.Buffer
		if err := c.Write(&content, fixtures.TestKey()); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "package.zip")
		if err := os.WriteFile(file, content.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs strings.Builder
		if exit := Main([]string{"inspect", file}, strings.NewReader(""), &out, &errs); exit != 1 ||
			!strings.Contains(out.String(), "REFUSE "+code) ||
			!strings.Contains(out.String(), "see "+otapkg.Code(code).Help()) {
			t.Errorf("%s: exit %d, says %s", name, exit, out.String())
		}
	}
}

// A file that is not there is no refusal: scripts tell the two apart by the exit code.
func TestUnreadable(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent")
	for _, args := range [][]string{{"review", absent}, {"sign", absent, "--key", absent}, {"verify", absent}, {"inspect", absent}} {
		var out, errs bytes.Buffer
		if exit := Main(args, strings.NewReader(""), &out, &errs); exit != 2 || !strings.Contains(errs.String(), "absent") {
			t.Errorf("%s: exit %d, %q", args, exit, errs.String())
		}
	}
}
