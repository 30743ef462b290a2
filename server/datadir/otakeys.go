// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"fmt"
	"os"
	"path/filepath"

	"landed/manifests/otapkg"
)

// OTAKeys reads the OTA certificates that are pinned for a channel: ota-keys/<channel>/*.pem.
// They are read for each upload, so a new one needs no restart.
func (d Dir) OTAKeys(channel string) ([]otapkg.Pin, error) {
	files, err := filepath.Glob(filepath.Join(d.path(otaKeysDir), channel, "*.pem"))
	if err != nil {
		return nil, err
	}
	var pins []otapkg.Pin
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		found, err := otapkg.ParsePins(text)
		if err != nil {
			return nil, fmt.Errorf("pinned OTA certificate %s: %w", file, err)
		}
		pins = append(pins, found...)
	}
	return pins, nil
}
