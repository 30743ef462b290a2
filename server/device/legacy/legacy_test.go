// SPDX-License-Identifier: Apache-2.0

package legacy

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/csig"
	"landed/manifests/otapkg"
	"landed/manifests/release"
	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
	"landed/server/offering"
)

var update = flag.Bool("update", false, "write the golden files again")

const base = "https://ota.example"

// nuwa is a model whose phones poll by everything that there is; its global image has phones of another name.
func nuwa() manifests.Model {
	return manifests.Model{Device: "nuwa", Variants: []string{"nuwa", "nuwa_global"}, Profile: manifests.Profile{Family: "ab"},
		Protocols: slices.Clone(manifests.Protocols)}
}

// csigOf is what the maker of a package would sign for Custota; the vbmeta digest of a full package says its build.
func csigOf(p fleet.Package) release.Csig {
	var f otapkg.Facts
	if err := json.Unmarshal(p.Facts, &f); err != nil {
		panic(err)
	}
	info := csig.Info{Version: csig.Version}
	for _, s := range f.Streaming {
		one := csig.File{Name: s.Name, Offset: s.Offset, Size: s.Size, Digest: strings.Repeat("0d", 32)}
		if s.Name == csig.Payload {
			sum, _ := base64.StdEncoding.DecodeString(f.Payload.FileHash)
			one.Digest = hex.EncodeToString(sum)
		}
		info.Files = append(info.Files, one)
	}
	var c release.Csig
	if len(p.PreBuilds) == 0 {
		info.VBMetaDigest = vbmetaOf(p.Build.Fingerprint)
	} else {
		c.From = vbmetaOf(p.PreBuilds[0])
	}
	key := fixtures.TestKey()
	der, err := csig.Sign(info, key.Private, key.Cert)
	if err != nil {
		panic(err)
	}
	c.Csig = base64.StdEncoding.EncodeToString(der)
	return c
}

func vbmetaOf(fingerprint string) string {
	sum := sha256.Sum256([]byte(fingerprint))
	return hex.EncodeToString(sum[:])
}

// clientsOf declares all that is needed of some packages.
func clientsOf(packages ...fleet.Package) release.Clients {
	c := clients()
	for _, p := range packages {
		c.Custota = append(c.Custota, csigOf(p))
	}
	return c
}

func clients() release.Clients {
	return release.Clients{ROMType: "Nightly", Version: "22.2", Devices: map[string]string{"nuwa_global": "nuwa_eea"}}
}

func facts(device string) otapkg.Facts {
	return otapkg.Facts{SDK: "35", SPL: "2026-06-01", PreDevices: []string{device}, Streaming: []otapkg.PropertyFile{
		{Name: "payload_metadata.bin", Offset: 41, Size: 827}, {Name: "payload.bin", Offset: 41, Size: 1392},
		{Name: "payload_properties.txt", Offset: 1485, Size: 147}, {Name: "metadata", Offset: 1809, Size: 29},
		{Name: "metadata.pb", Offset: 1900, Size: 60},
	}, Signer: &otapkg.Signer{KeySHA256: vbmetaOf(string(fixtures.TestKey().Cert.RawSubjectPublicKeyInfo))}}
}

func fingerprint(label string) string {
	return "Xiaomi/nuwa/nuwa:13/TKQ1.221114.001/" + label + ":user/release-keys"
}

// packageOf is the full package of the n-th release, or the incremental from a build.
func packageOf(n int, variant, device string, from ...string) fleet.Package {
	label := fmt.Sprintf("V14.0.%d.0", n)
	f := facts(device)
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %q", n, variant, from))
	f.Payload = &otapkg.PayloadFacts{FileHash: base64.StdEncoding.EncodeToString(sum[:])}
	text, _ := json.Marshal(f)
	p := fleet.Package{SHA256: fmt.Sprintf("%062d%d%d", n, len(variant)%10, len(from)), Size: int64(1000*n + len(from)),
		Name: fmt.Sprintf("ota_%s_%s.zip", variant, label), Model: "nuwa", Variant: variant, Channel: "stable", Family: "ab", Facts: text,
		Build: manifests.Build{Fingerprint: fingerprint(label), Incremental: label, UTC: 1_780_000_000 + int64(n)}}
	for _, f := range from {
		p.PreBuilds = append(p.PreBuilds, fingerprint(f))
		p.Name = fmt.Sprintf("inc_%s_%s.zip", variant, label)
	}
	return p
}

