// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/tufrepo"
	"landed/signer/keys"
)

// published is an organization in which others shipped a release and replaced two root keys, and what the
// keyholder had before.
func published(t *testing.T) (h *org, before tufrepo.Set) {
	t.Helper()
	h = newOrg(t, "armani")
	before = h.set
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	h.apply(t, r.request, h.builds[0], h.builds[1])
	for _, gone := range h.root[3:] {
		fresh := must(keys.New(keys.Ed25519, "fi", "root"))
		h.apply(t, must(Rotate(RotateParams{Now: h.now, Trusted: h.set, Roles: []string{"root"}, Remove: []string{gone.Key().ID()},
			Add: []tufrepo.Key{fresh.Key()}, Life: DefaultLife()})), h.root[0], h.root[1], h.root[2])
	}
	return h, before
}

func metadataOf(t *testing.T, feed fstest.MapFS) tufrepo.Set {
	t.Helper()
	return must(ReadMetadata(must(fs.Sub(feed, "metadata"))))
}

func TestRefreshFromAFeed(t *testing.T) {
	h, before := published(t)
	p := RefreshParams{Now: h.now, Trusted: before, Seen: metadataOf(t, h.feed(t)), Signed: map[string]int64{"armani": 2, "root": 3}}
	next, notes, err := Refresh(p)
	if err != nil || len(notes) != 0 {
		t.Fatalf("notes %q, error %v", notes, err)
	}
	if got, want := must(next.Bundle()).Bytes(), must(h.set.Bundle()).Bytes(); string(got) != string(want) {
		t.Errorf("the state is not what people signed: %v", tufrepo.Diff(h.set, next))
	}
	p.Trusted = next
	if same, _, err := Refresh(p); err != nil || len(tufrepo.Diff(next, same)) != 0 {
		t.Errorf("once more: %v, error %v", tufrepo.Diff(next, same), err)
	}
	// Half a year later all has expired. It is taken nevertheless: from there it is renewed.
	p.Trusted, p.Now = before, h.now.Add(400*day)
	_, notes, err = Refresh(p)
	said := strings.Join(notes, "\n")
	for _, want := range []string{"This copy of the feed was good until", "armani: version 2 expired", "root: version 3 expired",
		"targets: version 2 expired"} {
		if err != nil || !strings.Contains(said, want) {
			t.Errorf("%q is not said: error %v, notes:\n%s", want, err, said)
		}
	}
}

func TestRefreshRefuses(t *testing.T) {
	h, before := published(t)
	for name, c := range map[string]struct {
		do   func(p *RefreshParams)
		want string
	}{
		"an old copy, by the trust": {func(p *RefreshParams) {
			h := *h
			p.Trusted, h.set = h.set, before
			p.Seen = metadataOf(t, h.feed(t))
		}, "armani: the copy has version 1, you trust version 2 already"},
		"an old copy, by the keys": {func(p *RefreshParams) { p.Signed = map[string]int64{"armani": 3} }, "armani: these keys have " +
			"signed version 3, the copy has version 2"},
		"a root that is not known": {func(p *RefreshParams) { p.Signed = map[string]int64{"root": 4} }, "root: these keys " +
			"have signed version 4"},
		"another organization":      {func(p *RefreshParams) { p.Trusted = newOrg(t, "armani").set }, "another trust"},
		"no root":                   {func(p *RefreshParams) { p.Seen.Roots = nil }, "there is no root"},
		"a root in between is gone": {func(p *RefreshParams) { p.Seen.Roots = p.Seen.Roots[2:] }, "root 2 is missing"},
		"a role of another organization": {func(p *RefreshParams) { p.Seen.Files["armani"] = newOrg(t, "armani").set.Files["armani"] },
			"0 good signatures"},
		"half a copy": {func(p *RefreshParams) { delete(p.Seen.Files, "armani") }, "the file is not there"},
		"no targets":  {func(p *RefreshParams) { p.Seen.Files = nil }, "targets: there is no such file"},
		"a snapshot by nobody": {func(p *RefreshParams) { p.Seen.Files[tufrepo.Snapshot] = unsigned(t, p.Seen.Files[tufrepo.Snapshot]) },
			"snapshot"},
		"the same number, different": {func(p *RefreshParams) { p.Trusted = h.set.With(map[string][]byte{"armani": other(t, h)}) },
			"another version 2 than the one you trust"},
	} {
		t.Run(name, func(t *testing.T) {
			p := RefreshParams{Now: h.now, Trusted: before, Seen: metadataOf(t, h.feed(t))}
			c.do(&p)
			next, _, err := Refresh(p)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v; wanted %q", err, c.want)
			}
			if len(next.Roots)+len(next.Files) > 0 {
				t.Error("a refused state was handed out")
			}
		})
	}
}

// unsigned is doc without its signatures.
func unsigned(t *testing.T, doc []byte) []byte {
	t.Helper()
	info := must(tufrepo.Read(doc))
	return must(tufrepo.NewSnapshot(info.Version, info.Expires, info.Files))
}

// other is another version 2 of armani.
func other(t *testing.T, h *org) []byte {
	t.Helper()
	return must(tufrepo.Sign(must(tufrepo.NewRole(2, h.now.Add(9*day), nil)), h.builds[1], h.builds[2]))
}

// A model that was retired stays in the feed, signed by keys that nobody lists any more.
func TestRefreshKeepsARetiredModel(t *testing.T) {
	h := newOrg(t, "armani", "dior")
	before := h.set
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	h.apply(t, r.request, h.builds[0], h.builds[1])
	models := must(tufrepo.Read(h.set.Files[tufrepo.Targets])).Models
	retired := must(tufrepo.Sign(must(tufrepo.NewTargets(3, h.now.Add(100*day), models[1:])), h.tops[0], h.tops[1]))
	seen := h.set.With(map[string][]byte{tufrepo.Targets: retired})
	next, _, err := Refresh(RefreshParams{Now: h.now, Trusted: before, Seen: seen})
	if err != nil {
		t.Fatal(err)
	}
	if string(next.Files["armani"]) != string(h.set.Files["armani"]) {
		t.Error("the last file of the retired model, signed when it was trusted, was not taken")
	}
	seen.Files["armani"] = must(tufrepo.Sign(must(tufrepo.NewRole(9, h.now.Add(9*day), nil)), h.builds[0]))
	next, _, err = Refresh(RefreshParams{Now: h.now, Trusted: before, Seen: seen})
	if err != nil || string(next.Files["armani"]) != string(before.Files["armani"]) {
		t.Errorf("one signature of two replaced the file of a retired model (error %v)", err)
	}
}

func TestPassOverVersions(t *testing.T) {
	h, _ := published(t)
	p := RotateParams{Now: h.now, Trusted: h.set, Roles: []string{"armani"}, Threshold: 1, Life: DefaultLife(),
		Above: map[string]int64{"armani": 7, "targets": 1}}
	staged := must(Rotate(p)).Staged()
	if v := must(tufrepo.Read(staged["armani"])).Version; v != 8 {
		t.Errorf("armani is version %d; 7 was used up", v)
	}
	if v := must(tufrepo.Read(staged[tufrepo.Targets])).Version; v != 3 {
		t.Errorf("targets is version %d; 2 is published", v)
	}
	if err := Behind(staged, map[string]int64{"armani": 7, "targets": 2}); err != nil {
		t.Error(err)
	}
	if err := Behind(staged, map[string]int64{"armani": 8, "targets": 3}); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("both are used up: error %v", err)
	}
}
