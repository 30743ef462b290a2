// SPDX-License-Identifier: Apache-2.0

package handset

import "testing"

// TestAttemptsOfPackages: a package is given up when it has failed often enough, whatever was tried in between is
// counted by itself, and an interrupted attempt is no other one.
func TestAttemptsOfPackages(t *testing.T) {
	var a attempts
	for i, step := range []struct {
		do     string // begin a, fail, done, another release
		gaveUp bool   // what failed says
		want   attempts
	}{
		{"a", false, attempts{Tried: "a", Attempt: 1}},
		{"a", false, attempts{Tried: "a", Attempt: 1}}, // goes on after a restart
		{"fail", false, attempts{Tried: "a", Installs: 1, Attempt: 1}},
		{"a", false, attempts{Tried: "a", Installs: 1, Attempt: 2, Counted: 1}},
		{"fail", false, attempts{Tried: "a", Installs: 2, Attempt: 2, Counted: 1}},
		{"fail", true, attempts{Tried: "a", Installs: 3, GaveUp: "a", Attempt: 2, Counted: 1}},
		{"another", false, attempts{Tried: "a", Installs: 3, GaveUp: "a", Counted: 1}},
		{"b", false, attempts{Tried: "b", Attempt: 1}},
		{"fail", false, attempts{Tried: "b", Installs: 1, Attempt: 1}},
		{"b", false, attempts{Tried: "b", Installs: 1, Attempt: 2, Counted: 1}},
		{"done", false, attempts{Attempt: 2, Counted: 1}},
		{"fail", false, attempts{Installs: 1, Attempt: 2, Counted: 1}}, // of nothing that was tried
	} {
		gaveUp := false
		switch step.do {
		case "fail":
			gaveUp = a.failed()
		case "done":
			a.succeeded()
		case "another":
			a.another()
		default:
			a.begin(step.do, 0)
		}
		if a != step.want || gaveUp != step.gaveUp {
			t.Errorf("step %d, %s: %+v, given up %v", i, step.do, a, gaveUp)
		}
	}
}

// TestAskedToTryAgain: what was given up is tried again when people have asked more often than was known when it was
// begun, three times as before.
func TestAskedToTryAgain(t *testing.T) {
	var a attempts
	fail := func(asked int) {
		for range maxInstalls {
			a.begin("a", asked)
			a.failed()
		}
	}
	for i, step := range []struct {
		knew, asked int
		given       bool
	}{{0, 0, true}, {0, 1, false}, {1, 1, true}, {3, 2, true}, {3, 3, true}, {3, 4, false}} {
		a = attempts{}
		if fail(step.knew); a.GaveUp != "a" {
			t.Fatalf("step %d: it was not given up: %+v", i, a)
		}
		if got := a.given("a", step.asked); got != step.given {
			t.Errorf("step %d: asked %d times, knew of %d: given up %v", i, step.asked, step.knew, got)
		}
		if a.given("b", 0) || a.given("", 0) {
			t.Errorf("step %d: what was not tried was given up", i)
		}
		if step.given {
			continue
		}
		if fail(step.asked); a.GaveUp != "a" || !a.given("a", step.asked) {
			t.Errorf("step %d: not given up again: %+v", i, a)
		}
	}
}
