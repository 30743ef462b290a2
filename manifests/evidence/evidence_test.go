// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

var tested = time.Date(2014, 8, 12, 9, 30, 0, 0, time.UTC)

const fingerprint = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH45.0:user/release-keys"

type signer struct{ private ed25519.PrivateKey }

func (s signer) Key() tufrepo.Key                    { return must(tufrepo.NewKey(s.private.Public())) }
func (s signer) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.private, message), nil }

func person(name string) signer {
	seed := sha256.Sum256([]byte(name))
	return signer{ed25519.NewKeyFromSeed(seed[:])}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func observation(kind Kind, v Verdict, hours int) Observation {
	return Observation{Kind: kind, Model: "armani", Release: "miui-cloud-messaging-opt-in", Build: fingerprint,
		Package: strings.Repeat("ab", 32), Steps: []string{"reset the handset", "wait <24> hours & look"},
		Seen: []string{"nothing to api.account.xiaomi.com before consent"}, Capture: strings.Repeat("cd", 32),
		At: tested.Add(time.Duration(hours) * time.Hour), Verdict: v}
}

func voucher() Voucher {
	return Voucher{Installation: "0123456789ABCDEFGHJKMNPQ", Model: "armani", From: tested, Until: tested.AddDate(0, 6, 0)}
}

func seal(t *testing.T, s Said, by string) Statement {
	t.Helper()
	text, id, err := Seal(s, person(by))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != id || !got.SignedBy([]tufrepo.Key{person(by).Key()}) || got.SignedBy([]tufrepo.Key{person("nobody").Key()}) {
		t.Fatalf("sealed as %s, read as %s, signed by %.8s", id, got.ID, got.Signer)
	}
	return got
}

func observed(t *testing.T, by string, kind Kind, v Verdict, hours int) Statement {
	t.Helper()
	o := observation(kind, v, hours)
	return seal(t, Said{Observation: &o}, by)
}

func withdraw(t *testing.T, by string, s Statement) Statement {
	t.Helper()
	return seal(t, Said{Withdrawal: &Withdrawal{s.ID, "the capture was of another handset", tested.AddDate(0, 0, 9)}}, by)
}

func TestSealParse(t *testing.T) {
	o, v := observation(Retention, Refutes, 0), voucher()
	for _, want := range []Said{{Observation: &o}, {Voucher: &v},
		{Withdrawal: &Withdrawal{strings.Repeat("ef", 32), "lost", tested}}} {
		got := seal(t, want, "ann")
		if diff := cmp.Diff(want, got.Said); diff != "" {
			t.Error(diff)
		}
	}
}

// TestIsInToto: a reader that knows in-toto and nothing of us finds its fields.
func TestIsInToto(t *testing.T) {
	s := observed(t, "ann", Traffic, Confirms, 0)
	var w struct {
		Type    string `json:"_type"`
		Subject []struct {
			Name   string
			Digest map[string]string
		}
		PredicateType string
		Predicate     map[string]any
	}
	if err := json.Unmarshal(s.Payload(), &w); err != nil {
		t.Fatal(err)
	}
	if w.Type != "https://in-toto.io/Statement/v1" || w.PredicateType != ObservationType || w.Subject[0].Name != fingerprint ||
		w.Subject[0].Digest["sha256"] != strings.Repeat("ab", 32) || w.Predicate["verdict"] != "confirms" {
		t.Errorf("%+v", w)
	}
}

func TestSealRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*Observation)
		want string
	}{
		{"kind", func(o *Observation) { o.Kind = "mood" }, "kind"},
		{"verdict", func(o *Observation) { o.Verdict = "maybe" }, "verdict"},
		{"no steps", func(o *Observation) { o.Steps = nil }, "steps has 0 entries"},
		{"too many", func(o *Observation) { o.Seen = make([]string, MaxSeen+1) }, "seen has 201 entries"},
		{"two lines", func(o *Observation) { o.Seen = []string{"a\nb"} }, "printable"},
		{"a terminal's escape", func(o *Observation) { o.Steps = []string{"\x1b[2J"} }, "printable"},
		{"right to left", func(o *Observation) { o.Steps = []string{"a\u202eb"} }, "printable"},
		{"no UTF-8", func(o *Observation) { o.Steps = []string{"a\xff"} }, "printable"},
		{"long", func(o *Observation) { o.Steps = []string{strings.Repeat("x", MaxText+1)} }, "501 characters"},
		{"capture", func(o *Observation) { o.Capture = "AB" }, "capture"},
		{"package", func(o *Observation) { o.Package = "" }, "package"},
		{"build", func(o *Observation) { o.Build = "a b" }, "fingerprint"},
		{"fraction", func(o *Observation) { o.At = o.At.Add(1) }, "whole seconds"},
		{"zone", func(o *Observation) { o.At = o.At.In(time.FixedZone("", 3600)) }, "UTC"},
	} {
		o := observation(Traffic, Confirms, 0)
		c.edit(&o)
		if _, _, err := Seal(Said{Observation: &o}, person("ann")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, wanted %q", c.name, err, c.want)
		}
	}
	for _, v := range []Voucher{{}, {Installation: "0123", Model: "armani", From: tested, Until: tested.Add(time.Hour)},
		{Installation: "0123456789ABCDEFGHJKMNPQ", Model: "armani", From: tested, Until: tested},
		{Installation: "0123456789ABCDEFGHJKMNPQ", Model: "armani", From: tested, Until: tested.Add(MaxVouch + time.Second)}} {
		if _, _, err := Seal(Said{Voucher: &v}, person("ann")); err == nil {
			t.Errorf("%+v was signed", v)
		}
	}
	if _, _, err := Seal(Said{}, person("ann")); err == nil || !strings.Contains(err.Error(), "says 0 things") {
		t.Errorf("nothing said: %v", err)
	}
	o := observation(Traffic, Confirms, 0)
	o.Seen = make([]string, MaxSeen)
	for i := range o.Seen {
		o.Seen[i] = strings.Repeat("x", MaxText)
	}
	if _, _, err := Seal(Said{Observation: &o}, person("ann")); err == nil || !strings.Contains(err.Error(), "say less") {
		t.Errorf("the largest statement: %v", err)
	}
}

