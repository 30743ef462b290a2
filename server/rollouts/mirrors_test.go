// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"slices"
	"testing"

	"landed/manifests/tufrepo"
	"landed/server/rollouts"
	"landed/server/rooms"
	kit "landed/server/servertest"
)

// TestMirrorsAreOffered: where packages lie too stands in the signed offers of every model. Another configuration is
// published by the first tick after the start, the same one is not.
func TestMirrorsAreOffered(t *testing.T) {
	var mirrors []string
	h := kit.New(t, func(c *rooms.Config) { c.Mirrors = mirrors })
	h.Released("armani", "cancro")
	kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: kit.OptIn, By: "ann"}))(t)
	for _, step := range []struct {
		mirrors   []string
		published bool
	}{
		{nil, false},
		{[]string{"https://cdn.example/tuf/targets"}, true},
		{[]string{"https://cdn.example/tuf/targets"}, false},
		{[]string{"https://other.example", "https://cdn.example/tuf/targets"}, true},
		{nil, true},
	} {
		before := h.State().Version(tufrepo.Snapshot)
		mirrors = step.mirrors
		h.Reopen()
		h.MustRenew()
		if published := h.State().Version(tufrepo.Snapshot) > before; published != step.published {
			t.Errorf("%q: published %v, wanted %v", step.mirrors, published, step.published)
		}
		device := h.Client()
		for _, model := range []string{"armani", "cancro"} {
			if doc := h.Offers(device, model); !slices.Equal(doc.Mirrors, step.mirrors) || len(doc.Offers) == 0 {
				t.Errorf("%s is offered %d packages below %q, wanted %q", model, len(doc.Offers), doc.Mirrors, step.mirrors)
			}
		}
	}
}