// world is releases 1 … n, each with a full package for both images, and an incremental from the one before for the first.
func world(t *testing.T, n int, states ...fleet.Rollout) Input {
	t.Helper()
	model := nuwa()
	in := offering.Input{Model: model, Channel: "stable", Packages: map[string][]fleet.Package{}}
	listed := map[string]tufrepo.Target{}
	declared := map[string]map[string]release.Clients{}
	for i := n; i >= 1; i-- {
		name := fmt.Sprintf("fix-%d", i)
		r := states[i-1]
		r.ID, r.Release, r.Model, r.Channel, r.Salt = name+".nuwa.stable", name, "nuwa", "stable", strings.Repeat("5a", 16)
		r.Stages = []fleet.Stage{{Share: 100}, {Share: 10_000}}
		if r.State != "" {
			in.Rollouts = append(in.Rollouts, r)
		}
		in.Packages[name] = []fleet.Package{packageOf(i, "nuwa", "nuwa"), packageOf(i, "nuwa_global", "nuwa_eea"),
			packageOf(i, "nuwa", "nuwa", fmt.Sprintf("V14.0.%d.0", i-1))}
		declared[name] = map[string]release.Clients{"nuwa": clientsOf(in.Packages[name]...)}
		for _, p := range in.Packages[name] {
			custom, err := json.Marshal(manifests.Custom{Schema: manifests.CustomSchema, Model: "nuwa", Variant: p.Variant, Channel: "stable",
				Release: name, Counter: int64(i), Build: p.Build, Manifest: p.SHA256})
			if err != nil {
				t.Fatal(err)
			}
			build, manifest := tufrepo.PackagePath("nuwa", p.Name), tufrepo.ManifestPath("nuwa", name, p.Variant)
			listed[build] = tufrepo.Target{Path: build, Length: p.Size, SHA256: p.SHA256, Custom: custom}
			listed[manifest] = tufrepo.Target{Path: manifest, Length: 5, SHA256: p.SHA256}
		}
	}
	in.Listed = func(path string) (tufrepo.Target, bool) { t, ok := listed[path]; return t, ok }
	doc, unlisted, cut := offering.Document(in)
	if len(unlisted)+len(cut) > 0 {
		t.Fatalf("not offered: %v %v", unlisted, cut)
	}
	return Input{Model: model, Offers: doc, Packages: in.Packages, Declared: declared, Base: base}
}

func at(state fleet.RolloutState, stage int) fleet.Rollout {
	return fleet.Rollout{State: state, Stage: stage}
}

// TestStates: golden files for each protocol and each state of a rollout.
func TestStates(t *testing.T) {
	const running, held, halted, finished = fleet.RolloutRunning, fleet.RolloutHeld, fleet.RolloutHalted, fleet.RolloutFinished
	for _, tt := range []struct {
		name   string
		states []fleet.Rollout // of the releases, the oldest first; the zero value has no rollout
		files  bool
	}{
		{"before", []fleet.Rollout{{}}, false},
		{"share-below-100", []fleet.Rollout{at(running, 0)}, false},
		{"held-below-100", []fleet.Rollout{at(held, 0)}, false},
		{"everybody", []fleet.Rollout{at(running, 1)}, true},
		{"held-at-everybody", []fleet.Rollout{at(held, 1)}, true},
		{"finished", []fleet.Rollout{at(finished, 1)}, true},
		{"halted", []fleet.Rollout{at(halted, 1)}, false},
		{"replaced", []fleet.Rollout{at(finished, 1), at(finished, 1)}, true},
		{"replaced-by-a-whole-stage", []fleet.Rollout{at(finished, 1), at(running, 1)}, true},
		{"not-yet-replaced", []fleet.Rollout{at(finished, 1), at(running, 0)}, true},
		{"replacement-halted", []fleet.Rollout{at(finished, 1), at(halted, 1)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := world(t, len(tt.states), tt.states...)
			d, leftOut, ok := Document(in)
			if ok != tt.files || len(leftOut) > 0 {
				t.Fatalf("%d files, left out %q; wanted files: %v", len(d.Files), leftOut, tt.files)
			}
			if err := d.Validate(); err != nil {
				t.Fatal(err)
			}
			again, err := shelf.Parse(d.Bytes())
			if err != nil || string(again.Bytes()) != string(d.Bytes()) {
				t.Errorf("it does not read as it was written: %v", err)
			}
			golden(t, tt.name, d)
		})
	}
}

// golden compares the files of a document with those that are kept, whole.
func golden(t *testing.T, name string, d shelf.Document) {
	t.Helper()
	var b strings.Builder
	for _, f := range d.Files {
		fmt.Fprintf(&b, "== %s (%s)\n%s", f.Path, f.Type, f.Text)
		if f.Type == shelf.Binary {
			info, cert, err := csig.Open(f.Data)
			fmt.Fprintf(&b, "csig %+v by %s %v\n", info, cert.Subject, err)
		}
		if f.Target != nil {
			fmt.Fprintf(&b, "-> %s %d %s\n", f.Target.Path, f.Target.Length, f.Target.SHA256)
		}
	}
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != b.String() {
		t.Errorf("%v; got\n%s\nwanted\n%s", err, b.String(), want)
	}
}