// TestParseRefuses: there is one way to write a statement, whoever signed it.
func TestParseRefuses(t *testing.T) {
	s := observed(t, "ann", Traffic, Confirms, 0)
	pack := func(kind, payload string, signatures string) []byte {
		return fmt.Appendf(nil, `{"payloadType":%q,"payload":%q,"signatures":[%s]}`, kind,
			base64.StdEncoding.EncodeToString([]byte(payload)), signatures)
	}
	one := fmt.Sprintf(`{"keyid":%q,"sig":"AAAA"}`, s.Signer)
	payload := string(s.Payload())
	if _, err := Parse(pack(PayloadType, payload, one)); err != nil {
		t.Fatalf("the kit is wrong: %v", err)
	}
	for _, c := range []struct {
		name string
		text []byte
		want string
	}{
		{"no JSON", []byte("{"), "no DSSE envelope"},
		{"another type", pack("text/plain", payload, one), "text/plain"},
		{"two signatures", pack(PayloadType, payload, one+","+one), "2 signatures"},
		{"no signature", pack(PayloadType, payload, ""), "0 signatures"},
		{"a key that is none", pack(PayloadType, payload, `{"keyid":"ann","sig":"AAAA"}`), "key id"},
		{"a blank", pack(PayloadType, strings.Replace(payload, `"kind":`, `"kind": `, 1), one), "one form"},
		{"a field twice", pack(PayloadType, strings.Replace(payload, `"kind":`, `"kind":"transport","kind":`, 1), one), "one form"},
		{"an unknown field", pack(PayloadType, strings.Replace(payload, `"kind":`, `"mood":1,"kind":`, 1), one), "mood"},
		{"another time zone", pack(PayloadType, strings.Replace(payload, "T09:30:00Z", "T10:30:00+01:00", 1), one), "one form"},
		{"another predicate", pack(PayloadType, strings.Replace(payload, ObservationType, "urn:landed:observation:v2", 1), one), "v2"},
		{"another digest", pack(PayloadType, strings.Replace(payload, `"sha256":`, `"md5":`, 1), one), "package"},
		{"another's name", pack(PayloadType, payload, strings.Replace(one, s.Signer, person("bo").Key().ID(), 1)), "the envelope names key"},
		{"two subjects", pack(PayloadType, strings.Replace(payload, `"subject":[`, `"subject":[{"name":"x","digest":{}},`, 1), one), "2 subjects"},
		{"oversized", bytes.Repeat([]byte(" "), MaxBytes+1), "the limit is"},
	} {
		if _, err := Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, wanted %q", c.name, err, c.want)
		}
	}
	forged := must(Parse(pack(PayloadType, payload, one)))
	if forged.SignedBy([]tufrepo.Key{person("ann").Key()}) {
		t.Error("a made-up signature is ann's")
	}
}

