// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// SignedDigest is the SHA-256, in lower-case hex, of the canonical form of what is signed in a metadata file. White
// space, the order of members, the signatures and whatever else stands beside the signed part do not change it, so
// whoever has only a mirror's keys cannot choose it.
func SignedDigest(doc []byte) (string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(doc, &fields); err != nil {
		return "", fmt.Errorf("metadata: %w", err)
	}
	if fields["signed"] == nil {
		return "", errors.New("metadata: nothing in it is signed")
	}
	said, err := canonical(fields["signed"])
	if err != nil {
		return "", fmt.Errorf("metadata: %w", err)
	}
	sum := sha256.Sum256(said)
	return hex.EncodeToString(sum[:]), nil
}