// TestFileBased: a phone of 2014 has recovery and no payload; what its package does not say is declared.
func TestFileBased(t *testing.T) {
	in := world(t, 1, at(fleet.RolloutFinished, 1))
	in.Model.Profile.Family, in.Model.Protocols = "file", []manifests.Protocol{manifests.LineageOS1, manifests.LineageOS2}
	for i := range in.Packages["fix-1"] {
		in.Packages["fix-1"][i].Family, in.Packages["fix-1"][i].Facts = "file", []byte(`{"pre_devices":["nuwa"]}`)
	}
	if d, leftOut, _ := Document(in); len(d.Files) != 2 || len(leftOut) != 2 {
		t.Errorf("without patch level and SDK: %d files, left out %q; wanted the v1 lists alone", len(d.Files), leftOut)
	}
	c := clients()
	c.PatchLevel, c.SDK = "2014-08-01", 19
	in.Declared["fix-1"]["nuwa"] = c
	d, leftOut, _ := Document(in)
	if len(leftOut) > 0 {
		t.Errorf("left out: %q", leftOut)
	}
	golden(t, "file-based", d)
}

// TestLeftOut: what lacks something that a protocol wants is in no file of that protocol, and in those of the others.
func TestLeftOut(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Input)
		files  int
		words  string
	}{
		{"nothing declared", func(in *Input) { delete(in.Declared, "fix-1") }, 0, "romtype is missing"},
		{"no address", func(in *Input) { in.Base = "" }, 5, "--base-url"},
		{"facts forgotten", func(in *Input) {
			for i := range in.Packages["fix-1"] {
				in.Packages["fix-1"][i].Facts = []byte("{}")
			}
		}, 2, "it is not known where"},
		{"packages forgotten", func(in *Input) { in.Packages["fix-1"] = nil }, 0, ""},
		{"no protocols", func(in *Input) { in.Model.Protocols = nil }, 0, ""},
		{"only what another program speaks", func(in *Input) { in.Model.Protocols = []manifests.Protocol{"later"} }, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := world(t, 1, at(fleet.RolloutFinished, 1))
			tt.change(&in)
			d, leftOut, ok := Document(in)
			words := strings.Join(leftOut, "\n")
			if tt.name == "nothing declared" { // GrapheneOS and the sample need nothing declared, but the second image its name
				for _, f := range d.Files {
					if strings.HasPrefix(f.Path, "lineageos/") {
						t.Errorf("%s is there", f.Path)
					}
				}
			} else if len(d.Files) != tt.files || ok != (tt.files > 0) {
				t.Errorf("%d files, wanted %d", len(d.Files), tt.files)
			}
			if tt.words != "" && !strings.Contains(words, tt.words) || tt.words == "" && words != "" {
				t.Errorf("left out: %s; wanted words about %q", words, tt.words)
			}
		})
	}
}

