// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"landed/manifests"
)

// maxNames bounds how many people a file names: more than any fleet has keys.
const maxNames = 4096

// personName is a name as key files have it.
var personName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,40}$`)

// CheckPerson refuses what is no name of a holder of keys: a lower-case letter, then letters, digits, _ or -.
func CheckPerson(name string) error {
	if !personName.MatchString(name) {
		return fmt.Errorf("name %.60q: wanted lower-case letters, digits, _ or -", name)
	}
	return nil
}

func checkNames(names map[string]string) error {
	if len(names) > maxNames {
		return fmt.Errorf("names: %d of them, wanted at most %d", len(names), maxNames)
	}
	var faults []error
	for _, id := range slices.Sorted(maps.Keys(names)) {
		if !digest.MatchString(id) {
			faults = append(faults, fmt.Errorf("names: %.80q is no key id, of 64 hex digits", id))
		}
		if err := CheckPerson(names[id]); err != nil {
			faults = append(faults, fmt.Errorf("names: %w", err))
		}
	}
	return errors.Join(faults...)
}

func checkModels(models []manifests.Model) error {
	if len(models) == 0 {
		return nil
	}
	_, err := manifests.NewCatalogue(models...)
	return err
}

// People are the names of key ids, or their first 12 digits, in order.
func People(names map[string]string, ids []string) []string {
	all := []string{}
	for _, id := range ids {
		all = append(all, cmp.Or(names[id], id[:min(len(id), 12)]))
	}
	slices.Sort(all)
	return all
}
