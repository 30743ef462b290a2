// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/tufrepo"
	"landed/signer/keys"
)

func TestOnePersonCountsOnce(t *testing.T) {
	h := newOrg(t, "armani")
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	one := must(Sign(r.request, h.now, SigningKey{Signer: h.builds[0], Ledger: NewLedger()}))
	bundle, progress, err := Assemble(r.request, h.now, one, one)
	if err != nil || len(bundle.Files) != 0 || progress[0].Have != 1 {
		t.Errorf("one person twice: %+v, error %v", progress, err)
	}
	two := must(Sign(r.request, h.now, SigningKey{Signer: h.builds[1], Ledger: NewLedger()}))
	bundle, progress, err = Assemble(r.request, h.now, one, two)
	if err != nil || len(bundle.Files) == 0 || progress[0].Have != 2 {
		t.Errorf("two people: %+v, error %v", progress, err)
	}
}

func TestLedger(t *testing.T) {
	h := newOrg(t, "armani")
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	ledger := NewLedger()
	key := SigningKey{Signer: h.builds[0], Ledger: ledger}
	must(Sign(r.request, h.now, key))
	if ledger.Roles["armani"].Version != 2 {
		t.Fatalf("ledger %+v", ledger)
	}
	must(Sign(r.request, h.now, key)) // the same again is harmless: a response may get lost
	other := newRelease(t, h, fixtures.Bad)
	other.stage(other.targets())
	if _, err := Sign(other.request, h.now, key); err == nil || !strings.Contains(err.Error(), "another version 2") {
		t.Errorf("equal version, other content: error %v", err)
	}
	ledger.Roles["armani"] = Signed{Version: 9}
	back := must(ParseLedger(ledger.Bytes()))
	if _, err := Sign(r.request, h.now, SigningKey{Signer: h.builds[0], Ledger: back}); err == nil || !strings.Contains(err.Error(),
		"has signed version 9") {
		t.Errorf("lower version: error %v", err)
	}
	if back.Roles["armani"].Version != 9 {
		t.Error("a refused signature changed the ledger")
	}
	for _, bad := range []string{"", "{}", `{"schema":2,"roles":{}}`, `{"schema":1,"roles":{},"x":1}`} {
		if _, err := ParseLedger([]byte(bad)); err == nil {
			t.Errorf("ParseLedger(%q) accepted", bad)
		}
	}
}

func TestSignRefusesStrangersAndBrokenRequests(t *testing.T) {
	h := newOrg(t, "armani")
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	stranger := must(keys.New(keys.P256, "eve", "armani"))
	ledger := NewLedger()
	if _, err := Sign(r.request, h.now, SigningKey{Signer: h.builds[0], Ledger: ledger}, SigningKey{Signer: stranger,
		Ledger: NewLedger()}); err == nil || !strings.Contains(err.Error(), "not listed") {
		t.Errorf("a stranger's key: error %v", err)
	}
	if len(ledger.Roles) != 0 {
		t.Error("nothing was signed, but a ledger says so")
	}
	if _, err := Sign(r.request, h.now.Add(400*day), SigningKey{Signer: h.builds[0], Ledger: ledger}); err == nil ||
		!strings.Contains(err.Error(), "expired") {
		t.Errorf("an expired request: error %v", err)
	}
	forged := must(Sign(r.request, h.now, SigningKey{Signer: h.builds[0], Ledger: NewLedger()}))
	forged.Signatures[0].Sig = strings.Repeat("00", 70)
	if _, _, err := Assemble(r.request, h.now, forged); err == nil || !strings.Contains(err.Error(), "bad") {
		t.Errorf("a forged signature: error %v", err)
	}
	forged.Request = "another"
	if _, _, err := Assemble(r.request, h.now, forged); err == nil || !strings.Contains(err.Error(), "answers request") {
		t.Errorf("a response to another request: error %v", err)
	}
}

func TestRotateRoot(t *testing.T) {
	h := newOrg(t, "armani")
	fresh := must(keys.New(keys.P256, "fi", "root"))
	p := RotateParams{Now: h.now, Trusted: h.set, Roles: []string{"root"}, Remove: []string{h.root[1].Key().ID()},
		Add: []tufrepo.Key{fresh.Key()}, Life: DefaultLife()}
	r := must(Rotate(p))
	sign := func(by ...*keys.Key) tufrepo.Response {
		var signers []SigningKey
		for _, k := range by {
			signers = append(signers, SigningKey{Signer: k, Ledger: NewLedger()})
		}
		return must(Sign(r, h.now, signers...))
	}
	bundle, progress, err := Assemble(r, h.now, sign(h.root[0], h.root[2], fresh))
	if err != nil || len(bundle.Files) != 0 || len(progress) != 2 {
		t.Errorf("two old and three new signatures suffice: %+v, %v", progress, err)
	}
	bundle, _, err = Assemble(r, h.now, sign(h.root[0], h.root[2], h.root[3]))
	if err != nil || len(bundle.Files) == 0 {
		t.Fatalf("three keys that are old and new: %v", err)
	}
	if set := must(bundle.Set()); len(set.Roots) != 2 || set.CheckOffline(h.now) != nil {
		t.Errorf("%d roots, %v", len(set.Roots), set.CheckOffline(h.now))
	}
}

