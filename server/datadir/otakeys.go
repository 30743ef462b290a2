// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// OTAKeys reads the OTA certificates that are pinned for a channel: ota-keys/<channel>/*.pem.
// They are read for each upload, so a new one needs no restart.
func (d Dir) OTAKeys(channel string) ([]crypto.PublicKey, error) {
	files, err := filepath.Glob(filepath.Join(d.path(otaKeysDir), channel, "*.pem"))
	if err != nil {
		return nil, err
	}
	var keys []crypto.PublicKey
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		found := 0
		for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
			if !strings.HasSuffix(block.Type, "CERTIFICATE") {
				continue
			}
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("pinned OTA certificate %s: %w", file, err)
			}
			keys = append(keys, cert.PublicKey)
			found++
		}
		if found == 0 {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", file)
		}
	}
	return keys, nil
}
