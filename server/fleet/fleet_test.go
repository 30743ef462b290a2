// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"fmt"
	"testing"
)

func TestWords(t *testing.T) {
	secret := errors.New("dial 10.0.0.7: password wrong")
	full := &Error{Kind: NoSpace, Code: "full", Msg: "the disk is full", Err: secret}
	for _, tt := range []struct {
		name string
		err  error
		want string // "" is none
	}{
		{"nothing", nil, ""},
		{"no Error", fmt.Errorf("write x: %w", secret), ""},
		{"its own words", full, "the disk is full"},
		{"words around it", fmt.Errorf("a: %w (b)", fmt.Errorf("c: %w", full)), "a: c: the disk is full (b)"},
		{"of two, those of the outer", &Error{Msg: "stored", Err: full}, "stored"},
		{"a cause around it", errors.Join(secret, fmt.Errorf("a: %w", full)), "a: the disk is full"},
		{"each of several", errors.Join(full, Errorf(Busy, "busy", "try later"), full), "the disk is full; try later"},
		{"joined alone", fmt.Errorf("x: %w", errors.Join(full)), "x: the disk is full"},
	} {
		if got, ok := Words(tt.err); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q, %t; wanted %q", tt.name, got, ok, tt.want)
		}
	}
}

func TestSealedWords(t *testing.T) {
	words := "restored from a (sealed in it: audit 9).tar" + SealedWords(map[Tree]int64{TreeAudit: 6, TreeRecords: 82})
	for tree, want := range map[Tree]int64{TreeAudit: 6, TreeReports: 0, TreeRecords: 82} {
		if size, is := SealedIn(words, tree); !is || size != want {
			t.Errorf("%s: %d, %v", tree, size, is)
		}
	}
	for _, words := range []string{"", "sealed in it: audit 6", " (sealed in it: audit x)", " (sealed in it: audit -1)",
		" (sealed in it: reports 1)"} {
		if size, is := SealedIn(words, TreeAudit); is {
			t.Errorf("%q says %d", words, size)
		}
	}
}