func FuzzParse(f *testing.F) {
	o, v := observation(Traffic, Confirms, 0), voucher()
	for _, s := range []Said{{Observation: &o}, {Voucher: &v}, {Withdrawal: &Withdrawal{strings.Repeat("ef", 32), "lost", tested}}} {
		text, _, err := Seal(s, person("ann"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if err := s.Validate(); err != nil {
			t.Errorf("it was read, and is not valid: %v", err)
		}
		again, err := s.Said.payload(s.Signer)
		if err != nil || !bytes.Equal(again, s.Payload()) {
			t.Errorf("there are two ways to write it: %s and %s, %v", again, s.Payload(), err)
		}
	})
}

func observers(threshold int, names ...string) tufrepo.RoleKeys {
	r := tufrepo.RoleKeys{Threshold: threshold}
	for _, n := range names {
		r.Keys = append(r.Keys, person(n).Key())
	}
	return r
}

func TestStand(t *testing.T) {
	ann, bo := observed(t, "ann", Traffic, Confirms, 0), observed(t, "bo", Traffic, Confirms, 1)
	other := observation(Traffic, Refutes, 0)
	other.Model = "dior"
	for _, c := range []struct {
		name string
		all  []Statement
		want Standing
		n    Counted
	}{
		{"nobody", nil, Open, Counted{Silent: 3}},
		{"one of two", []Statement{ann}, Open, Counted{Confirm: 1, Silent: 2}},
		{"one says it twice", []Statement{ann, observed(t, "ann", Traffic, Confirms, 5)}, Open, Counted{Confirm: 1, Silent: 2}},
		{"two", []Statement{ann, bo}, Confirmed, Counted{Confirm: 2, Silent: 1}},
		{"strangers", []Statement{ann, observed(t, "mallory", Traffic, Confirms, 1), observed(t, "mallory", Traffic, Refutes, 2)},
			Open, Counted{Confirm: 1, Silent: 2}},
		{"another kind", []Statement{ann, observed(t, "bo", Transport, Confirms, 1)}, Open, Counted{Confirm: 1, Silent: 2}},
		{"another model", []Statement{ann, bo, seal(t, Said{Observation: &other}, "cy")}, Confirmed, Counted{Confirm: 2, Silent: 1}},
		{"one refutes", []Statement{ann, bo, observed(t, "cy", Traffic, Refutes, 2)}, Refuted, Counted{Confirm: 2, Refute: 1}},
		{"and takes it back", []Statement{ann, bo, observed(t, "cy", Traffic, Refutes, 2),
			withdraw(t, "cy", observed(t, "cy", Traffic, Refutes, 2))}, Confirmed, Counted{Confirm: 2, Withdrawn: 1}},
		{"and somebody else takes it back", []Statement{ann, bo, observed(t, "cy", Traffic, Refutes, 2),
			withdraw(t, "ann", observed(t, "cy", Traffic, Refutes, 2))}, Refuted, Counted{Confirm: 2, Refute: 1}},
		{"and tests again", []Statement{observed(t, "cy", Traffic, Confirms, 9), ann, bo, observed(t, "cy", Traffic, Refutes, 2)},
			Confirmed, Counted{Confirm: 3}},
		{"a later doubt", []Statement{ann, bo, observed(t, "bo", Traffic, Inconclusive, 9)}, Open,
			Counted{Confirm: 1, Inconclusive: 1, Silent: 1}},
		{"what was taken back brings nothing back", []Statement{ann, bo, observed(t, "bo", Traffic, Inconclusive, 9),
			withdraw(t, "bo", observed(t, "bo", Traffic, Inconclusive, 9))}, Open, Counted{Confirm: 1, Withdrawn: 1, Silent: 1}},
	} {
		found := Stand(c.all, observers(2, "ann", "bo", "cy"), Subject{"armani", fingerprint})
		if len(found) != 3 || found[0].Kind != Traffic || found[0].Standing != c.want || found[0].Count() != c.n {
			t.Errorf("%s: %s, %+v; wanted %s, %+v", c.name, found[0].Standing, found[0].Count(), c.want, c.n)
		}
	}
	for _, f := range Stand([]Statement{ann, bo}, tufrepo.RoleKeys{}, Subject{"armani", fingerprint}) {
		if f.Standing != Open || f.Of != 0 || len(f.Views) != 0 {
			t.Errorf("without observers: %+v", f)
		}
	}
}

func TestVouchers(t *testing.T) {
	v, dior := voucher(), voucher()
	dior.Model = "dior"
	lab, other := seal(t, Said{Voucher: &v}, "lab"), seal(t, Said{Voucher: &dior}, "lab")
	all := []Statement{lab, other, seal(t, Said{Voucher: &v}, "mallory")}
	keys := []tufrepo.Key{person("lab").Key(), person("lab-two").Key()}
	found := Vouchers(all, keys, "armani")
	if len(found) != 1 || found[0].ID != lab.ID || found[0].Installation != report.Reference("0123456789ABCDEFGHJKMNPQ") ||
		found[0].Withdrawn != nil {
		t.Errorf("%+v", found)
	}
	for by, want := range map[string]bool{"lab": true, "lab-two": true, "mallory": false} {
		found = Vouchers(append(all, withdraw(t, by, lab)), keys, "armani")
		if len(found) != 1 || (found[0].Withdrawn != nil) != want {
			t.Errorf("taken back by %s: %+v", by, found)
		}
	}
	for at, want := range map[time.Time]bool{tested.Add(-1): false, tested: true, v.Until.Add(-1): true, v.Until: false} {
		if v.Covers(at) != want {
			t.Errorf("at %s it covers: %v", at, !want)
		}
	}
}