func TestRotateAModelSignsItsBuildsAgain(t *testing.T) {
	h := newOrg(t, "armani", "dior")
	r := newRelease(t, h, fixtures.Patched)
	r.stage(r.targets())
	h.apply(t, r.request, h.builds[0], h.builds[1])
	fresh := must(keys.New(keys.Ed25519, "fi", "armani"))
	p := RotateParams{Now: h.now, Trusted: h.set, Roles: []string{"armani"}, Remove: []string{h.builds[0].Key().ID()},
		Add: []tufrepo.Key{fresh.Key()}, Life: DefaultLife()}
	if _, err := Rotate(p); err == nil || !strings.Contains(err.Error(), "--role armani,dior") {
		t.Errorf("got %v; wanted a refusal, as dior shares the key, that names both", err)
	}
	p.OnlyHere = true
	change := must(Rotate(p))
	if staged := change.Staged(); len(staged) != 2 || staged["armani"] == nil || staged[tufrepo.Targets] == nil {
		t.Fatalf("the change holds %d files", len(staged))
	}
	h.apply(t, change, h.tops[0], h.tops[1], h.builds[1], fresh)
	info := must(tufrepo.Read(h.set.Files["armani"]))
	if info.Version != 3 || len(info.Targets) != 4 {
		t.Errorf("version %d with %d targets; wanted 3 with all files", info.Version, len(info.Targets))
	}
	if err := h.set.CheckOffline(h.now); err != nil {
		t.Error(err)
	}
}

func TestRotateTargetsAndOnline(t *testing.T) {
	h := newOrg(t, "armani")
	fresh := must(keys.New(keys.Ed25519, "fi", "targets"))
	h.apply(t, must(Rotate(RotateParams{Now: h.now, Trusted: h.set, Roles: []string{"targets"}, Remove: []string{h.tops[0].Key().ID()},
		Add: []tufrepo.Key{fresh.Key()}, Life: DefaultLife()})), h.root[0], h.root[1], h.root[2], h.tops[1], fresh)
	next := tufrepo.OnlineKeys{Schema: 1, Snapshot: must(keys.New(keys.Ed25519, "server", "s")).Key(),
		Timestamp: must(keys.New(keys.Ed25519, "server", "t")).Key(), Offers: must(keys.New(keys.Ed25519, "server", "o")).Key()}
	p := RotateParams{Now: h.now, Trusted: h.set, Roles: []string{"snapshot", "timestamp", "offers"}, Life: DefaultLife()}
	h.apply(t, must(RotateOnline(p, next)), h.root[0], h.root[1], h.root[2], h.tops[1], fresh)
	root := must(tufrepo.Read(h.set.Roots[2])).Root
	models := must(tufrepo.Read(h.set.Files[tufrepo.Targets])).Models
	if root.Snapshot.Keys[0] != next.Snapshot || root.Timestamp.Keys[0] != next.Timestamp || models[0].Offers.Keys[0] != next.Offers {
		t.Error("an online key is still the old one")
	}
}

