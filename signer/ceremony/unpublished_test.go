// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"strings"
	"testing"
	"time"

	"landed/manifests/tufrepo"
	"landed/signer/keys"
)

// nextRoot replaces the last root key by a new one of name.
func (h *org) nextRoot(t *testing.T, name string) tufrepo.Request {
	t.Helper()
	fresh := must(keys.New(keys.Ed25519, name, tufrepo.Root))
	return must(Rotate(RotateParams{Now: h.now, Trusted: h.set, Roles: []string{tufrepo.Root}, Remove: []string{h.root[4].Key().ID()},
		Add: []tufrepo.Key{fresh.Key()}, Life: DefaultLife()}))
}

// A root that was signed by too few and given up: the same number has to be signed again.
func TestRootGivenUp(t *testing.T) {
	h := newOrg(t, "armani")
	first, second := h.nextRoot(t, "fi"), h.nextRoot(t, "gu")
	ledger := NewLedger()
	key := SigningKey{Signer: h.root[0], Ledger: ledger}
	must(Sign(first, h.now, key))
	before := string(ledger.Bytes())
	if _, err := Sign(second, h.now, key); err == nil || !strings.Contains(err.Error(), "destroy its request and every response to it, and "+
		"say so with --unpublished") {
		t.Errorf("another root 2: error %v", err)
	}
	if string(ledger.Bytes()) != before {
		t.Error("a refusal changed the record")
	}
	key.GivenUp = true
	answer := must(Sign(second, h.now, key))
	must(Sign(second, h.now, key)) // again, after a power cut
	if entry := ledger.Roles[tufrepo.Root]; entry.Version != 2 || len(entry.GivenUp) != 1 {
		t.Errorf("the record says %+v", entry)
	}
	again := must(ParseLedger(ledger.Bytes()))
	if _, err := Sign(first, h.now, SigningKey{Signer: h.root[0], Ledger: again, GivenUp: true}); err == nil || !strings.Contains(err.Error(),
		"it does not go back") {
		t.Errorf("the root that was given up, once more: %v", err)
	}
	var rest []tufrepo.Response
	for _, k := range h.root[1:3] {
		rest = append(rest, must(Sign(second, h.now, SigningKey{Signer: k, Ledger: NewLedger()})))
	}
	if _, _, err := Assemble(second, h.now, append(rest, answer)...); err != nil {
		t.Error(err)
	}
}

// Only roots: of every other role the next number is free.
func TestOnlyRootsAreSignedTwice(t *testing.T) {
	h := newOrg(t, "armani")
	ledger := NewLedger()
	staged := func(threshold int) tufrepo.Request {
		return must(Rotate(RotateParams{Now: h.now, Trusted: h.set, Roles: []string{"armani"}, Threshold: threshold, Life: DefaultLife()}))
	}
	p := staged(1)
	must(Sign(p, h.now, SigningKey{Signer: h.tops[0], Ledger: ledger}))
	if _, err := Sign(staged(3), h.now, SigningKey{Signer: h.tops[0], Ledger: ledger, GivenUp: true}); err == nil ||
		!strings.Contains(err.Error(), "the new change wants a higher version (--unpublished)") {
		t.Errorf("targets, another version 3: %v", err)
	}
}

// Two people replaced keys at once, and the other one's change was published. What was made here is
// given up for a feed of today, and for nothing less.
func TestGiveUpWhatWasMadeHere(t *testing.T) {
	theirs := newOrg(t, "armani")
	mine := *theirs
	mine.apply(t, mine.nextRoot(t, "fi"), mine.root[0], mine.root[1], mine.root[2])
	mine.retire(t, "armani")
	theirs.apply(t, theirs.nextRoot(t, "gu"), theirs.root[1], theirs.root[2], theirs.root[3])
	feed := metadataOf(t, theirs.feed(t))
	p := RefreshParams{Now: theirs.now, Trusted: mine.set, Seen: feed, Signed: map[string]int64{tufrepo.Root: 2, tufrepo.Targets: 3}}
	if _, _, err := Refresh(p); err == nil || !strings.Contains(err.Error(), "give yours up with --unpublished") {
		t.Errorf("without saying so: %v", err)
	}
	p.Unpublished = true
	next, notes, err := Refresh(p)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := must(next.Bundle()).Bytes(), must(theirs.set.Bundle()).Bytes(); string(got) != string(want) {
		t.Errorf("the state is not what is published: %v", tufrepo.Diff(theirs.set, next))
	}
	if said := strings.Join(notes, "\n"); !strings.Contains(said, "root: version 2, which was made here, is given up.") ||
		!strings.Contains(said, "targets: version 3, which was made here, is given up.") {
		t.Errorf("the notes are:\n%s", said)
	}
	for name, change := range map[string]func(*RefreshParams){
		"an old copy":          func(p *RefreshParams) { p.Now = p.Now.Add(48 * time.Hour) },
		"a trust file":         func(p *RefreshParams) { p.Seen = theirs.set },
		"another organization": func(p *RefreshParams) { p.Trusted = newOrg(t, "armani").set },
	} {
		p := p
		change(&p)
		if next, _, err := Refresh(p); err == nil || len(next.Files) > 0 {
			t.Errorf("%s: gave up what was trusted (error %v)", name, err)
		}
	}
}
