// SPDX-License-Identifier: Apache-2.0

package repo_test

import (
	"testing"
	"time"

	kit "landed/server/servertest"
)

func TestRenewal(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	version := func(role string) int64 { return h.State().Version(role) }
	type versions struct{ timestamp, snapshot, offers int64 }
	now := func() versions { return versions{version("timestamp"), version("snapshot"), version("armani-offers")} }
	for _, step := range []struct {
		after time.Duration
		want  versions
	}{
		{0, versions{1, 1, 1}},
		{3 * time.Hour, versions{1, 1, 1}},
		{time.Hour, versions{2, 1, 1}},
		{4 * time.Hour, versions{3, 1, 1}},
		{16 * time.Hour, versions{4, 2, 2}},
		{0, versions{4, 2, 2}},
	} {
		h.Now = h.Now.Add(step.after)
		if err := h.Renew(h.Ctx); err != nil {
			t.Fatal(err)
		}
		if got := now(); got != step.want {
			t.Errorf("after %s more: %+v, wanted %+v", step.after, got, step.want)
		}
	}
}
