// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"fmt"
	"strings"

	"landed/manifests"
	"landed/manifests/tufrepo"
)

// modelsIn reads a description of models; without a file it is the line-up that is built in.
func modelsIn(file string) (*manifests.Catalogue, error) {
	if file == "" {
		return manifests.DefaultCatalogue(), nil
	}
	return load(file, manifests.ParseCatalogue)
}

// rolesOf turns device names into roles. A name that no list knows is most often a slip of the pen, and its keys, its
// role and its place in the feed would stay for ever; so it wants a description, or a word that it is meant.
func rolesOf(devices []string, file string, unlisted bool) ([]string, error) {
	catalogue, err := modelsIn(file)
	if err != nil {
		return nil, err
	}
	list := "the line-up that is built in"
	if file != "" {
		list = file
	}
	var roles []string
	var faults []error
	for _, device := range devices {
		m, ok := catalogue.Model(device)
		if !ok {
			m, ok = catalogue.ByRole(device)
		}
		switch {
		case ok:
			roles = append(roles, m.Role())
		case unlisted:
			roles = append(roles, strings.ToLower(device))
			faults = append(faults, tufrepo.CheckRole(strings.ToLower(device)))
		default:
			faults = append(faults, fmt.Errorf("no model %q is known: %s does not have it.%s "+
				"Name a file that describes it with --models FILE, or say --unlisted if the name is right",
				device, list, nearest(device, catalogue)))
		}
	}
	return roles, errors.Join(faults...)
}

// nearest asks if a model was meant whose name differs by two letters at most.
func nearest(device string, c *manifests.Catalogue) string {
	best, name := 3, ""
	for _, m := range c.Models() {
		if d := distance(strings.ToLower(device), m.Role()); d < best {
			best, name = d, m.Device
		}
	}
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" Did you mean %s?", name)
}

// distance is how many letters must be put in, taken out or changed to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost = 1 + min(last, row[j], row[j+1])
			}
			last, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
