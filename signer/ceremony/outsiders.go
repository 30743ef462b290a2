// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"landed/manifests/tufrepo"
)

// outsiders edits the keys of observers or of witnesses. They sign nothing of the feed, so nothing but the targets is
// signed again. A role without keys is taken out.
func (c *rotation) outsiders(role string, edit func(string, *tufrepo.RoleKeys) error) error {
	if err := tufrepo.CheckOutsiderRole(role); err != nil {
		return err
	}
	all := slices.Clone(c.targets.Outsiders)
	at := slices.IndexFunc(all, func(o tufrepo.OutsiderKeys) bool { return o.Role == role })
	if at < 0 {
		at = len(all)
		all = append(all, tufrepo.OutsiderKeys{Role: role})
		if role != tufrepo.Observers {
			all[at].Who.Threshold = 1
		}
	}
	who := &all[at].Who
	before := len(who.Keys)
	if err := edit(role, who); err != nil {
		return err
	}
	switch {
	case len(who.Keys) == 0 && before == 0:
		return fmt.Errorf("%s: there is nobody yet; add a key", role)
	case len(who.Keys) == 0:
		all = slices.Delete(all, at, at+1)
	case who.Threshold == 0:
		return errors.New("observers: say how many of them must confirm a statement, with a threshold")
	}
	c.targets.Outsiders = all
	return nil
}

// keyWords is how a change names a key.
var keyWords = regexp.MustCompile(`key ([0-9a-f]{8}) \(`)

// NameKeys says beside each key in words of tufrepo.Diff who holds it: by own, names by key id that the reader knows; or
// else by said, which is somebody's claim.
func NameKeys(words []string, own, said map[string]string) []string {
	named := slices.Clone(words)
	for i, line := range named {
		named[i] = keyWords.ReplaceAllStringFunc(line, func(found string) string {
			id := keyWords.FindStringSubmatch(found)[1]
			if name := holderOf(id, own); name != "" {
				return fmt.Sprintf("key %s of %s (", id, name)
			}
			if name := holderOf(id, said); name != "" {
				return fmt.Sprintf("key %s, said to be of %s (", id, name)
			}
			return found
		})
	}
	return named
}

// holderOf finds the name of the one key whose id begins with prefix; "" if none or several do.
func holderOf(prefix string, names map[string]string) (name string) {
	for id, n := range names {
		if len(id) < len(prefix) || id[:len(prefix)] != prefix {
			continue
		}
		if name != "" && name != n {
			return ""
		}
		name = n
	}
	return name
}
