// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/internal/format"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden pins the bytes that are signed: a change here means that every client reads
// something else.
func TestGolden(t *testing.T) {
	r := newRepo("armani")
	r.root, r.targets, r.builds = r.root[:1], r.targets[:1], r.builds[:1] // Ed25519 only: its signatures do not vary
	list := map[string]RoleFile{Targets: {1, 100, strings.Repeat("a", 64)}, "armani": {2, 200, strings.Repeat("b", 64)}}
	root := r.rootSpec(1)
	root.Root.Threshold, root.Targets.Threshold = 1, 1
	docs := map[string][]byte{
		Root:      must(NewRoot(root)),
		Targets:   must(NewTargets(3, r.in(150), []ModelKeys{{"armani", keysOf(1, r.builds...), keysOf(1, r.offers)}})),
		"armani":  must(NewRole(2, r.in(100), []Target{packageFor("armani", 7)})),
		Snapshot:  must(NewSnapshot(4, r.in(7), list)),
		Timestamp: must(NewTimestamp(5, r.in(1), RoleFile{4, 300, strings.Repeat("c", 64)})),
	}
	for role, doc := range docs {
		signed := must(Sign(doc, r.root[0]))
		path := filepath.Join("testdata", "golden", role+".json")
		if *update {
			if err := os.WriteFile(path, signed, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(signed)); diff != "" {
			t.Errorf("%s changed (-want +got):\n%s", path, diff)
		}
	}
}

func TestReadSaysWhatWasWritten(t *testing.T) {
	r := newRepo("armani", "dior")
	root := must(Read(r.roots[0]))
	want := r.rootSpec(1)
	if diff := cmp.Diff(&want, root.Root); diff != "" {
		t.Errorf("root:\n%s", diff)
	}
	targets := must(Read(r.files[Targets]))
	if diff := cmp.Diff(r.modelKeys(), targets.Models); diff != "" || !targets.Delegates {
		t.Errorf("targets:\n%s", diff)
	}
	builds := must(Read(r.files["dior"]))
	if diff := cmp.Diff([]Target{packageFor("dior", 1)}, builds.Targets); diff != "" || len(builds.Signers) != 2 {
		t.Errorf("builds:\n%s", diff)
	}
	timestamp := must(Read(r.files[Timestamp]))
	if got := timestamp.Files[Snapshot]; got != must(FileOf(r.files[Snapshot])) {
		t.Errorf("timestamp lists %+v", got)
	}
}

// TestReadRefuses holds one text for each thing on which clients differ, or which kills one.
func TestReadRefuses(t *testing.T) {
	r := newRepo("armani")
	sub := func(role, old, new string) string {
		text := string(r.files[role])
		if role == Root {
			text = string(r.roots[0])
		}
		if !strings.Contains(text, old) {
			panic(fmt.Sprintf("%s does not hold %q", role, old))
		}
		return strings.Replace(text, old, new, 1)
	}
	k0, k1 := r.builds[0].Key().ID(), r.builds[1].Key().ID()
	cases := []struct{ name, doc, want string }{
		{"empty", "", "not exactly one JSON value"},
		{"trailing bytes", string(r.files["armani"]) + "{}", "not exactly one JSON value"},
		{"not UTF-8", sub("armani", "JHCMIBH45.0", "\xff"), "UTF-8"},
		{"lone surrogate", sub("armani", "JHCMIBH45.0", `\ud800`), "broken"},
		{"control character", sub("armani", "JHCMIBH45.0", `\u0000`), "control character"},
		{"deep nesting", strings.Repeat("[", 50) + strings.Repeat("]", 50), "nested deeper"},
		{"doubled key", sub("armani", `"counter":1`, `"counter":1,"counter":2`), "occurs twice"},
		{"doubled key, second escaped", sub("armani", `"counter":1`, `"counter":1,"c\u006funter":2`), "occurs twice"},
		{"field in capitals", sub("armani", `"version":1`, `"Version":1`), "spelt in another way"},
		{"unknown field", sub("armani", `"version":1`, `"version":1,"x-note":"hi"`), "unknown field"},
		{"unknown field outside of what is signed", sub("armani", `{"signatures"`, `{"x":1,"signatures"`), "no others"},
		{"missing field", sub(Root, `"consistent_snapshot":true,`, ``), "missing"},
		{"custom null", sub("armani", `"custom":{`, `"custom":null,"x":{`), "null"},
		{"null in custom", sub("armani", `"counter":1`, `"counter":null`), "null"},
		{"fraction in custom", sub("armani", `"counter":1`, `"counter":1.0`), "integer"},
		{"exponent in custom", sub("armani", `"counter":1`, `"counter":1e3`), "integer"},
		{"minus zero in custom", sub("armani", `"counter":1`, `"counter":-0`), "integer"},
		{"integer beyond 2^53", sub("armani", `"counter":1`, `"counter":9007199254740992`), "2^53"},
		{"custom that is no object", sub("armani", string(packageFor("armani", 1).Custom), `[]`), "JSON object"},
		{"non-ASCII key in custom", sub("armani", `"counter"`, `"cöunter"`), "ASCII"},
		{"version 0", sub("armani", `"version":1`, `"version":0`), "version is 0"},
		{"version as text", sub("armani", `"version":1`, `"version":"1"`), "cannot unmarshal"},
		{"expiry with a fraction", sub("armani", `T08:00:00Z`, `T08:00:00.5Z`), "whole seconds"},
		{"expiry in another zone", sub("armani", `T08:00:00Z`, `T08:00:00+01:00`), "whole seconds"},
		{"expiry that is no date", sub("armani", `T08:00:00Z`, `T28:00:00Z`), "whole seconds"},
		{"another spec version", sub("armani", `"1.0.31"`, `"2.0.0"`), "spec_version"},
		{"unknown type", sub("armani", `"_type":"targets"`, `"_type":"mirrors"`), "wanted root, targets"},
		{"path with a leading dot", sub("armani", "builds/armani/miui", "builds/armani/.miui"), "target path"},
		{"path with ..", sub("armani", "builds/armani/miui", "builds/../miui"), "target path"},
		{"path with an empty segment", sub("armani", "builds/armani/miui", "builds//miui"), "target path"},
		{"path with a percent sign", sub("armani", "builds/armani/miui", "builds/armani/%6diui"), "target path"},
		{"path of four segments", sub("armani", "builds/armani/miui", "builds/armani/x/miui"), "target path"},
		{"path with a blank", sub("armani", "builds/armani/miui", "builds/armani/m iui"), "target path"},
		{"length 0", sub("armani", `"length":123456`, `"length":0`), "length is 0"},
		{"hash in capitals", sub("armani", `"sha256":"`, `"sha256":"A`), "sha256"},
		{"second hash", sub("armani", `"hashes":{`, `"hashes":{"sha512":"00",`), "unknown field"},
		{"two signatures of one key", sub("armani", k1, k0), "two signatures"},
		{"signature that is no hex", sub("armani", `"sig":"`, `"sig":"zz`), "hex"},
		{"all in capitals", strings.ToUpper(string(r.files["armani"])), "no others"},
		{"consistent_snapshot off", sub(Root, `"consistent_snapshot":true`, `"consistent_snapshot":false`), "consistent"},
		{"threshold 0", sub(Root, `"threshold":3`, `"threshold":0`), "wants 0 of 5"},
		{"threshold beyond the keys", sub(Root, `"threshold":3`, `"threshold":6`), "wants 6 of 5"},
		{"role that is not TUF's", sub(Root, `"roles":{`, `"roles":{"mirrors":{"keyids":["`+k0+`"],"threshold":1},`), "does not have"},
		{"delegation that does not end", sub(Targets, `"terminating":true`, `"terminating":false`), "terminating"},
		{"overlapping pattern", sub(Targets, `"builds/armani/*"`, `"builds/*/*"`), "builds/armani/*"},
		{"second pattern", sub(Targets, `"builds/armani/*"`, `"builds/armani/*","builds/dior/*"`), "nothing else"},
		{"role of digits", sub(Targets, `"name":"armani"`, `"name":"7110"`), "role name"},
		{"role in capitals", sub(Targets, `"name":"armani"`, `"name":"Armani"`), "role name"},
		{"role named as a top-level one", sub(Targets, `"name":"armani"`, `"name":"snapshot"`), "taken"},
		{"no offers role", sub(Targets, `"name":"armani-offers"`, `"name":"dior-offers"`), "no role armani-offers"},
		{"a role delegated twice", sub(Targets, `"name":"armani-offers"`, `"name":"armani"`), "role armani is delegated twice"},
		{"hash prefixes", sub(Targets, `"paths":["builds/armani/*"]`, `"path_hash_prefixes":["00"]`), "unknown field"},
		{"key without its id", sub(Targets, `"keys":{"`, `"keys":{"0`), "not in the table"},
		{"timestamp without snapshot.json", sub(Timestamp, `"snapshot.json"`, `"targets.json"`), "must list snapshot.json"},
		{"timestamp with nothing", metaOf(Timestamp, `{}`), "must list snapshot.json"},
		{"timestamp with null", metaOf(Timestamp, `{"snapshot.json":null}`), "null"},
		{"timestamp without a hash", metaOf(Timestamp, `{"snapshot.json":{"version":1}}`), "length and hash"},
		{"snapshot without targets.json", metaOf(Snapshot, `{"armani.json":{"version":1}}`), "must list targets.json"},
		{"snapshot with root.json", metaOf(Snapshot, `{"root.json":{"version":1},"targets.json":{"version":1}}`), "does not belong"},
		{"snapshot with timestamp.json", metaOf(Snapshot, `{"timestamp.json":{"version":1},"targets.json":{"version":1}}`), "does not belong"},
		{"snapshot with itself", metaOf(Snapshot, `{"snapshot.json":{"version":1},"targets.json":{"version":1}}`), "does not belong"},
		{"snapshot with another ending", metaOf(Snapshot, `{"armani.yaml":{"version":1},"targets.json":{"version":1}}`), "does not belong"},
		{"snapshot with no role", metaOf(Snapshot, `{"7110.json":{"version":1},"targets.json":{"version":1}}`), "does not belong"},
		{"timestamp with a role", metaOf(Timestamp, `{"armani.json":{"version":1,"length":1,"hashes":{"sha256":"`+strings.Repeat("0", 64)+
			`"}},"snapshot.json":{"version":1,"length":1,"hashes":{"sha256":"`+strings.Repeat("0", 64)+`"}}}`), "does not belong"},
		{"snapshot with version 0", metaOf(Snapshot, `{"armani.json":{"version":0},"targets.json":{"version":1}}`), "armani.json: version 0"},
		{"snapshot with a length below 0", metaOf(Snapshot, `{"armani.json":{"version":1,"length":-1,"hashes":{"sha256":"`+strings.Repeat("0",
			64)+`"}},"targets.json":{"version":1}}`), "length -1"},
		{"huge", strings.Repeat(" ", MaxTargetsBytes+1), "limit"},
		{"huge timestamp", sub(Timestamp, `{`, `{`+strings.Repeat(" ", MaxTimestampBytes)), "limit"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read([]byte(c.doc))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; wanted %q", err, c.want)
			}
		})
	}
}

