// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"strings"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/signer/ceremony"
)

// otaKeys reads pinned certificates: "FILE" for every channel, "stable=FILE" for one.
func otaKeys(files []string) (map[string][]otapkg.Pin, error) {
	pinned := map[string][]otapkg.Pin{}
	for _, file := range files {
		channel := ceremony.EveryChannel
		if c, path, ok := strings.Cut(file, "="); ok && manifests.ValidChannel(c) {
			channel, file = c, path
		}
		list, err := load(file, otapkg.ParsePins)
		if err != nil {
			return nil, err
		}
		pinned[channel] = append(pinned[channel], list...)
	}
	return pinned, nil
}
