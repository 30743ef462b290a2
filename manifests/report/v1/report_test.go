// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func example() Report {
	return Report{
		Schema: 1, ID: strings.Repeat("0a", 16), Seq: 3, Kind: KindEffect, Release: "miui-cloud-messaging-opt-in",
		Model: "armani", Variant: "armani_global", Channel: "stable",
		Build: "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH45.0:user/release-keys", BuildUTC: 1407628800, Progress: ProgressRunning,
		Key: fmt.Sprintf("%x", []byte(testKey(1).Public().(ed25519.PublicKey))),
		Evidence: Evidence{
			Feature: 1, Migration: MigrationSwitchOff, State: StateOff, Origin: OriginPolicy, Consent: ConsentNone, ConsentSurface: SurfaceNone,
			AutoGate: GateClosed, Slots: []Slot{{Present: true, By: RegisteredByNone}}, Transport: TransportNotUsed, ObservedHours: 24,
		},
	}
}

func TestSealOpen(t *testing.T) {
	text, err := Seal(example(), testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	got, ref, err := Open(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(), got); diff != "" {
		t.Error(diff)
	}
	if ref != ReferenceOf(testKey(1).Public().(ed25519.PublicKey)) {
		t.Errorf("reference %s is not of the key", ref)
	}
}

// TestOpenRefuses alters a good envelope in one way each.
func TestOpenRefuses(t *testing.T) {
	seal := func(body string, key ed25519.PrivateKey, signed string) []byte {
		text, _ := Seal(example(), key)
		var e envelope
		_ = json.Unmarshal(text, &e)
		e.Payload = base64.StdEncoding.EncodeToString([]byte(body))
		if signed != "" {
			e.Signatures[0].Sig = base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(signed)))
		}
		out, _ := json.Marshal(e)
		return out
	}
	pae := func(body string) string {
		return fmt.Sprintf("DSSEv1 %d %s %d %s", len(PayloadType), PayloadType, len(body), body)
	}
	good := string(example().Bytes())
	with := func(old, new string) []byte {
		body := strings.Replace(good, old, new, 1)
		if body == good {
			t.Fatalf("%q does not stand in the example", old)
		}
		return seal(body, testKey(1), pae(body))
	}
	if _, _, err := Open(seal(good, testKey(1), pae(good))); err != nil {
		t.Fatalf("the unaltered one: %v", err)
	}
	tests := map[string]struct {
		text  []byte
		is    error
		wants string
	}{
		"empty":               {nil, ErrEnvelope, ""},
		"not JSON":            {[]byte("<html>"), ErrEnvelope, ""},
		"too large":           {bytes.Repeat([]byte(" "), MaxEnvelope+1), ErrTooLarge, ""},
		"truncated":           {seal(good, testKey(1), pae(good))[:500], ErrEnvelope, ""},
		"two values":          {append(seal(good, testKey(1), pae(good)), "{}"...), ErrEnvelope, ""},
		"foreign type":        {bytes.Replace(seal(good, testKey(1), ""), []byte("landed.report"), []byte("landed.wish"), 1), ErrEnvelope, ""},
		"unknown in envelope": {bytes.Replace(seal(good, testKey(1), ""), []byte(`{"payloadType"`), []byte(`{"ip":"","payloadType"`), 1), ErrEnvelope, ""},
		"body changed after":  {seal(strings.Replace(good, `"seq":3`, `"seq":4`, 1), testKey(1), pae(good)), ErrSignature, ""},
		"another's key":       {seal(good, testKey(2), pae(good)), ErrSignature, ""},
		"bare signature":      {seal(good, testKey(1), good), ErrSignature, ""},
		"unknown field":       {with(`{"schema"`, `{"imei":"x","schema"`), nil, "unknown field"},
		"unknown in evidence": {with(`"feature"`, `"carrier":"x","feature"`), nil, "unknown field"},
		"field twice":         {with(`{"schema"`, `{"id":"490154203237518","schema"`), ErrForm, ""},
		"blank in body":       {with(`"seq":3`, `"seq": 3`), ErrForm, ""},
		"blank in envelope":   {append(seal(good, testKey(1), pae(good)), ' '), ErrForm, ""},
		"line end in payload": {bytes.Replace(seal(good, testKey(1), pae(good)), []byte(`","signatures"`), []byte("\n\",\"signatures\""), 1), ErrEnvelope, ""},
		"twice in envelope":   {bytes.Replace(seal(good, testKey(1), pae(good)), []byte(`{"payloadType"`), []byte(`{"payload":"490154203237518x","payloadType"`), 1), ErrForm, ""},
		"capital in envelope": {bytes.Replace(seal(good, testKey(1), pae(good)), []byte(`"payloadType"`), []byte(`"PayloadType"`), 1), ErrForm, ""},
		"wrong type":          {with(`"seq":3`, `"seq":"3"`), nil, "seq"},
		"fraction":            {with(`"seq":3`, `"seq":3.5`), nil, "seq"},
		"negative":            {with(`"attempts_build":0`, `"attempts_build":-1`), nil, "attempts_build"},
		"too many":            {with(`"observed_hours":24`, `"observed_hours":169`), nil, "observed_hours"},
		"free text state":     {with(`"state":"off"`, `"state":"off since Tuesday"`), nil, "evidence.state"},
		"three slots":         {with(`"slots":[`, `"slots":[{"present":true,"registered":false,"by":"none"},{"present":true,"registered":false,"by":"none"},`), nil, "slots"},
		"failure while fine":  {with(`"progress":"running"`, `"progress":"running","failure":{"phase":"boot","code":1}`), nil, "failure"},
		"day with time":       {with(`"consent_day":""`, `"consent_day":"2014-08-10T10:00"`), nil, "consent_day"},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		tt := tests[name]
		t.Run(name, func(t *testing.T) {
			_, _, err := Open(tt.text)
			if err == nil {
				t.Fatal("it was opened")
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, wanted %v", err, tt.is)
			}
			if !strings.Contains(err.Error(), tt.wants) {
				t.Errorf("got %v, wanted words about %q", err, tt.wants)
			}
		})
	}
}

