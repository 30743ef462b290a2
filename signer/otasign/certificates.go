// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"landed/manifests"
	"landed/signer/ceremony"
)

// otaKeys reads certificates: "FILE" for every channel, "stable=FILE" for one.
func otaKeys(files []string) (map[string][]crypto.PublicKey, error) {
	pinned := map[string][]crypto.PublicKey{}
	for _, file := range files {
		channel := ceremony.EveryChannel
		if c, path, ok := strings.Cut(file, "="); ok && manifests.ValidChannel(c) {
			channel, file = c, path
		}
		list, err := load(file, certificateKeys)
		if err != nil {
			return nil, err
		}
		pinned[channel] = append(pinned[channel], list...)
	}
	return pinned, nil
}

// certificateKeys reads the public keys of the PEM certificates in text.
func certificateKeys(text []byte) ([]crypto.PublicKey, error) {
	var list []crypto.PublicKey
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a PEM block is %q; wanted CERTIFICATE", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		list = append(list, cert.PublicKey)
	}
	if len(list) == 0 {
		return nil, errors.New("no PEM certificate in it")
	}
	return list, nil
}
