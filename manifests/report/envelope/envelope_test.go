// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
	v2 "landed/manifests/report/v2"
	v3 "landed/manifests/report/v3"
)

func TestSealOpen(t *testing.T) {
	want := bodyV3()
	text, id, err := Seal(want, testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	got, ref, err := Open(text)
	if err != nil {
		t.Fatal(err)
	}
	want.ID = id
	if diff := cmp.Diff(want, got, comparable); diff != "" {
		t.Error(diff)
	}
	if ref != report.ReferenceOf(public(testKey(1))) {
		t.Errorf("reference %s is not of the key", ref)
	}
}

func TestSealOpenV2(t *testing.T) {
	text, id, err := SealV2(bodyV3(), testKey(1)) // which has no room for the draw
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := Open(text)
	want := bodyV2()
	want.ID = id
	if diff := cmp.Diff(want, got, comparable); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// TestSealLeavesOut: a commitment and a draw stand where they have a place, whatever the caller gives.
func TestSealLeavesOut(t *testing.T) {
	for _, tt := range []struct {
		kind         report.Kind
		progress     report.Progress
		commit, draw bool
	}{
		{report.KindBaseline, report.ProgressKnown, true, false},
		{report.KindBaseline, report.ProgressRunning, true, true},
		{report.KindProgress, report.ProgressInstalled, false, true},
		{report.KindEffect, report.ProgressRunning, false, true},
	} {
		r := bodyV3()
		r.Kind, r.Progress, r.DrawCommit = tt.kind, tt.progress, strings.Repeat("ab", 32)
		text, _, err := Seal(r, testKey(1))
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := Open(text); err != nil || (got.DrawCommit != "") != tt.commit || (got.Draw != "") != tt.draw {
			t.Errorf("%s, %s: commitment %q, draw %q, %v", tt.kind, tt.progress, got.DrawCommit, got.Draw, err)
		}
	}
}

func TestSealOpenV1(t *testing.T) {
	text, err := SealV1(bodyV1(), testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	got, ref, err := Open(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bodyV1().Report(), got, comparable); diff != "" {
		t.Error(diff)
	}
	if ref != report.ReferenceOf(public(testKey(1))) {
		t.Errorf("reference %s is not of the key", ref)
	}
}

// TestSealSetsItsOwn: whose report it is, in which version, and its id are not the caller's to say.
func TestSealSetsItsOwn(t *testing.T) {
	r := bodyV2()
	r.Schema, r.ID, r.Key = 1, strings.Repeat("490154203237518", 3), strings.Repeat("ab", 32)
	text, id, err := Seal(r, testKey(2))
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := Open(text)
	if err != nil || got.Schema != 3 || got.ID != id || got.Key != fmt.Sprintf("%x", []byte(public(testKey(2)))) {
		t.Errorf("%+v, %v", got, err)
	}
	b := bodyV1()
	b.Key = ""
	if text, err = SealV1(b, testKey(2)); err != nil {
		t.Fatal(err)
	}
	if got, _, err := Open(text); err != nil || got.Key != fmt.Sprintf("%x", []byte(public(testKey(2)))) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestSealRefuses: nothing is signed that nobody would read.
func TestSealRefuses(t *testing.T) {
	r, b := bodyV2(), bodyV1()
	r.Seq, b.Seq = 0, 0
	if text, _, err := Seal(r, testKey(1)); err == nil || text != nil || !strings.Contains(err.Error(), "seq") {
		t.Errorf("%s, %v", text, err)
	}
	if text, err := SealV1(b, testKey(1)); err == nil || text != nil || !strings.Contains(err.Error(), "seq") {
		t.Errorf("%s, %v", text, err)
	}
	r = bodyV2()
	r.Answers["attempts_build"] = probe.Int(-1)
	if text, _, err := Seal(r, testKey(1)); err == nil {
		t.Errorf("a negative answer is sealed: %s", text)
	}
}

// TestIDIsTheHashOfTheBody: a handset does not choose it, and another body has another.
func TestIDIsTheHashOfTheBody(t *testing.T) {
	seen := map[string]bool{}
	for seq := range int64(3) {
		r := bodyV2()
		r.Seq = seq + 1
		text, id, err := Seal(r, testKey(1))
		if err != nil {
			t.Fatal(err)
		}
		var e envelope
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		body, err := base64.StdEncoding.DecodeString(e.Payload)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := Open(text)
		if want := fmt.Sprintf("%x", sha256.Sum256(body)); err != nil || id != want || got.ID != want || seen[id] {
			t.Errorf("sealed as %s, opened as %s, %v; wanted %s, new", id, got.ID, err, want)
		}
		seen[id] = true
	}
}

// TestLargestReportFits: whatever Seal signs, Open reads.
func TestLargestReportFits(t *testing.T) {
	long := "a" + strings.Repeat("z", 60)
	label := strings.Repeat("a", 40)
	r := report.Report{
		Seq: report.MaxSeq, Kind: report.KindBaseline, Release: long, Model: long, Variant: long, Channel: "a123456789012345",
		Build: strings.Join([]string{label, label, label}, "/") + ":" + label[:12] + "/" + label[:24] + "/" + label + ":" +
			label[:12] + "/" + label,
		BuildUTC: 1 << 40, PreviousBuild: report.BuildOther, Progress: report.ProgressFailed, Attempt: report.MaxAttempt,
		Failure: &report.Failure{Phase: report.PhaseDownload, Code: 9999}, Answers: probe.Answers{},
		DrawCommit: strings.Repeat("0", 64),
	}
	for i := range probe.MaxProbes {
		r.Answers[fmt.Sprintf("a%02d%s", i, strings.Repeat("z", 28))] = probe.Word(strings.Repeat("w", 31))
	}
	text, _, err := Seal(r, testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(text); err != nil {
		t.Errorf("%d bytes: %v", len(text), err)
	}
	t.Logf("the largest report has %d bytes, of %d", len(text), MaxBytes)
}

// TestFuture: of a version to come nothing is wrong, and nothing can be said.
func TestFuture(t *testing.T) {
	kind := func(version string) string { return "application/vnd.landed.report" + version + "+json" }
	for _, version := range []string{".v4", ".v9", ".v10", ".v9999"} {
		body := `{"schema":4,"whatever":"it says"}`
		r, ref, err := Open(pack(kind(version), body, testKey(1), pae(kind(version), body)))
		if !errors.Is(err, ErrFuture) || errors.Is(err, ErrEnvelope) || ref != "" || !cmp.Equal(r, report.Report{}, comparable) {
			t.Errorf("%s: %+v, %q, %v", version, r, ref, err)
		}
	}
	for _, version := range []string{".v0", ".v1", ".v02", ".v04", ".v10000", ".v4.1", ".v", ".v2x", "v4", ".v-4"} {
		if _, _, err := Open(pack(kind(version), "{}", testKey(1), "")); !errors.Is(err, ErrEnvelope) || errors.Is(err, ErrFuture) {
			t.Errorf("%s: %v", version, err)
		}
	}
	// A body is of the version that the envelope names, and that the signature covers.
	one, two, three := string(versions["v1"].body), string(versions["v2"].body), string(versions["v3"].body)
	for name, text := range map[string][]byte{
		"v1 as v2":                pack(v2.PayloadType, one, testKey(1), pae(v2.PayloadType, one)),
		"v2 as v1":                pack(v1.PayloadType, two, testKey(1), pae(v1.PayloadType, two)),
		"v2 signed as v1":         pack(v2.PayloadType, two, testKey(1), pae(v1.PayloadType, two)),
		"schema 3 in v2":          pack(v2.PayloadType, strings.Replace(two, `"schema":2`, `"schema":3`, 1), testKey(1), ""),
		"v2 as v3":                pack(v3.PayloadType, two, testKey(1), pae(v3.PayloadType, two)),
		"v3 as v2":                pack(v2.PayloadType, three, testKey(1), pae(v2.PayloadType, three)),
		"v3 signed as v2":         pack(v3.PayloadType, three, testKey(1), pae(v2.PayloadType, three)),
		"v1 signed as the future": pack(v1.PayloadType, one, testKey(1), pae(kind(".v4"), one)),
	} {
		if _, _, err := Open(text); err == nil || errors.Is(err, ErrFuture) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKeysOfNobody: for a point of small order anybody can make a signature, one that fits many messages, and other
// verifiers disagree about it. No handset has such a key.
func TestKeysOfNobody(t *testing.T) {
	identity := append([]byte{1}, make([]byte, 31)...)
	forged := append(bytes.Clone(identity), make([]byte, 32)...) // R is the identity, S is 0
	open := func(payloadType string, body []byte, r report.Report) error {
		text, _ := json.Marshal(envelope{payloadType, base64.StdEncoding.EncodeToString(body),
			[]signature{{string(report.ReferenceOf(r.PublicKey())), base64.StdEncoding.EncodeToString(forged)}}})
		_, _, err := Open(text)
		return err
	}
	for _, key := range []string{
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
		b, r := bodyV1(), bodyV2()
		b.Key, r.Key = key, key
		for b.Seq, r.Seq = 1, 1; b.Seq <= 200; b.Seq, r.Seq = b.Seq+1, r.Seq+1 { // the order divides the hash now and then
			if open(v1.PayloadType, b.Bytes(), r) == nil || open(v2.PayloadType, v2.Bytes(r), r) == nil ||
				open(v3.PayloadType, v3.Bytes(r), r) == nil {
				t.Errorf("a report was signed for key %s without any secret", key)
				break
			}
		}
	}
}

// TestRefusalsAreDiscreet: what a handset put where nothing should be does not travel on in the answer.
func TestRefusalsAreDiscreet(t *testing.T) {
	const imei = "490154203237518"
	for name, v := range versions {
		good := string(v.body)
		for where, body := range map[string]string{
			"as a field":         strings.Replace(good, `{"schema"`, `{"`+imei+`":1,"schema"`, 1),
			"as a number":        strings.Replace(good, `"observed_hours":24`, `"observed_hours":`+imei+imei, 1),
			"as the schema":      strings.Replace(good, `{"schema":`, `{"schema":`+imei, 1),
			"as another type":    strings.Replace(good, `"state":"off"`, `"state":`+imei, 1),
			"as a word":          strings.Replace(good, `"off"`, `"`+imei+`"`, 1),
			"as a channel":       strings.Replace(good, `"stable"`, `"`+imei+`"`, 1),
			"outside of a value": imei + imei + "x" + good,
		} {
			_, _, err := Open(pack(v.payloadType, body, testKey(1), pae(v.payloadType, body)))
			if body == good || err == nil || strings.Contains(err.Error(), imei) {
				t.Errorf("%s, %s: got %v", name, where, err)
			}
		}
		sealed := string(v.seal(t, testKey(1)))
		for where, text := range map[string]string{
			"as a payload type": strings.Replace(sealed, `vnd.landed`, imei, 1),
			"as a key id":       strings.Replace(sealed, `"keyid":"`, `"keyid":"`+imei, 1),
			"in the envelope":   strings.Replace(sealed, `{"payloadType"`, `{"`+imei+`":1,"payloadType"`, 1),
			"as a payload":      strings.Replace(sealed, `"payload":"`, `"payload":"*`+imei, 1),
			"as a signature":    strings.Replace(sealed, `"sig":"`, `"sig":"*`+imei, 1),
			"behind it":         sealed + imei,
			"as a version":      strings.Replace(sealed, `report`, `report.v`+imei, 1),
		} {
			if _, _, err := Open([]byte(text)); text == sealed || err == nil || strings.Contains(err.Error(), imei) {
				t.Errorf("%s, %s: got %v", name, where, err)
			}
		}
	}
}

// TestOneSignatureOfWhoeverIsNamed: two are refused, even if both are good.
func TestOneSignatureOfWhoeverIsNamed(t *testing.T) {
	for name, v := range versions {
		var e envelope
		if err := json.Unmarshal(v.seal(t, testKey(1)), &e); err != nil {
			t.Fatal(err)
		}
		for what, signatures := range map[string][]signature{
			"none": {}, "twice the same": {e.Signatures[0], e.Signatures[0]},
			"no key id":          {{"", e.Signatures[0].Sig}},
			"another's key id":   {{string(report.ReferenceOf(public(testKey(2)))), e.Signatures[0].Sig}},
			"short":              {{e.Signatures[0].KeyID, base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize-1))}},
			"long":               {{e.Signatures[0].KeyID, base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize+1))}},
			"signature of zeros": {{e.Signatures[0].KeyID, base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize))}},
		} {
			text, _ := json.Marshal(envelope{e.PayloadType, e.Payload, signatures})
			if _, _, err := Open(text); !errors.Is(err, ErrSignature) && !errors.Is(err, ErrEnvelope) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
}