// TestLargestIntegers: what every client reads exactly is taken, to the last one.
func TestLargestIntegers(t *testing.T) {
	for number, ok := range map[string]bool{"9007199254740991": true, "9007199254740992": false, "-9007199254740991": true,
		"-9007199254740992": false} {
		if err := strictJSON([]byte(`{"n":` + number + `}`)); (err == nil) != ok {
			t.Errorf("%s: %v", number, err)
		}
	}
}

func metaOf(kind, meta string) string {
	return `{"signatures":[],"signed":{"_type":"` + kind + `","spec_version":"1.0.31","version":1,"expires":"2014-08-10T08:00:00Z","meta":` +
		meta + `}}`
}

// TestKeysAreKeptApart covers keys listed in two places.
func TestKeysAreKeptApart(t *testing.T) {
	r := newRepo("armani")
	twice := r.rootSpec(1)
	twice.Root.Keys[4] = twice.Root.Keys[0]
	shared := r.rootSpec(1)
	shared.Targets.Keys[0] = shared.Root.Keys[0]
	online := r.rootSpec(1)
	online.Snapshot = online.Timestamp
	for name, spec := range map[string]RootSpec{"twice in one role": twice, "root and targets": shared, "snapshot and timestamp": online} {
		if _, err := NewRoot(spec); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	both := r.modelKeys()
	both[0].Offers.Keys[0] = both[0].Builds.Keys[0]
	if _, err := NewTargets(1, r.in(1), both); err == nil || !strings.Contains(err.Error(), "keys of its own") {
		t.Errorf("a key for builds and offers: error %v", err)
	}
}

// TestOneKeyUnderTwoIDs: two of the three clients would count it twice.
func TestOneKeyUnderTwoIDs(t *testing.T) {
	r := newRepo()
	var doc struct {
		Signatures []any          `json:"signatures"`
		Signed     map[string]any `json:"signed"`
	}
	if err := json.Unmarshal(r.roots[0], &doc); err != nil {
		t.Fatal(err)
	}
	table := doc.Signed["keys"].(map[string]any)
	role := doc.Signed["roles"].(map[string]any)[Root].(map[string]any)
	other := strings.Repeat("ab", 32)
	table[other] = table[r.root[0].Key().ID()]
	role["keyids"] = append(role["keyids"].([]any), other)
	_, err := Read(must(json.Marshal(doc)))
	if err == nil || !strings.Contains(err.Error(), "twice") || !strings.Contains(err.Error(), "its id should be") {
		t.Errorf("error %v", err)
	}
}

func TestNewKeyRefusesOtherCurves(t *testing.T) {
	k := edSigner("x").Key()
	k.Value.Public = strings.ToUpper(k.Value.Public)
	if _, err := k.Public(); err == nil {
		t.Error("a key in capitals would be the same key under another id")
	}
	ec := ecSigner("x").Key()
	ec.Value.Public += "\n"
	if _, err := ec.Public(); err == nil {
		t.Error("a PEM with another layout would be the same key under another id")
	}
	ec = ecSigner("x").Key()
	ec.Type = "ecdsa-sha2-nistp256"
	if _, err := ec.Public(); err == nil {
		t.Error("the old key type name gives the same key another id")
	}
	if _, err := NewKey("nothing"); err == nil {
		t.Error("a string is no key")
	}
}

func TestPaths(t *testing.T) {
	for _, bad := range []string{"", "builds", "builds/armani", "builds/armani/", "builds/Armani/x.zip", "other/armani/x", "builds/armani/x y",
		"builds/armani/ü", "builds/armani/x?", "/builds/armani/x"} {
		if CheckPath(bad) == nil {
			t.Errorf("CheckPath(%q) accepted", bad)
		}
	}
	got := []string{PackagePath("armani", "a.zip"), PackagePath("armani", "a"), ManifestPath("armani", "fix", "armani_global"),
		OffersPath("armani", "stable"),
		StoredTarget("builds/armani/a.zip", "00ff"), MetadataFile(Root, 3), MetadataFile(Timestamp, 9), Pattern("armani"),
		Pattern("armani-offers")}
	want := []string{"builds/armani/a.zip", "builds/armani/a.zip", "builds/armani/fix.armani_global.json", "offers/armani/stable.json",
		"builds/armani/00ff.a.zip", "3.root.json", "timestamp.json", "builds/armani/*", "offers/armani/*"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestNamesOfTargets: a client that puts the hash before the whole path means the file that has it before its name.
func TestNamesOfTargets(t *testing.T) {
	sum := strings.Repeat("0f", 32)
	for name, want := range map[string]string{
		PrefixedTarget("builds/armani/a.zip", sum):     StoredTarget("builds/armani/a.zip", sum),
		PrefixedTarget("offers/armani/b.v2.json", sum): StoredTarget("offers/armani/b.v2.json", sum),
		StoredTarget("builds/armani/a.zip", sum):       StoredTarget("builds/armani/a.zip", sum),
		sum + ".a.zip":                                 sum + ".a.zip", // the same in both manners
		sum + "./a.zip":                                sum + "./a.zip",
		sum + "/builds/a.zip":                          sum + "/builds/a.zip",
		sum[1:] + ".builds/armani/a.zip":               sum[1:] + ".builds/armani/a.zip",
		strings.ToUpper(sum) + ".builds/armani/a.zip":  strings.ToUpper(sum) + ".builds/armani/a.zip",
		sum + ".builds/armani/":                        "builds/armani/" + sum + ".",
		sum + ".builds/" + sum + ".armani/a.zip":       "builds/" + sum + ".armani/" + sum + ".a.zip",
		"":                                             "",
	} {
		if got := StoredAs(name); got != want {
			t.Errorf("%s stands for %s, wanted %s", name, got, want)
		}
	}
}

// TestKeyIDs: the id is over what canonical JSON makes of the key, whatever stands in it.
func TestKeyIDs(t *testing.T) {
	for _, k := range []Key{
		{}, edSigner("someone").Key(), ecSigner("someone").Key(),
		{Type: `a "quoted" \ word`, Scheme: "<&>\u2028é", Value: KeyValue{"line\nline\t\x7f\x01"}},
	} {
		text, err := canonical(k)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := k.ID(), format.SHA256(text); got != want {
			t.Errorf("%q has the id %s, wanted that of %s", k, got, text)
		}
	}
}

// TestAttachRefuses: a signature that no reader would take is never written.
func TestAttachRefuses(t *testing.T) {
	r, someone := newRepo("armani"), edSigner("someone").Key().ID()
	for name, s := range map[string]Signature{
		"a key id in upper case":    {KeyID: strings.ToUpper(someone), Sig: "00"},
		"a signature in upper case": {KeyID: someone, Sig: "AB"},
		"no hex":                    {KeyID: someone, Sig: "\xff"},
		"a long signature":          {KeyID: someone, Sig: strings.Repeat("00", 257)},
		"one that makes it too long": {KeyID: someone,
			Sig: strings.Repeat("0", MaxRootBytes)},
	} {
		if _, err := Attach(r.roots[0], s); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	doc, err := Attach(r.roots[0], Signature{KeyID: someone, Sig: "ab"})
	if _, err2 := Read(doc); err != nil || err2 != nil {
		t.Errorf("a good one: %v, %v", err, err2)
	}
}

// BenchmarkSign is what a ceremony does: three people sign one file.
func BenchmarkSign(b *testing.B) {
	r := newRepo("armani")
	signers := people("root", 3)
	for b.Loop() {
		must(Sign(r.roots[0], signers...))
	}
}

func FuzzRead(f *testing.F) {
	r := newRepo("armani")
	for _, doc := range r.files {
		f.Add(doc)
	}
	f.Add(r.roots[0])
	f.Add([]byte(metaOf(Timestamp, `{}`)))
	f.Fuzz(func(t *testing.T, doc []byte) {
		info, err := Read(doc)
		if err != nil {
			return
		}
		if info.Version < 1 || info.Expires.Location() != time.UTC {
			t.Errorf("accepted version %d, expiry %v", info.Version, info.Expires)
		}
		signed, err := Sign(doc, edSigner("anyone"))
		if err != nil {
			t.Fatalf("read but not signed: %v", err)
		}
		if same, err := SameStatement(doc, signed); err != nil || !same {
			t.Errorf("signing changed what is said: %v", err)
		}
		again, err := Sign(signed, edSigner("anyone"))
		if err != nil || !bytes.Equal(again, signed) {
			t.Errorf("signing twice is not signing once: %v", err)
		}
	})
}
