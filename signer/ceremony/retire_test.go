// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"strings"
	"testing"

	"landed/manifests/tufrepo"
	"landed/signer/keys"
)

func (h *org) retire(t *testing.T, models ...string) {
	t.Helper()
	h.apply(t, must(RetireModels(RetireModelsParams{Now: h.now, Trusted: h.set, Models: models, Life: DefaultLife()})), h.tops[0], h.tops[1])
}

// bringIn is add-model, with keys of its own.
func (h *org) bringIn(t *testing.T, trusted tufrepo.Set, model string) (tufrepo.Request, []*keys.Key) {
	t.Helper()
	r, made, err := AddModels(AddModelsParams{Now: h.now, Trusted: trusted, Models: []string{model}, Offers: h.online[2].Key(),
		Names: []string{"hu", "iv", "jo"}, Quorum: Quorum{2, 3}, Algorithm: keys.Ed25519, Life: DefaultLife()})
	if err != nil {
		t.Fatal(err)
	}
	return r, made
}

func TestRetireModels(t *testing.T) {
	h := newOrg(t, "armani", "dior")
	for _, c := range []struct {
		models []string
		want   string
	}{
		{nil, "no model is named"},
		{[]string{"cancro"}, "there is no model cancro; there are: armani, dior"},
		{[]string{"targets"}, "there is no model targets"},
		{[]string{"dior", "dior"}, "model dior is named twice"},
	} {
		if _, err := RetireModels(RetireModelsParams{Now: h.now, Trusted: h.set, Models: c.models, Life: DefaultLife()}); err == nil ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, wanted %q", c.models, err, c.want)
		}
	}
	before := h.set
	h.retire(t, "dior")
	if words := strings.Join(tufrepo.Diff(before, h.set), "\n"); !strings.Contains(words, "Model dior is retired: its handsets find no "+
		"update here any more") || strings.Contains(words, "armani") {
		t.Errorf("the change is said to be:\n%s", words)
	}
	if err := h.set.CheckOffline(h.now); err != nil {
		t.Error(err)
	}
	if _, err := RetireModels(RetireModelsParams{Now: h.now, Trusted: h.set, Models: []string{"dior"}, Life: DefaultLife()}); err == nil ||
		!strings.Contains(err.Error(), "dior is retired already") {
		t.Errorf("a second time: %v", err)
	}
	h.retire(t, "armani") // the last one may go too
}

// A model that comes back has new keys, no builds, and goes on with its version numbers.
func TestRetiredModelComesBack(t *testing.T) {
	h := newOrg(t, "armani", "dior")
	h.retire(t, "dior")
	r, made := h.bringIn(t, h.set, "dior")
	h.apply(t, r, h.tops[0], h.tops[2], made[0], made[1])
	if info := must(tufrepo.Read(h.set.Files["dior"])); info.Version != 2 {
		t.Errorf("dior came back with version %d, it had 1", info.Version)
	}
}

// The model came and went while this keyholder was away.
func TestRetiredModelNeverKnown(t *testing.T) {
	h := newOrg(t, "armani")
	mine := h.set
	r, made := h.bringIn(t, h.set, "dior")
	h.apply(t, r, h.tops[0], h.tops[2], made[0], made[1])
	h.retire(t, "dior")
	seen := metadataOf(t, h.feed(t))
	next, _, err := Refresh(RefreshParams{Now: h.now, Trusted: mine, Seen: seen})
	if err != nil {
		t.Fatal(err)
	}
	r, _ = h.bringIn(t, next, "dior")
	if info := must(tufrepo.Read(r.Staged()["dior"])); info.Version != 2 {
		t.Errorf("dior would come back with version %d; clients have seen 1", info.Version)
	}
}