// TestFaults: all that phones would not take is said at once, each once.
func TestFaults(t *testing.T) {
	catalogue, err := manifests.NewCatalogue(nuwa(), manifests.Model{Device: "cancro", Variants: []string{"cancro"},
		Profile: manifests.Profile{Family: "file"}})
	if err != nil {
		t.Fatal(err)
	}
	good := func() (release.Release, []fleet.Package) {
		all := []fleet.Package{packageOf(2, "nuwa", "nuwa"), packageOf(2, "nuwa_global", "nuwa_eea"),
			packageOf(2, "nuwa", "nuwa", "V14.0.1.0")}
		return release.Release{Clients: map[string]release.Clients{"nuwa": clientsOf(all...)}}, all
	}
	set := func(r *release.Release, change func(*release.Clients)) {
		c := r.Clients["nuwa"]
		change(&c)
		r.Clients["nuwa"] = c
	}
	for _, tt := range []struct {
		name   string
		change func(r *release.Release, p []fleet.Package)
		base   string
		want   []string // words about each fault, and no other fault
	}{
		{"good", func(*release.Release, []fleet.Package) {}, base, nil},
		{"nothing declared", func(r *release.Release, _ []fleet.Package) { r.Clients = nil }, base,
			[]string{"version is missing", "romtype is missing", "full packages for one name, nuwa", "nuwa_eea",
				"custota has no csig of ota_nuwa_V14.0.2.0.zip"}},
		{"a csig of another package", func(r *release.Release, _ []fleet.Package) {
			set(r, func(c *release.Clients) { c.Custota[1] = csigOf(packageOf(3, "nuwa_global", "nuwa_eea")) })
		}, base, []string{"custota: entry 2 is of no package", "no csig of ota_nuwa_global"}},
		{"an incremental from nowhere", func(r *release.Release, _ []fleet.Package) {
			set(r, func(c *release.Clients) { c.Custota[2].From = "" })
		}, base, []string{"say it in from"}},
		{"a csig by another key", func(_ *release.Release, p []fleet.Package) {
			var f otapkg.Facts
			_ = json.Unmarshal(p[0].Facts, &f)
			f.Signer.KeySHA256 = strings.Repeat("0e", 32)
			p[0].Facts, _ = json.Marshal(f)
		}, base, []string{"the csig of ota_nuwa_V14.0.2.0.zip is signed by the key"}},
		{"parts elsewhere", func(_ *release.Release, p []fleet.Package) {
			var f otapkg.Facts
			_ = json.Unmarshal(p[0].Facts, &f)
			f.Streaming[2].Offset++
			f.Streaming[3].Name = "care_map.pb"
			p[0].Facts, _ = json.Marshal(f)
		}, base, []string{"payload_properties.txt has 147 bytes at 1485, and it has 147 at 1486", "lists \"metadata\", which the package"}},
		{"no patch level", func(_ *release.Release, p []fleet.Package) {
			var f otapkg.Facts
			_ = json.Unmarshal(p[0].Facts, &f)
			f.SPL = ""
			p[0].Facts, _ = json.Marshal(f)
		}, base, []string{"does not say its security patch level"}},
		{"nothing declared, no address", func(r *release.Release, _ []fleet.Package) {
			set(r, func(c *release.Clients) { c.ROMType, c.Version = "", "" })
		}, "", []string{"version is missing", "romtype is missing", "--base-url"}},
		{"otherwise than the package", func(r *release.Release, _ []fleet.Package) {
			set(r, func(c *release.Clients) { c.SDK, c.PatchLevel = 34, "2026-05-01" })
		}, base, []string{"sdk 34, and the package says 35", "patch_level 2026-05-01, and the package says 2026-06-01"}},
		{"several sources", func(_ *release.Release, p []fleet.Package) {
			p[2].PreBuilds = append(p[2].PreBuilds, fingerprint("V14.0.0.0"))
		}, base, []string{"phones ask for one by the version label", "its config lies under the version label"}},
		{"a label of words", func(_ *release.Release, p []fleet.Package) { p[0].Build.Incremental = "V14 stable" }, base,
			[]string{"cannot stand in the name of a file"}},
		{"a package for two", func(_ *release.Release, p []fleet.Package) {
			f := facts("nuwa")
			f.PreDevices = []string{"nuwa", "fuxi"}
			p[0].Facts, _ = json.Marshal(f)
		}, base, []string{"take packages for nuwa alone"}},
		{"the name of another", func(r *release.Release, _ []fleet.Package) {
			set(r, func(c *release.Clients) { c.Devices = map[string]string{"nuwa_global": "cancro"} })
		}, base, []string{"cancro is another model", "take packages for cancro alone"}},
		{"no such variant", func(r *release.Release, _ []fleet.Package) {
			set(r, func(c *release.Clients) { c.Devices["nuwa_ru"] = "nuwa_ru" })
		}, base, []string{"nuwa_ru is no image variant"}},
		{"a model that wants none", func(r *release.Release, _ []fleet.Package) { r.Clients["cancro"] = release.Clients{} }, base,
			[]string{"no package for this model", "by no other protocol"}},
		{"no such model", func(r *release.Release, _ []fleet.Package) { r.Clients["vela"] = release.Clients{} }, base,
			[]string{"no such model"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, packages := good()
			tt.change(&r, packages)
			got := Faults(catalogue, r, packages, tt.base)
			for _, words := range tt.want {
				if !slices.ContainsFunc(got, func(err error) bool { return strings.Contains(err.Error(), words) }) {
					t.Errorf("no word about %q in %v", words, got)
				}
			}
			if len(got) < len(tt.want) || len(tt.want) == 0 && len(got) > 0 {
				t.Errorf("%d faults, wanted %d: %v", len(got), len(tt.want), got)
			}
			for i, err := range got {
				if i > 0 && err.Error() == got[i-1].Error() {
					t.Errorf("said twice: %v", err)
				}
			}
		})
	}
}

// TestNothingAskedOfOthers: nothing is asked for a model without protocols.
func TestNothingAskedOfOthers(t *testing.T) {
	quiet := nuwa()
	quiet.Protocols = nil
	catalogue, err := manifests.NewCatalogue(quiet)
	if err != nil {
		t.Fatal(err)
	}
	if got := Faults(catalogue, release.Release{}, []fleet.Package{packageOf(1, "nuwa", "nuwa")}, ""); len(got) > 0 {
		t.Errorf("%v", got)
	}
}
