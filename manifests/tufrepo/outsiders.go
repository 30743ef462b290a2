// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"fmt"
	"strings"
)

// Outsiders look at handsets from outside of the server and its keys. Their keys stand in delegations of the top-level
// targets, so that only the people who sign for all models say who they are. No metadata file is theirs: what they sign
// are statements (package evidence), which no handset reads.
const (
	Observers = "observers" // repeat the test on a model; its threshold is how many of them confirm a statement
	Witnesses = "witnesses" // vouch for lab handsets of every model; any one of them may
)

// witnessesSuffix ends the name of a role whose keys vouch for handsets of one model.
const witnessesSuffix = "-witnesses"

// WitnessesOf is the role of those who vouch for handsets of one model, and of no other.
func WitnessesOf(modelRole string) string { return modelRole + witnessesSuffix }

// OutsiderRole says if role is that of observers or of witnesses.
func OutsiderRole(role string) bool {
	return role == Observers || role == Witnesses || strings.HasSuffix(role, witnessesSuffix)
}

// CheckOutsiderRole refuses what is no role of outsiders: observers, witnesses, or a model's name and -witnesses.
func CheckOutsiderRole(role string) error {
	if role == Observers || role == Witnesses {
		return nil
	}
	model, ok := strings.CutSuffix(role, witnessesSuffix)
	if !ok {
		return fmt.Errorf("role %.80q: wanted %s, %s, or the role of a model and %s", role, Observers, Witnesses, witnessesSuffix)
	}
	if err := CheckRole(role); err != nil {
		return err
	}
	return checkModelRole(model)
}

// OutsiderKeys says who speaks in a role of outsiders.
type OutsiderKeys struct {
	Role string // Observers, Witnesses, or WitnessesOf a model
	Who  RoleKeys
}

// OutsidersOf finds a role of outsiders; zero if it is not delegated.
func (i Info) OutsidersOf(role string) RoleKeys {
	for _, o := range i.Outsiders {
		if o.Role == role {
			return o.Who
		}
	}
	return RoleKeys{}
}

// WitnessesFor are the keys that may vouch for handsets of a model: those of every model, and its own.
func (i Info) WitnessesFor(modelRole string) []Key {
	var keys []Key
	for _, role := range []string{Witnesses, WitnessesOf(modelRole)} {
		keys = append(keys, i.OutsidersOf(role).Keys...)
	}
	return keys
}

func (d *document) readOutsiders(t *keyTable, r wireDelegatedRole) {
	if err := CheckOutsiderRole(r.Name); err != nil {
		t.faults = append(t.faults, err)
	}
	if r.Name != Observers && r.Threshold != 1 {
		t.fault("role %s wants %d signatures; a voucher bears one", r.Name, r.Threshold)
	}
	d.info.Outsiders = append(d.info.Outsiders, OutsiderKeys{r.Name, d.roles[r.Name]})
}

func kindsOfOutsiders(all []OutsiderKeys) []kind {
	observers, witnesses := kind{name: Observers}, kind{name: Witnesses}
	for _, o := range all {
		if o.Role == Observers {
			observers.keys = append(observers.keys, o.Who.Keys...)
		} else {
			witnesses.keys = append(witnesses.keys, o.Who.Keys...)
		}
	}
	return []kind{observers, witnesses}
}

// diffOutsiders says in words who begins and who ceases to look from outside.
func diffOutsiders(old, now Info) (words []string) {
	for _, o := range now.Outsiders {
		before := old.OutsidersOf(o.Role)
		words = append(words, diffKeyLists(o.Role, before, o.Who)...)
		n := fmt.Sprintf("%s: %d of %d must confirm", o.Role, o.Who.Threshold, len(o.Who.Keys))
		switch {
		case o.Role != Observers || before.Threshold == o.Who.Threshold && len(before.Keys) == len(o.Who.Keys):
		case len(before.Keys) == 0:
			words = append(words, n+" a statement.")
		default:
			words = append(words, fmt.Sprintf("%s a statement (was %d of %d).", n, before.Threshold, len(before.Keys)))
		}
	}
	for _, o := range old.Outsiders {
		if len(now.OutsidersOf(o.Role).Keys) == 0 {
			words = append(words, diffKeyLists(o.Role, o.Who, RoleKeys{})...)
			words = append(words, o.Role+": nobody is one any more; what they signed counts no longer.")
		}
	}
	return words
}
