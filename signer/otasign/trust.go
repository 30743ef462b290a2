// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"fmt"

	"landed/manifests/tufrepo"
)

func loadTrust(path string) (tufrepo.Set, error) {
	bundle, err := load(path, tufrepo.ParseBundle)
	if err != nil {
		return tufrepo.Set{}, err
	}
	set, err := bundle.Set()
	if err != nil {
		return set, fmt.Errorf("%s: %w", path, err)
	}
	return set, nil
}
