// SPDX-License-Identifier: Apache-2.0

package recent

import (
	"errors"
	"fmt"
	"testing"
)

// TestKeptAndGone: what is asked for stays, what is not goes, and no more is kept than twice the bound.
func TestKeptAndGone(t *testing.T) {
	c, made := New[string](10), map[string]int{}
	get := func(name string) {
		t.Helper()
		got, err := c.Do([]byte(name), 1, func() (string, error) { made[name]++; return name + "!", nil })
		if err != nil || got != name+"!" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	for n := range 1000 {
		get("always")
		get(fmt.Sprint(n))
		get(fmt.Sprint(n))
		if kept := len(c.newer) + len(c.older); kept > 20 {
			t.Fatalf("%d are kept", kept)
		}
	}
	get("3")
	if made["always"] != 1 || made["3"] != 2 || made["7"] != 1 {
		t.Errorf("made %d, %d and %d times; wanted 1, 2 and 1", made["always"], made["3"], made["7"])
	}
}

// TestNotKept: no failure is kept, and nothing that would fill a half alone.
func TestNotKept(t *testing.T) {
	c, made, fault := New[int](10), 0, errors.New("no")
	for range 2 {
		if _, err := c.Do([]byte("bad"), 1, func() (int, error) { made++; return 0, fault }); !errors.Is(err, fault) {
			t.Errorf("got %v", err)
		}
		if got, err := c.Do([]byte("large"), 11, func() (int, error) { made++; return 7, nil }); err != nil || got != 7 {
			t.Errorf("got %d, %v", got, err)
		}
	}
	if made != 4 || len(c.newer) > 0 {
		t.Errorf("made %d times, %d kept; wanted 4 and none", made, len(c.newer))
	}
}
