// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"landed/server/fleet"
)

var errStop = errors.New("stop")

func updateFails(t *testing.T, s fleet.Store) {
	err := s.Update(ctx, func(tx fleet.Tx) error {
		if err := put("a")(tx); err != nil {
			return err
		}
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Errorf("got %v, wanted the error of the function", err)
	}
	if got := names(t, s); len(got) != 0 {
		t.Errorf("stored %v", got)
	}
}

func updatePanics(t *testing.T, s fleet.Store) {
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		s.Update(ctx, func(tx fleet.Tx) error {
			put("a")(tx)
			panic("a fault in the function")
		})
	}()
	update(t, s, put("b"))
	if got := names(t, s); !slices.Equal(got, []string{"b"}) {
		t.Errorf("stored %v, wanted b alone", got)
	}
}

func conflictInside(t *testing.T, s fleet.Store) {
	update(t, s, put("a"))
	update(t, s, func(tx fleet.Tx) error {
		if err := put("b")(tx); err != nil {
			return err
		}
		if err := put("a")(tx); !fleet.Is(err, fleet.Conflict) {
			t.Errorf("got %v, wanted a conflict", err)
		}
		return put("c")(tx)
	})
	if got := names(t, s); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("stored %v", got)
	}
}

func viewReadOnly(t *testing.T, s fleet.Store) {
	err := s.View(ctx, put("a"))
	if !fleet.Is(err, fleet.Forbidden) {
		t.Errorf("got %v, wanted it forbidden", err)
	}
	err = s.View(ctx, func(tx fleet.Tx) error { return tx.Counts().Move(ctx, nil, &fleet.Installation{}) })
	if !fleet.Is(err, fleet.Forbidden) {
		t.Errorf("got %v, wanted it forbidden", err)
	}
	if got := names(t, s); len(got) != 0 {
		t.Errorf("stored %v", got)
	}
}

func viewConsistent(t *testing.T, s fleet.Store) {
	update(t, s, put("a"))
	view(t, s, func(tx fleet.Tx) error {
		before, err := tx.Tokens().List(ctx)
		if err != nil {
			return err
		}
		update(t, s, put("b"))
		after, err := tx.Tokens().List(ctx)
		if len(before) != 1 || len(after) != 1 {
			t.Errorf("the view saw %d, then %d tokens; wanted 1 and 1", len(before), len(after))
		}
		return err
	})
	if got := names(t, s); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("stored %v", got)
	}
}

func updatesQueue(t *testing.T, s fleet.Store) {
	const writers, each = 8, 10
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := range each {
				if err := s.Update(ctx, put(fmt.Sprintf("%d-%d", w, n))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := names(t, s); len(got) != writers*each {
		t.Errorf("stored %d, wanted %d", len(got), writers*each)
	}
}

func updateCancelled(t *testing.T, s fleet.Store) {
	over, cancel := context.WithCancel(ctx)
	cancel()
	ran := false
	err := s.Update(over, func(tx fleet.Tx) error {
		ran = true
		return nil
	})
	if !errors.Is(err, context.Canceled) || ran {
		t.Errorf("got %v, ran %t; wanted it not to begin", err, ran)
	}
}