func TestRotateRefuses(t *testing.T) {
	h := newOrg(t, "armani")
	gone := []string{h.root[0].Key().ID(), h.root[1].Key().ID(), h.root[2].Key().ID()}
	for name, p := range map[string]RotateParams{
		"fewer keys than must sign": {Roles: []string{"root"}, Remove: gone},
		"a key that is not there":   {Roles: []string{"root"}, Remove: []string{h.tops[0].Key().ID()}},
		"a role that is not there":  {Roles: []string{"dior"}},
		"no role":                   {},
		"a key of another role":     {Roles: []string{"root"}, Add: []tufrepo.Key{h.tops[0].Key()}},
		"a key that is there":       {Roles: []string{"root"}, Add: []tufrepo.Key{h.root[0].Key()}},
	} {
		p.Now, p.Trusted, p.Life = h.now, h.set, DefaultLife()
		if _, err := Rotate(p); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAddModelsLike(t *testing.T) {
	h := newOrg(t, "armani")
	r, made, err := AddModels(AddModelsParams{Now: h.now, Trusted: h.set, Models: []string{"dior"}, Like: "armani", Offers: h.online[2].Key(),
		Life: DefaultLife()})
	if err != nil || len(made) != 0 {
		t.Fatalf("%d keys made, error %v", len(made), err)
	}
	h.apply(t, r, h.tops[0], h.tops[1], h.builds[0], h.builds[1])
	for _, p := range []AddModelsParams{{Models: []string{"dior"}, Like: "armani"}, {Models: []string{"cancro"}, Like: "pisces"}, {},
		{Models: []string{"Cancro"}, Like: "armani"}} {
		p.Now, p.Trusted, p.Offers, p.Life = h.now, h.set, h.online[2].Key(), DefaultLife()
		if _, _, err := AddModels(p); err == nil {
			t.Errorf("%+v accepted", p.Models)
		}
	}
}

func TestInitRefuses(t *testing.T) {
	online := tufrepo.OnlineKeys{Schema: 1, Snapshot: must(keys.New(keys.Ed25519, "s", "s")).Key(),
		Timestamp: must(keys.New(keys.Ed25519, "s", "t")).Key()}
	for _, p := range []InitParams{
		{Names: []string{"ann", "bo"}, Root: Quorum{3, 2}, Targets: Quorum{1, 1}},
		{Names: []string{"ann", "bo"}, Root: Quorum{1, 3}, Targets: Quorum{1, 1}},
		{Names: []string{"ann", "ann"}, Root: Quorum{2, 2}, Targets: Quorum{1, 1}},
		{Names: []string{"ann", "bo"}, Root: Quorum{0, 2}, Targets: Quorum{1, 1}},
	} {
		p.Now, p.Online, p.Algorithm, p.Life = testNow, online, keys.Ed25519, DefaultLife()
		if _, _, err := Init(p); err == nil {
			t.Errorf("accepted %+v of %v", p.Root, p.Names)
		}
	}
}

// feed writes what a server would publish.
func (h *org) feed(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	list := map[string]tufrepo.RoleFile{}
	put := func(role string, doc []byte) {
		info := must(tufrepo.Read(doc))
		files["metadata/"+tufrepo.MetadataFile(role, info.Version)] = &fstest.MapFile{Data: doc}
		list[role] = must(tufrepo.FileOf(doc))
	}
	for role, doc := range h.set.Files {
		put(role, doc)
	}
	content := []byte("{}")
	put("armani-offers",
		must(tufrepo.Sign(must(tufrepo.NewRole(1, h.now.Add(day), []tufrepo.Target{{Path: "offers/armani/stable.json", Length: 2,
			SHA256: hash(content)}})), h.online[2])))
	files["targets/"+tufrepo.StoredTarget("offers/armani/stable.json", hash(content))] = &fstest.MapFile{Data: content}
	snapshot := must(tufrepo.Sign(must(tufrepo.NewSnapshot(1, h.now.Add(day), list)), h.online[0]))
	put(tufrepo.Snapshot, snapshot)
	put(tufrepo.Timestamp, must(tufrepo.Sign(must(tufrepo.NewTimestamp(1, h.now.Add(day), must(tufrepo.FileOf(snapshot)))), h.online[1])))
	for _, r := range h.set.Roots {
		put(tufrepo.Root, r)
	}
	return files
}

func TestVerifyFeed(t *testing.T) {
	h := newOrg(t, "armani")
	feed := h.feed(t)
	if _, err := VerifyFeed(feed, &h.set, h.now); err != nil {
		t.Fatal(err)
	}
	stored := "targets/" + tufrepo.StoredTarget("offers/armani/stable.json", hash([]byte("{}")))
	for name, c := range map[string]struct {
		do   func(fstest.MapFS)
		now  time.Time
		want string
	}{
		"a target with other bytes": {func(f fstest.MapFS) { f[stored] = &fstest.MapFile{Data: []byte("[]")} }, h.now, "other bytes"},
		"a target that goes on":     {func(f fstest.MapFS) { f[stored] = &fstest.MapFile{Data: []byte("{} ")} }, h.now, "other bytes"},
		"a target that is missing":  {func(f fstest.MapFS) { delete(f, stored) }, h.now, "not exist"},
		"a metadata file is missing": {func(f fstest.MapFS) {
			delete(f, "metadata/2.armani.json")
			delete(f, "metadata/1.armani.json")
		}, h.now, "not there"},
		"expired": {func(fstest.MapFS) {}, h.now.Add(2 * day), "expired"},
		"no feed": {func(f fstest.MapFS) { clear(f) }, h.now, "no feed"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := h.feed(t)
			c.do(broken)
			if _, err := VerifyFeed(broken, nil, c.now); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; wanted %q", err, c.want)
			}
		})
	}
	stranger := newOrg(t, "armani")
	if _, err := VerifyFeed(feed, &stranger.set, h.now); err == nil || !strings.Contains(err.Error(), "not the root 1 that you trust") {
		t.Errorf("a feed of another organization: error %v", err)
	}
	bundle := must(h.set.Bundle())
	if _, err := VerifyBundle(bundle, &h.set, h.now); err != nil {
		t.Errorf("bundle: %v", err)
	}
	if _, err := VerifyBundle(bundle, nil, h.now.Add(300*day)); err == nil {
		t.Error("an expired bundle was accepted")
	}
	if names := slices.Sorted(maps.Keys(bundle.Files)); !slices.Equal(names, []string{"1.armani.json", "1.root.json", "2.targets.json"}) {
		t.Errorf("bundle holds %v", names)
	}
}
