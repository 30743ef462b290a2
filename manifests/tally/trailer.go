// SPDX-License-Identifier: Apache-2.0

package tally

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"landed/manifests/tufrepo"
)

const evidenceType = "application/vnd.landed.tally.evidence.v1"

// Trailer ends a file of evidence: the server stands to what it gave away, also to the minutes, of which the trees know the
// hours alone.
type Trailer struct {
	SHA256 string `json:"sha256"` // of all before it, hex
	KeyID  string `json:"keyid"`
	Sig    string `json:"sig"` // standard base64
}

// SignEvidence signs what a file of evidence of a tally holds, by the key that signs tallies.
func SignEvidence(number int64, sum string, key tufrepo.Signer) (Trailer, error) {
	sig, err := key.Sign(evidenceMessage(number, sum))
	return Trailer{sum, key.Key().ID(), base64.StdEncoding.EncodeToString(sig)}, err
}

// Verify checks that one of keys signed it, for what has this SHA-256.
func (t Trailer) Verify(number int64, sum string, keys []tufrepo.Key) error {
	if t.SHA256 != sum {
		return errors.New("what it holds has another SHA-256 than its last line says: a byte was changed")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(t.Sig)
	if err != nil {
		return fmt.Errorf("the signature in its last line: %w", err)
	}
	for _, key := range keys {
		if key.ID() == t.KeyID && key.Verify(evidenceMessage(number, sum), raw) {
			return nil
		}
	}
	return errors.New("its last line is signed by no key that a root names for the snapshot, or was changed")
}

func evidenceMessage(number int64, sum string) []byte {
	return dsse.PAE(evidenceType, fmt.Appendf(nil, "%d %s", number, sum))
}
