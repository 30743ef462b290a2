// SPDX-License-Identifier: Apache-2.0

package heads_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"landed/manifests/heads"
	"landed/manifests/tufrepo"
)

// root is the tree of RFC 6962, 2.1, over the leaves "0", "1" …, written down as it stands there.
func root(from, to int) []byte {
	if to-from == 1 {
		sum := sha256.Sum256(append([]byte{0}, fmt.Sprint(from)...))
		return sum[:]
	}
	k := 1
	for k*2 < to-from {
		k *= 2
	}
	sum := sha256.Sum256(append(append([]byte{1}, root(from, from+k)...), root(from+k, to)...))
	return sum[:]
}

func head(size int) tufrepo.TreeHead {
	return tufrepo.TreeHead{Tree: "audit", Size: int64(size), Root: hex.EncodeToString(root(0, size))}
}

func inHex(all ...[]byte) (list []string) {
	for _, one := range all {
		list = append(list, hex.EncodeToString(one))
	}
	return list
}

// TestVerify: the proofs that RFC 6962, 2.1.3, gives for a tree of seven leaves, and what is none.
func TestVerify(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to int
		proof    []string
		ok       bool
	}{
		"3 to 7":           {3, 7, inHex(root(2, 3), root(3, 4), root(0, 2), root(4, 7)), true},
		"4 to 7":           {4, 7, inHex(root(4, 7)), true},
		"6 to 7":           {6, 7, inHex(root(4, 6), root(6, 7), root(0, 4)), true},
		"the same":         {7, 7, nil, true},
		"from nothing":     {0, 7, nil, true},
		"a hash too few":   {3, 7, inHex(root(2, 3), root(3, 4), root(0, 2)), false},
		"in another order": {6, 7, inHex(root(6, 7), root(4, 6), root(0, 4)), false},
		"of another step":  {3, 7, inHex(root(4, 7)), false},
	} {
		from := tufrepo.TreeHead{Tree: "audit"}
		if tt.from > 0 {
			from = head(tt.from)
		}
		step := heads.Tree{Tree: "audit", From: int64(tt.from), Size: int64(tt.to), Proof: tt.proof}
		if err := step.Verify(from, head(tt.to)); (err == nil) != tt.ok {
			t.Errorf("%s: %v, wanted ok %v", name, err, tt.ok)
		}
		if other := head(tt.to); tt.from > 0 && tt.from < tt.to {
			other.Root = head(tt.from).Root
			if step.Verify(from, other) == nil {
				t.Errorf("%s: it holds for another root", name)
			}
		}
	}
	range7 := heads.Tree{Tree: "audit", Size: 7, Range: inHex(root(0, 4), root(4, 6), root(6, 7))}
	if got, err := range7.Frontier(head(7)); err != nil || len(got) != 3 {
		t.Errorf("the range of seven leaves: %x, %v", got, err)
	}
	if _, err := range7.Frontier(head(6)); err == nil {
		t.Error("the range of seven leaves passes for that of six")
	}
}

func TestParse(t *testing.T) {
	whole := heads.Proof{
		Schema:   1,
		Snapshot: 5,
		Trees: []heads.Tree{{Tree: "audit", After: 4, From: 6, Size: 7, Proof: inHex(root(4, 6)),
			Range: inHex(root(0, 4))}},
	}
	if p, err := heads.Parse(whole.Bytes()); err != nil || string(p.Bytes()) != string(whole.Bytes()) {
		t.Errorf("%s, %v", p.Bytes(), err)
	}
	for was, is := range map[string]string{
		`"schema": 1`: `"schema": 2`, `"snapshot": 5`: `"snapshot": 4`, `"from": 6`: `"from": -6`, `"after": 4`: `"after": 0`, `"size": 7`: `"size": 0`,
		inHex(root(4, 6))[0]: "ab", inHex(root(0, 4))[0]: strings.ToUpper(inHex(root(0, 4))[0]),
	} {
		if _, err := heads.Parse([]byte(strings.Replace(string(whole.Bytes()), was, is, 1))); err == nil {
			t.Errorf("%s in the place of %s is read", is, was)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"schema":1,"snapshot":5,"trees":[{"tree":"audit","after":4,"from":6,"size":7,"proof":[],"range":[]}]}`))
	f.Add([]byte(`{"schema":1,"snapshot":1,"trees":[{"tree":"audit","size":9223372036854775807,"range":["00"]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := heads.Parse(text)
		if err != nil {
			return
		}
		for _, tree := range p.Trees {
			h := tufrepo.TreeHead{Tree: tree.Tree, Size: tree.Size, Root: strings.Repeat("0", 64)}
			if _, err := tree.Frontier(h); err == nil {
				t.Errorf("a range gives the root of nothing: %s", text)
			}
			_ = tree.Verify(tufrepo.TreeHead{Tree: tree.Tree, Size: tree.From, Root: h.Root}, h)
		}
		if again, err := heads.Parse(p.Bytes()); err != nil || string(again.Bytes()) != string(p.Bytes()) {
			t.Errorf("%s is read as %s, %v", p.Bytes(), again.Bytes(), err)
		}
	})
}