// TestKeysOfNobody: for a point of small order anybody can make a signature, one that fits many messages, and other
// verifiers disagree about it. No handset has such a key.
func TestKeysOfNobody(t *testing.T) {
	identity := append([]byte{1}, make([]byte, 31)...)
	forged := append(bytes.Clone(identity), make([]byte, 32)...) // R is the identity, S is 0
	for _, text := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000", // order 1
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // 2
		"0000000000000000000000000000000000000000000000000000000000000000", // 4
		"0000000000000000000000000000000000000000000000000000000000000080",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // 8
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"0100000000000000000000000000000000000000000000000000000000000080", // the same points, written otherwise
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		r := example()
		r.Key = text
		for r.Seq = 1; r.Seq <= 200; r.Seq++ { // the order divides the hash of the message now and then
			body := r.Bytes()
			envelope, _ := json.Marshal(envelope{PayloadType, base64.StdEncoding.EncodeToString(body),
				[]signature{{string(ReferenceOf(r.PublicKey())), base64.StdEncoding.EncodeToString(forged)}}})
			if _, _, err := Open(envelope); err == nil {
				t.Errorf("a report was signed for key %s without any secret", text)
				break
			}
		}
	}
}

// TestRefusalsAreDiscreet puts a number where encoding/json would quote it.
func TestRefusalsAreDiscreet(t *testing.T) {
	const imei = "490154203237518"
	good := string(example().Bytes())
	for name, body := range map[string]string{
		"as a field":         strings.Replace(good, `{"schema"`, `{"`+imei+`":1,"schema"`, 1),
		"as a number":        strings.Replace(good, `"observed_hours":24`, `"observed_hours":`+imei+imei, 1),
		"as another type":    strings.Replace(good, `"state":"off"`, `"state":`+imei, 1),
		"outside of a value": imei + imei + "x" + good,
	} {
		if _, err := Parse([]byte(body)); body == good || err == nil || strings.Contains(err.Error(), imei) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestOtherBuild(t *testing.T) {
	r := example()
	r.Build, r.BuildUTC, r.PreviousBuild = BuildOther, 0, BuildOther
	if err := r.Validate(); err != nil {
		t.Error(err)
	}
	if r.BuildUTC = 912345678; r.Validate() == nil {
		t.Error("a build that has no name has a time")
	}
}

// TestNoRoomForIdentity puts each forbidden item into each string field: none is taken,
// and none is repeated in the refusal.
func TestNoRoomForIdentity(t *testing.T) {
	forbidden := []string{"490154203237518", "+886 912 345 678", "0912345678", "460001234567890", "89860012345678901234", "owner@example.com", "25.0330,121.5654", "中華電信"}
	var object map[string]any
	_ = json.Unmarshal(example().Bytes(), &object)
	var try func(at map[string]any)
	try = func(at map[string]any) {
		for field, value := range at {
			if inner, ok := value.(map[string]any); ok {
				try(inner)
				continue
			}
			for _, item := range forbidden {
				at[field] = item
				body, _ := json.Marshal(object)
				if _, err := Parse(body); err == nil {
					t.Errorf("%s took %s", field, item)
				} else if strings.Contains(err.Error(), item) {
					t.Errorf("%s: the refusal repeats what was sent: %v", field, err)
				}
			}
			at[field] = value
		}
	}
	try(object)
}

func TestReference(t *testing.T) {
	ref := ReferenceOf(testKey(1).Public().(ed25519.PublicKey))
	for _, written := range []string{ref.String(), string(ref), strings.ToLower(ref.String()), " " + ref.String() + " ", strings.ReplaceAll(ref.String(), "0", "O"), strings.ReplaceAll(ref.String(), "1", "l")} {
		if got, err := ParseReference(written); err != nil || got != ref {
			t.Errorf("%q reads as %q, %v; wanted %q", written, got, err, ref)
		}
	}
	for _, bad := range []string{"", "ABCD", ref.String() + "0", "U" + string(ref)[1:], "<script>"} {
		if got, err := ParseReference(bad); err == nil {
			t.Errorf("%q reads as %q", bad, got)
		}
	}
}

func FuzzOpen(f *testing.F) {
	text, _ := Seal(example(), testKey(1))
	f.Add(text)
	f.Add([]byte(`{"payloadType":"","payload":"","signatures":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, ref, err := Open(text)
		if err != nil {
			return
		}
		if r.Validate() != nil || ReferenceOf(r.PublicKey()) != ref {
			t.Fatal("opened what Validate refuses")
		}
		if again, err := Seal(r, testKey(1)); err != nil || r.Key == fmt.Sprintf("%x", []byte(testKey(1).Public().(ed25519.PublicKey))) && !bytes.Equal(text, again) {
			t.Fatal("opened another form than the one that Seal writes")
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(example().Bytes())
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := Parse(body)
		if err != nil {
			return
		}
		again, err := Parse(r.Bytes())
		if diff := cmp.Diff(r, again); err != nil || diff != "" {
			t.Fatalf("does not survive marshalling: %v %s", err, diff)
		}
	})
}

// FuzzRead compares read with encoding/json, whose word counts: read takes a body if, and only
// if, it is what a report marshals to, and reads the same report.
func FuzzRead(f *testing.F) {
	for _, r := range forms() {
		f.Add(r.Bytes())
	}
	for _, body := range []string{``, `{}`, `null`, `:{:{:{`, `[{[{},{},{`, `{"schema":01}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, ok := read(body)
		want, err := Parse(body)
		if err == nil && bytes.Equal(body, want.Bytes()) != ok {
			t.Fatalf("ok is %t", ok)
		}
		if !ok {
			return
		}
		var plain Report
		if err := json.Unmarshal(body, &plain); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plain, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// forms are reports that have every field, no optional one, and the edges of the ranges.
func forms() []Report {
	failed, edges, blank := example(), example(), example()
	failed.Progress, failed.Failure = ProgressFailed, &Failure{Phase: PhaseInstall, Code: 9999}
	edges.Seq, edges.PreviousBuild = maxSeq, edges.Build
	edges.Evidence.Slots = append(edges.Evidence.Slots, Slot{true, true, RegisteredByAuto})
	edges.Evidence.Triggers = Triggers{true, true, true, true, true, true}
	edges.Evidence.ConsentDay, edges.Evidence.AttemptsSetup = "2014-08-12", maxCount
	blank.Build, blank.BuildUTC = BuildOther, 0
	return []Report{example(), failed, edges, blank}
}

func TestReadEveryForm(t *testing.T) {
	for _, r := range forms() {
		got, ok := read(r.Bytes())
		if diff := cmp.Diff(r, got); !ok || diff != "" || r.Validate() != nil {
			t.Errorf("%t %v %s", ok, r.Validate(), diff)
		}
	}
}

// BenchmarkOpen opens an envelope, and in the same run, in turn, verifies its signature alone:
// x_verify is the time of the one over that of the other.
func BenchmarkOpen(b *testing.B) {
	text, _ := Seal(example(), testKey(1))
	public := testKey(1).Public().(ed25519.PublicKey)
	message := dsse.PAE(PayloadType, example().Bytes())
	sig := ed25519.Sign(testKey(1), message)
	var opening, verifying time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		if _, _, err := Open(text); err != nil {
			b.Fatal(err)
		}
		opened := time.Now()
		if !ed25519.Verify(public, message, sig) {
			b.Fatal("a good signature does not verify")
		}
		opening, verifying = opening+opened.Sub(start), verifying+time.Since(opened)
	}
	b.ReportMetric(float64(opening)/float64(verifying), "x_verify")
}
