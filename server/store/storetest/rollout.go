// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"testing"

	"landed/server/fleet"
)

func testRollouts(t *testing.T, s fleet.Store) {
	for n, name := range []string{"one", "two"} {
		update(t, s, func(tx fleet.Tx) error {
			return tx.Releases().Create(ctx, fleet.Release{Name: name, Counter: int64(n + 1), State: fleet.ReleasePublished})
		})
	}
	rollout := func(release, model string) fleet.Rollout {
		return fleet.Rollout{
			ID: release + "." + model + ".stable", Release: release, Model: model, Channel: "stable", Salt: "s",
			Stages: fleet.DefaultStages(0), State: fleet.RolloutRunning, Since: Now, Started: Now, Changed: Now, Known: 12,
		}
	}
	one, two, dior := rollout("one", "armani"), rollout("two", "armani"), rollout("one", "dior")
	for _, r := range []fleet.Rollout{two, one, dior} {
		update(t, s, func(tx fleet.Tx) error { return tx.Rollouts().Create(ctx, r) })
	}
	wantKind(t, s, fleet.Conflict, "rollout_exists", func(tx fleet.Tx) error { return tx.Rollouts().Create(ctx, one) })

	halted := one
	halted.State, halted.Stage, halted.By, halted.Forgiven = fleet.RolloutHalted, 2, "landed", 1
	halted.Excused, halted.Looked, halted.Retries = 4, Now, 3
	halted.ForgivenCounted, halted.ExcusedLost = 5, 6
	halted.Seconded = true
	halted.Reason = fleet.Reason{Code: "leaks_found", Values: map[string]string{"n": "3"}}
	halted.Held, halted.Since, halted.Changed = fleet.Said("why"), later(1), later(2)
	save := func(tx fleet.Tx) error { return tx.Rollouts().Save(ctx, halted) }
	update(t, s, save)
	wantKind(t, s, fleet.Conflict, "rollout_moved", save) // the second save from one revision
	wantKind(t, s, fleet.NotFound, "rollout_unknown", func(tx fleet.Tx) error {
		return tx.Rollouts().Save(ctx, rollout("no", "armani"))
	})
	halted.Revision = 1
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Rollouts().Get(ctx, one.ID)
		if err != nil {
			return err
		}
		same(t, "the rollout", got, halted)
		all, err := tx.Rollouts().List(ctx)
		if err != nil {
			return err
		}
		same(t, "by release and model", all, []fleet.Rollout{halted, dior, two})
		of, err := tx.Rollouts().OfModel(ctx, "armani", "stable")
		same(t, "newest counter first", of, []fleet.Rollout{two, halted})
		return err
	})
	beta := rollout("one", "armani")
	beta.ID, beta.Channel = "one.armani.beta", "beta"
	update(t, s, func(tx fleet.Tx) error { return tx.Rollouts().Create(ctx, beta) })
	view(t, s, func(tx fleet.Tx) error {
		all, err := tx.Rollouts().OfModel(ctx, "armani", "")
		of, err2 := tx.Rollouts().OfModel(ctx, "armani", "beta")
		if len(all) != 3 || len(of) != 1 {
			t.Errorf("%d on every channel and %d on beta, wanted 3 and 1", len(all), len(of))
		}
		return errors.Join(err, err2)
	})
}

func testAudit(t *testing.T, s fleet.Store) {
	entry := func(n int, subject string) fleet.AuditEntry {
		return fleet.AuditEntry{N: int64(n), At: later(n), Actor: "lei", Action: "rollout.halt", Subject: subject,
			Reason: "because"}
	}
	want := []fleet.AuditEntry{entry(1, "a"), entry(2, "b"), entry(3, "a")}
	for _, e := range want {
		update(t, s, func(tx fleet.Tx) error { return tx.Audit().Append(ctx, e) })
	}
	view(t, s, func(tx fleet.Tx) error {
		page, err := tx.Audit().List(ctx, 0, 2)
		if err != nil {
			return err
		}
		same(t, "from the end", page, []fleet.AuditEntry{want[2], want[1]})
		page, err = tx.Audit().List(ctx, page[1].N, 2)
		if err != nil {
			return err
		}
		same(t, "the next page", page, []fleet.AuditEntry{want[0]})
		of, err := tx.Audit().OfSubject(ctx, "a", 10)
		same(t, "of one subject", of, []fleet.AuditEntry{want[2], want[0]})
		return err
	})
	for n := range 3 { // the rollouts are looked at, and nothing is done
		look := entry(4+n, "a")
		look.Action = fleet.ActionLook
		update(t, s, func(tx fleet.Tx) error { return tx.Audit().Append(ctx, look) })
	}
	view(t, s, func(tx fleet.Tx) error {
		acts, err := tx.Audit().Acts(ctx, "a", 2)
		same(t, "what was done to one subject", acts, []fleet.AuditEntry{want[2], want[0]})
		if err != nil {
			return err
		}
		acts, err = tx.Audit().Acts(ctx, "", 2)
		same(t, "what was done", acts, []fleet.AuditEntry{want[2], want[1]})
		return err
	})
}

func testTokens(t *testing.T, s fleet.Store) {
	update(t, s, put("a"))
	wantKind(t, s, fleet.Conflict, "token_exists", put("a"))
	wantKind(t, s, fleet.NotFound, "token_unknown", func(tx fleet.Tx) error {
		_, err := tx.Tokens().ByHash(ctx, []byte("b"))
		return err
	})
	view(t, s, func(tx fleet.Tx) error {
		got, err := tx.Tokens().ByHash(ctx, []byte("a"))
		same(t, "the token", got, fleet.Token{Name: "a", Role: fleet.RoleSupport, Hash: []byte("a"), At: Now, By: "root"})
		return err
	})
	remove := func(tx fleet.Tx) error { return tx.Tokens().Delete(ctx, "a") }
	update(t, s, remove)
	wantKind(t, s, fleet.NotFound, "token_unknown", remove)
}
