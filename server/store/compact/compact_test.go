// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
)

func testKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// sealed is an effect report as it came, and the key of its installation.
func sealed(t testing.TB, seal func(report.Report, ed25519.PrivateKey) ([]byte, string, error)) (Report, []byte) {
	t.Helper()
	r := report.Report{
		Seq: 7, Kind: report.KindEffect, Release: "miui-cloud-messaging-opt-in", Model: "armani", Variant: "armani", Channel: "stable",
		Build: report.BuildOther, Progress: report.ProgressRunning, Draw: strings.Repeat("5a", 16), Answers: probe.Answers{
			"feature": probe.Int(1), "state": probe.Word("off"), "origin": probe.Word("policy"), "boot": probe.Bool(true),
			"observed_hours": probe.Int(24), "transport": probe.Word("not_used"), "auto_gate": probe.Word("closed"),
		},
	}
	text, id, err := seal(r, testKey(1))
	if err != nil {
		t.Fatal(err)
	}
	opened, _, err := envelope.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	return Report{ID: id, Schema: opened.Schema, Release: r.Release, Envelope: text}, testKey(1).Public().(ed25519.PublicKey)
}

// TestPack: whatever it is comes back byte for byte, and what is in its one form is small.
func TestPack(t *testing.T) {
	third, key := sealed(t, envelope.Seal)
	second, _ := sealed(t, envelope.SealV2)
	if got := Key(third.Envelope); !bytes.Equal(got, key) {
		t.Errorf("the key is %x, wanted %x", got, key)
	}
	edit := func(change func(*Report)) Report {
		r := third
		r.Envelope = bytes.Clone(r.Envelope)
		change(&r)
		return r
	}
	forged := edit(func(r *Report) { // another signature in the same form
		p, _ := envelope.Split(r.Envelope)
		p.Sig[5] ^= 1
		r.Envelope, _ = p.Envelope()
	})
	other, _ := hex.DecodeString(strings.Repeat("ab", 32))
	for _, tt := range []struct {
		name string
		r    Report
		key  []byte
		form byte
		most int // bytes
	}{
		{"version 3", third, key, formSigned, 190},
		{"version 2", second, key, formSigned, 190},
		{"a signature that is wrong", forged, key, formSigned, 190},
		{"kept beside another key", third, other, formWhole, 1300},
		{"kept beside no key", third, nil, formWhole, 1300},
		{"a column that differs", edit(func(r *Report) { r.Release += "x" }), key, formWhole, 1300},
		{"an id that differs", edit(func(r *Report) { r.ID = "x" }), key, formWhole, 1300},
		{"a schema that differs", edit(func(r *Report) { r.Schema = -4 }), key, formWhole, 1300},
		{"white space", edit(func(r *Report) { r.Envelope = append(r.Envelope, '\n') }), key, formWhole, 1300},
		{"a letter of the payload", edit(func(r *Report) { r.Envelope[300] ^= 4 }), key, formWhole, 1300},
		{"a letter of the base64 that says nothing", edit(func(r *Report) {
			r.Envelope = bytes.Replace(r.Envelope, []byte(`=","signatures`), []byte(`,","signatures`), 1)
		}), key, formWhole, 1300},
		{"no envelope", Report{ID: "I", Envelope: []byte{0, 1, 2}}, nil, formWhole, 40},
		{"nothing", Report{}, nil, formWhole, 40},
		{"much", Report{Envelope: bytes.Repeat([]byte("0123456789"), 100_000)}, nil, formWhole, 100_000},
	} {
		text, err := Pack(tt.r, tt.key)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		again, err := Unpack(text, tt.key)
		if err != nil || !again.same(tt.r) {
			t.Errorf("%s: it does not come back: %v", tt.name, err)
		}
		if text[0] != tt.form || len(text) > tt.most {
			t.Errorf("%s: form %d, %d bytes; wanted %d, and %d at most", tt.name, text[0], len(text), tt.form, tt.most)
		}
	}
}

// TestDamageIsTold: no byte can be changed unseen. What still unpacks is another report, for whoever verifies it.
func TestDamageIsTold(t *testing.T) {
	r, key := sealed(t, envelope.Seal)
	text, err := Pack(r, key)
	if err != nil {
		t.Fatal(err)
	}
	for at := range text {
		for _, bit := range []byte{1, 0x80} {
			damaged := bytes.Clone(text)
			damaged[at] ^= bit
			if again, err := Unpack(damaged, key); err == nil && again.same(r) {
				t.Errorf("byte %d of %d says nothing", at, len(text))
			} else if err != nil && !errors.Is(err, errDamaged) {
				t.Errorf("byte %d: %v", at, err)
			}
		}
		if again, err := Unpack(text[:at], key); err == nil && again.same(r) {
			t.Errorf("the last %d bytes say nothing", len(text)-at)
		}
	}
	if _, err := Unpack([]byte{9, 1}, key); !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("a form that is not known: %v", err)
	}
}

