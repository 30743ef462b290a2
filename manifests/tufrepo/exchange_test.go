// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/manifests"
)

func sampleRequest() Request {
	r := newRepo("armani")
	bundle := must(r.set().Bundle())
	p := packageFor("armani", 2)
	return Request{Schema: 1, ID: "7f3a", Title: "Ship the fix", Created: testNow, Summary: []string{"New package."}, Trusted: bundle.Files,
		Roles:     []RequestRole{{"armani", must(NewRole(2, r.in(100), []Target{p}))}},
		Manifests: map[string][]byte{ManifestPath("armani", "fix", "armani"): []byte("{}")},
		Packages:  []RequestPackage{{p.Path, "miui_armani_2.zip", p.SHA256, p.Length, "armani", "armani", "stable"}},
		Models: []manifests.Model{{Device: "armani", Variants: []string{"armani"}, Profile: manifests.Profile{Family: "file",
			LegacyRecovery: true}}}, Names: map[string]string{strings.Repeat("0", 64): "ann"}}
}

func TestExchangeRoundTrip(t *testing.T) {
	r := sampleRequest()
	got, err := ParseRequest(r.Bytes())
	if diff := cmp.Diff(r, got); err != nil || diff != "" {
		t.Errorf("request: error %v\n%s", err, diff)
	}
	if set, err := got.TrustedSet(); err != nil || len(set.Roots) != 1 || len(set.Files) != 2 || len(got.Staged()) != 1 {
		t.Errorf("trusted set %d roots, %d files, error %v", len(set.Roots), len(set.Files), err)
	}
	a := Response{1, "7f3a", []Signature{{"armani", strings.Repeat("0", 64), "00"}}}
	if back, err := ParseResponse(a.Bytes()); err != nil || !cmp.Equal(a, back) {
		t.Errorf("response: %v, error %v", back, err)
	}
	b := Bundle{1, r.Trusted, r.Names}
	if back, err := ParseBundle(b.Bytes()); err != nil || !cmp.Equal(b, back) {
		t.Errorf("bundle: error %v", err)
	}
	empty := Request{Schema: 1, ID: "x", Created: testNow}
	if _, err := ParseRequest(empty.Bytes()); err != nil {
		t.Errorf("an empty request: %v", err)
	}
}

func TestExchangeRefusals(t *testing.T) {
	request := func(change func(*Request)) string {
		r := sampleRequest()
		change(&r)
		return string(r.Bytes())
	}
	cases := []struct{ name, text, want string }{
		{"another schema", request(func(r *Request) { r.Schema = 2 }), "schema is 2"},
		{"no id", request(func(r *Request) { r.ID = "" }), "id:"},
		{"a role twice", request(func(r *Request) { r.Roles = append(r.Roles, r.Roles[0]) }), "asked for twice"},
		{"broken metadata", request(func(r *Request) { r.Roles[0].Metadata = []byte("{}") }), "role armani"},
		{"a file under another name", request(func(r *Request) { r.Trusted["2.root.json"] = r.Trusted["1.root.json"] }), "has another name"},
		{"a root under a model's name", request(func(r *Request) { r.Trusted["1.dior.json"] = r.Trusted["1.root.json"] }), "has another name"},
		{"a path that climbs", request(func(r *Request) { r.Packages[0].Name = "../x" }), "plain file name"},
		{"a manifest outside", request(func(r *Request) { r.Manifests["../../etc/passwd"] = []byte("x") }), "target path"},
		{"a name that could steer a terminal", request(func(r *Request) { r.Names = map[string]string{strings.Repeat("0", 64): "An\x1b"} }),
			"control character"},
		{"a name with a blank", request(func(r *Request) { r.Names = map[string]string{strings.Repeat("0", 64): "An Li"} }), "lower-case"},
		{"a name of no key", request(func(r *Request) { r.Names = map[string]string{"0": "ann"} }), "no key id"},
		{"a model of no family", request(func(r *Request) { r.Models[0].Profile.Family = "zip" }), "profile.family"},
		{"a variant whose manifest would be the notes", request(func(r *Request) { r.Models[0].Variants[0] = "notes" }),
			"no variant can be called"},
		{"a variant whose manifest would be the effect", request(func(r *Request) { r.Models[0].Variants[0] = "effect" }),
			"no variant can be called"},
		{"models without content", strings.Replace(request(func(*Request) {}), `"models"`, `"models":[],"models"`, 1), "twice"},
		{"an unknown field", strings.Replace(request(func(*Request) {}), `"schema"`, `"shell":"rm","schema"`, 1), "unknown field"},
		{"trailing bytes", request(func(*Request) {}) + "x", "not exactly one"},
		{"a doubled key", strings.Replace(request(func(*Request) {}), `"schema": 1`, `"schema": 1, "schema": 1`, 1), "twice"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := ParseRequest([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; wanted %q", err, c.want)
			}
		})
	}
	if _, err := ParseResponse([]byte(strings.Repeat(" ", maxResponse+1))); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("a huge response: %v", err)
	}
	if _, err := ParseBundle([]byte(`{"schema":1,"files":{"x":"!"}}`)); err == nil {
		t.Error("a bundle with broken base64 was accepted")
	}
}

