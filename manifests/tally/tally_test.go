// SPDX-License-Identifier: Apache-2.0

package tally_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"landed/manifests/report"
	"landed/manifests/tally"
	"landed/manifests/tufrepo"
)

type key struct{ private ed25519.PrivateKey }

func keyOf(seed byte) key { return key{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))} }

func (k key) Key() tufrepo.Key {
	public, err := tufrepo.NewKey(k.private.Public())
	if err != nil {
		panic(err)
	}
	return public
}

func (k key) Sign(message []byte) ([]byte, error) { return ed25519.Sign(k.private, message), nil }

func sum(text string) string {
	of := sha256.Sum256([]byte(text))
	return hex.EncodeToString(of[:])
}

func whole() tally.Tally {
	return tally.Tally{
		Schema:   tally.Schema,
		Number:   2,
		Day:      "2014-08-31",
		AsOf:     time.Date(2014, 8, 31, 12, 0, 0, 0, time.UTC),
		Previous: sum("before"),
		Snapshot: 7,
		Heads:    []tally.Head{{Tree: "reports", Size: 3, Root: sum("root")}},
		Models:   []tally.Cell{{Model: "armani", Release: "one", Numbers: map[string]int64{"judged": 3, "verdicts.leak": 1}}},
		Cells:    []tally.Cell{{Model: "armani", Release: "one", Numbers: map[string]int64{"judged": 3}, Root: sum("cell")}},
		Pages: []tally.Page{
			{Path: "releases/one.json", Size: 5, SHA256: sum("page")},
			{Path: "status.json", Size: 4, SHA256: sum("status")},
		},
	}
}

func TestParse(t *testing.T) {
	text := whole().Bytes()
	if got, err := tally.Parse(text); err != nil || !bytes.Equal(got.Bytes(), text) {
		t.Fatalf("%v\n%s", err, got.Bytes())
	}
	for was, is := range map[string]string{
		`"schema": 2`: `"schema": 3`, `"number": 2`: `"number": 1`, `"day": "2014-08-31"`: `"day": "2014-08-30"`,
		`T12:00:00Z`: `T12:00:00+00:00`, `"threshold": 0`: `"threshold": -1`, `"previous"`: `"before"`,
		`"judged": 3,`: `"judged": 0,`, sum("page"): "ab", "releases/one.json": "../one.json", `"snapshot": 7`: `"snapshot":  7`,
		`"tree": "reports"`: `"tree": "/"`, sum("cell"): strings.ToUpper(sum("cell")),
	} {
		if got, err := tally.Parse([]byte(strings.Replace(string(text), was, is, 1))); err == nil {
			t.Errorf("%s in the place of %s is read: %s", is, was, got.Bytes())
		}
	}
	for schema, reads := range map[int]bool{0: false, 1: true, 2: true} {
		of := whole()
		of.Schema = schema
		if _, err := tally.Parse(of.Bytes()); (err == nil) != reads {
			t.Errorf("schema %d: %v", schema, err)
		}
	}
	twice := whole()
	twice.Cells = append(twice.Cells, twice.Cells[0])
	if _, err := tally.Parse(twice.Bytes()); err == nil {
		t.Error("a cell may stand there twice")
	}
}

func TestSign(t *testing.T) {
	file, err := tally.Sign(whole(), keyOf(1))
	if err != nil {
		t.Fatal(err)
	}
	names := []tufrepo.Key{keyOf(2).Key(), keyOf(1).Key()}
	if got, err := tally.Open(file, names); err != nil || !bytes.Equal(got.Bytes(), whole().Bytes()) {
		t.Errorf("%v", err)
	}
	if _, err := tally.Open(file, names[:1]); err == nil {
		t.Error("another key is as good")
	}
	for at := range file {
		changed := bytes.Clone(file)
		changed[at] ^= 1
		if _, err := tally.Open(changed, names); err == nil {
			t.Errorf("byte %d may be %q", at, changed[at])
		}
	}
	if _, err := tally.Sign(tally.Tally{}, keyOf(1)); err == nil {
		t.Error("nothing is signed")
	}
	end, err := tally.SignEvidence(2, sum("all"), keyOf(1))
	if err != nil || end.Verify(2, sum("all"), names) != nil {
		t.Errorf("%+v, %v", end, err)
	}
	if end.Verify(3, sum("all"), names) == nil || end.Verify(2, sum("other"), names) == nil ||
		end.Verify(2, sum("all"), names[:1]) == nil {
		t.Error("a trailer passes for that of others")
	}
}

// TestTree: each leaf has a path of the same length, whoever is in the cell, and no other.
func TestTree(t *testing.T) {
	secret := tally.DayKey(bytes.Repeat([]byte{7}, 32), "2014-08-31")
	if bytes.Equal(secret, tally.DayKey(bytes.Repeat([]byte{7}, 32), "2014-09-01")) {
		t.Error("two days have one key")
	}
	for _, n := range []int{0, 1, 3, 1024, 1025} {
		var leaves [][]byte
		for i := range n {
			ref := report.Reference(fmt.Sprint("ref", i))
			leaves = append(leaves, tally.Leaf{Ref: ref, Class: "leak"}.Hash(tally.Nonce(secret, ref)))
		}
		tree := tally.NewTree(secret, "one", "armani", leaves)
		want := 10
		if n > 1024 {
			want = 12
		}
		for _, leaf := range leaves {
			if _, path, ok := tree.Path(leaf); !ok || len(path) != want {
				t.Fatalf("%d leaves: a path of %d, %t", n, len(path), ok)
			}
		}
		if _, _, ok := tree.Path(tally.Leaf{Class: "leak"}.Hash(secret)); ok {
			t.Errorf("%d leaves: another is there", n)
		}
		if other := tally.NewTree(secret, "two", "armani", leaves); n < 1024 && other.Root() == tree.Root() {
			t.Error("two cells have one root")
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole().Bytes())
	f.Add([]byte(`{"schema":1,"number":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := tally.Parse(text); err == nil && !bytes.Equal(got.Bytes(), text) {
			t.Errorf("%s is written as %s", text, got.Bytes())
		}
	})
}

func FuzzOpen(f *testing.F) {
	file, err := tally.Sign(whole(), keyOf(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte(`{"payloadType":"x","payload":"","signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := tally.Open(text, []tufrepo.Key{keyOf(1).Key()}); err == nil && !bytes.Equal(text, file) {
			t.Errorf("%s is signed by nobody, and opens", text)
		}
	})
}

func FuzzOwned(f *testing.F) {
	f.Add(tally.Owned{Schema: 1, Number: 2, Nonce: sum("r"), Leaf: tally.Leaf{Ref: "X"}, Path: []string{sum("a")}}.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := tally.ParseOwned(text)
		if err != nil {
			return
		}
		if !bytes.Equal(o.Bytes(), text) {
			t.Errorf("%s is written as %s", text, o.Bytes())
		}
		if o.Verify(whole(), "X") == nil {
			t.Errorf("%s stands in a tally that knows nothing of it", text)
		}
	})
}
