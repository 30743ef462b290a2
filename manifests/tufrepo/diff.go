// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Diff says in words what next changes, one sentence each, for the person who signs or
// publishes. It judges nothing; what cannot be read is said too.
func Diff(prev, next Set) []string {
	var words []string
	now := open(next, time.Time{})
	old := openLike(prev, time.Time{}, now)
	for _, err := range now.faults {
		words = append(words, "Unreadable: "+err.Error())
	}
	if root, ok := now.lastRoot(); ok {
		before, had := old.lastRoot()
		if !had || string(prev.Roots[len(prev.Roots)-1]) != string(next.Roots[len(next.Roots)-1]) {
			words = append(words, diffRoot(before.info, root.info)...)
		}
	}
	for _, role := range slices.Sorted(maps.Keys(now.docs)) {
		if string(next.Files[role]) == string(prev.Files[role]) {
			continue
		}
		words = append(words, diffRole(role, old.docs[role].info, now.docs[role].info)...)
	}
	for _, role := range slices.Sorted(maps.Keys(old.docs)) {
		if _, ok := next.Files[role]; !ok {
			words = append(words, fmt.Sprintf("%s: the file is gone.", role))
		}
	}
	return words
}

func diffRoot(old, now Info) []string {
	var before RootSpec
	if old.Root != nil {
		before = *old.Root
	}
	words := []string{headline(Root, old, now)}
	for _, k := range []struct {
		role     string
		old, now RoleKeys
	}{
		{Root, before.Root, now.Root.Root}, {Targets, before.Targets, now.Root.Targets},
		{Snapshot, before.Snapshot, now.Root.Snapshot}, {Timestamp, before.Timestamp, now.Root.Timestamp},
	} {
		words = append(words, diffKeys(k.role, k.old, k.now)...)
	}
	return words
}

func diffRole(role string, old, now Info) []string {
	words := []string{headline(role, old, now)}
	words = append(words, diffModels(old.Models, now.Models)...)
	words = append(words, diffOutsiders(old, now)...)
	return append(words, diffTargets(role, old.Targets, now.Targets)...)
}

func headline(role string, old, now Info) string {
	until := now.Expires.Format(time.DateOnly)
	if now.Type == Timestamp || now.Type == Snapshot {
		until = now.Expires.Format("2006-01-02 15:04 UTC")
	}
	if old.Version == 0 {
		return fmt.Sprintf("%s: new, version %d, valid until %s.", role, now.Version, until)
	}
	if old.Version == now.Version {
		return fmt.Sprintf("%s: another version %d, valid until %s (was %s).", role, now.Version, until,
			old.Expires.Format(time.DateOnly))
	}
	return fmt.Sprintf("%s: version %d becomes %d, valid until %s (was %s).", role, old.Version, now.Version, until,
		old.Expires.Format(time.DateOnly))
}

func diffKeys(role string, old, now RoleKeys) []string {
	words := diffKeyLists(role, old, now)
	switch {
	case len(old.Keys) == 0:
		words = append(words, fmt.Sprintf("%s: %d of %d keys must sign.", role, now.Threshold, len(now.Keys)))
	case old.Threshold != now.Threshold || len(old.Keys) != len(now.Keys):
		words = append(words, fmt.Sprintf("%s: %d of %d keys must sign (was %d of %d).", role, now.Threshold, len(now.Keys),
			old.Threshold, len(old.Keys)))
	}
	return words
}

func diffKeyLists(role string, old, now RoleKeys) []string {
	var words []string
	for _, k := range now.Keys {
		if !slices.Contains(old.Keys, k) {
			words = append(words, fmt.Sprintf("%s: key %.8s (%s) is added.", role, k.ID(), k.Type))
		}
	}
	for _, k := range old.Keys {
		if !slices.Contains(now.Keys, k) {
			words = append(words, fmt.Sprintf("%s: key %.8s (%s) is removed.", role, k.ID(), k.Type))
		}
	}
	return words
}

func diffModels(old, now []ModelKeys) []string {
	was := map[string]ModelKeys{}
	for _, m := range old {
		was[m.Role] = m
	}
	var words []string
	for _, m := range now {
		before, known := was[m.Role]
		delete(was, m.Role)
		if !known {
			words = append(words, fmt.Sprintf("Model %s is added.", m.Role))
		}
		words = append(words, diffKeys(m.Role, before.Builds, m.Builds)...)
		words = append(words, diffKeys(OffersRole(m.Role), before.Offers, m.Offers)...)
	}
	for _, role := range slices.Sorted(maps.Keys(was)) {
		words = append(words, fmt.Sprintf("Model %s is retired: its handsets find no update here any more, "+
			"and their owners must be told. Its last files stay in the feed; its reports are still taken.", role))
	}
	return words
}

func diffTargets(role string, old, now []Target) []string {
	was := map[string]Target{}
	for _, t := range old {
		was[t.Path] = t
	}
	var words []string
	for _, t := range now {
		before, known := was[t.Path]
		delete(was, t.Path)
		switch {
		case !known:
			words = append(words, "New "+describe(role, t))
		case before.SHA256 != t.SHA256 || before.Length != t.Length || string(before.Custom) != string(t.Custom):
			words = append(words, "Replaced, was sha256 "+before.SHA256[:12]+": "+describe(role, t))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(was)) {
		words = append(words, fmt.Sprintf("%s: %s is taken out; it can no longer be installed.", role, path))
	}
	return words
}

func describe(role string, t Target) string {
	custom, ok := customOf(t.Custom)
	if !ok {
		return fmt.Sprintf("file for %s: %s, %d bytes, sha256 %.12s….", role, t.Path, t.Length, t.SHA256)
	}
	effect := "effect " + custom.Effect
	if custom.Effect == "" {
		effect = "no effect, so nothing is claimed"
	}
	return fmt.Sprintf("package for %s on %s: release %s, build %s of %s, counter %d, %s; %s, %d bytes, sha256 %.12s….",
		custom.Variant, custom.Channel, custom.Release, custom.Build.Incremental,
		time.Unix(custom.Build.UTC, 0).UTC().Format(time.DateOnly), custom.Counter, effect, t.Path, t.Length, t.SHA256)
}