func TestOnlineKeys(t *testing.T) {
	o := OnlineKeys{1, edSigner("s").Key(), edSigner("t").Key(), ecSigner("o").Key()}
	if back, err := ParseOnlineKeys(o.Bytes()); err != nil || back != o {
		t.Errorf("%v, error %v", back, err)
	}
	o.Offers = o.Snapshot
	if _, err := ParseOnlineKeys(o.Bytes()); err == nil {
		t.Error("one key for two roles was accepted")
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(sampleRequest().Bytes())
	f.Add([]byte(`{"schema":1,"id":"x","title":"","created":"2014-08-10T08:00:00Z","summary":[],"trusted":{},"roles":[],"manifests":{},"packages":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRequest(text)
		if err != nil {
			return
		}
		if back, err := ParseRequest(r.Bytes()); err != nil || !cmp.Equal(r, back) {
			t.Errorf("accepted, but its own bytes are not: %v", err)
		}
		set, _ := r.TrustedSet()
		_ = CheckStaged(set, r.Staged(), time.Unix(1407600000, 0))
		_ = Diff(set, set.With(r.Staged()))
	})
}

func FuzzParseResponse(f *testing.F) {
	f.Add(Response{1, "7f3a", []Signature{{"armani", strings.Repeat("0", 64), "00"}}}.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := ParseResponse(text); err == nil {
			if back, err := ParseResponse(r.Bytes()); err != nil || !cmp.Equal(r, back) {
				t.Errorf("accepted, but its own bytes are not: %v", err)
			}
		}
	})
}

func FuzzParseBundle(f *testing.F) {
	f.Add(Bundle{1, sampleRequest().Trusted, sampleRequest().Names}.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		if b, err := ParseBundle(text); err == nil {
			set, err := b.Set()
			if err != nil {
				t.Errorf("accepted, but it is no set: %v", err)
			}
			_ = set.Check(testNow)
		}
	})
}

func FuzzParseOnlineKeys(f *testing.F) {
	f.Add(OnlineKeys{1, edSigner("s").Key(), edSigner("t").Key(), edSigner("o").Key()}.Bytes())
	f.Add([]byte(`{"schema":1,"snapshot":{"keytype":"ecdsa","scheme":"ecdsa-sha2-nistp256","keyval":{"public":"-----BEGIN"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := ParseOnlineKeys(text)
		if err != nil {
			return
		}
		again, err := ParseOnlineKeys(o.Bytes())
		if err != nil || again != o {
			t.Fatalf("accepted, but does not survive marshalling: %v", err)
		}
		if o.Offers.Verify([]byte("m"), []byte("no signature")) {
			t.Fatal("nonsense is a signature")
		}
	})
}