// TestRecordedForms: what a program of ours packed once is read for ever. Each file has the key, what was packed, the id,
// schema, release and the envelope.
func TestRecordedForms(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		key, err1 := hex.DecodeString(lines[0])
		packed, err2 := hex.DecodeString(lines[1])
		r, err := Unpack(packed, key)
		if err := errors.Join(err1, err2, err); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := []string{r.ID, fmt.Sprint(r.Schema), r.Release, string(r.Envelope)}; strings.Join(got, "\n") != strings.Join(lines[2:6], "\n") {
			t.Errorf("%s is read as\n%s", name, strings.Join(got, "\n"))
		}
	}
}

// TestRecord writes such files, for a new form or a new dictionary: LANDED_RECORD=1 go test -run TestRecord.
func TestRecord(t *testing.T) {
	if os.Getenv("LANDED_RECORD") == "" {
		t.Skip("LANDED_RECORD is not set")
	}
	r, key := sealed(t, envelope.Seal)
	for name, key := range map[string][]byte{"signed": key, "whole": nil} {
		text, err := Pack(r, key)
		if err != nil {
			t.Fatal(err)
		}
		lines := fmt.Sprintf("%x\n%x\n%s\n%d\n%s\n%s\n", key, text, r.ID, r.Schema, r.Release, r.Envelope)
		file := filepath.Join("testdata", fmt.Sprintf("%s-%d.txt", name, newest))
		if err := os.WriteFile(file, []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDrop: what stays of a report is what a program of ours left once, byte for byte, and is told from what is damaged.
func TestDrop(t *testing.T) {
	const stays = "03ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0123456789abcdef" // of SHA-256 of "abc"
	id := "0123456789abcdef" + strings.Repeat("ff", 24)
	text, ok := Drop(Report{ID: id, Schema: 3, Release: "one", Envelope: []byte("abc")})
	if !ok || hex.EncodeToString(text) != stays {
		t.Fatalf("%x, %t", text, ok)
	}
	sum, begins, ok := Dropped(text)
	if _, err := Unpack(text, nil); !ok || begins != id[:16] || hex.EncodeToString(sum) != stays[2:66] || !errors.Is(err, ErrDropped) {
		t.Errorf("%x, %s, %t, %v", sum, begins, ok, err)
	}
	for _, cut := range [][]byte{nil, text[:1], text[:40], append(bytes.Clone(text), 0), append([]byte{1}, text[1:]...)} {
		if _, _, ok := Dropped(cut); ok {
			t.Errorf("%x is what stays of a report", cut)
		}
		if _, err := Unpack(cut, nil); err == nil || errors.Is(err, ErrDropped) {
			t.Errorf("%x: %v", cut, err)
		}
	}
	for _, id := range []string{"", "0123", strings.ToUpper(id), "not in hex digits, at all"} {
		if _, ok := Drop(Report{ID: id}); ok {
			t.Errorf("a report with the id %q can be dropped", id)
		}
	}
}

// FuzzUnpack: what is stored may be damaged in any way.
func FuzzUnpack(f *testing.F) {
	r, key := sealed(f, envelope.Seal)
	for _, key := range [][]byte{key, nil} {
		text, err := Pack(r, key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, key)
	}
	f.Fuzz(func(t *testing.T, text, key []byte) {
		r, err := Unpack(text, key)
		if err != nil {
			return
		}
		again, err := Pack(r, key)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Unpack(again, key); err != nil || !back.same(r) {
			t.Fatalf("it does not come back: %v", err)
		}
	})
}

// FuzzPack: whatever came as an envelope comes back byte for byte.
func FuzzPack(f *testing.F) {
	r, key := sealed(f, envelope.Seal)
	f.Add(r.Envelope, key, r.ID, r.Release, r.Schema)
	f.Add([]byte("{}"), []byte{}, "", "", 0)
	f.Fuzz(func(t *testing.T, text, key []byte, id, release string, schema int) {
		r := Report{ID: id, Schema: schema, Release: release, Envelope: text}
		packed, err := Pack(r, key)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Unpack(packed, key); err != nil || !back.same(r) {
			t.Fatalf("it does not come back: %v", err)
		}
	})
}

func BenchmarkPack(b *testing.B) {
	r, key := sealed(b, envelope.Seal)
	for b.Loop() {
		if _, err := Pack(r, key); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	r, key := sealed(b, envelope.Seal)
	text, err := Pack(r, key)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Unpack(text, key); err != nil {
			b.Fatal(err)
		}
	}
}
