// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"landed/internal/format"
	"landed/manifests/strict"
	"landed/manifests/tufrepo"
)

type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // standard base64
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"` // as in the feed
	Sig   string `json:"sig"`   // standard base64
}

// Seal signs what is said, and returns the envelope and the statement's ID.
func Seal(s Said, by tufrepo.Signer) (text []byte, id string, err error) {
	if err := s.Validate(); err != nil {
		return nil, "", fmt.Errorf("nothing was signed: %w", err)
	}
	payload, err := s.payload(by.Key().ID())
	if err != nil {
		return nil, "", err
	}
	signed := dsse.PAE(PayloadType, payload)
	sig, err := by.Sign(signed)
	if err != nil {
		return nil, "", fmt.Errorf("sign the statement: %w", err)
	}
	if !by.Key().Verify(signed, sig) {
		return nil, "", fmt.Errorf("the signature of key %.8s does not verify; the key file may be damaged", by.Key().ID())
	}
	text, err = json.Marshal(envelope{PayloadType, base64.StdEncoding.EncodeToString(payload),
		[]signature{{by.Key().ID(), base64.StdEncoding.EncodeToString(sig)}}})
	if err == nil && len(text) > MaxBytes {
		err = fmt.Errorf("the statement has %d bytes; the limit is %d, say less", len(text), MaxBytes)
	}
	return text, format.SHA256(payload), err
}

// Parse reads an envelope of at most MaxBytes. The signature is not judged: that takes the keys of the feed, see
// SignedBy.
func Parse(text []byte) (Statement, error) {
	if len(text) > MaxBytes {
		return Statement{}, fmt.Errorf("statement: %d bytes; the limit is %d", len(text), MaxBytes)
	}
	var e envelope
	if err := strict.JSON(text, &e); err != nil {
		return Statement{}, fmt.Errorf("statement: this is no DSSE envelope: %w", err)
	}
	if e.PayloadType != PayloadType || len(e.Signatures) != 1 {
		return Statement{}, fmt.Errorf("statement: the envelope holds %.80q with %d signatures; wanted %s with 1",
			e.PayloadType, len(e.Signatures), PayloadType)
	}
	s := Statement{Signer: e.Signatures[0].KeyID}
	var errs [2]error
	s.payload, errs[0] = base64.StdEncoding.Strict().DecodeString(e.Payload)
	s.signature, errs[1] = base64.StdEncoding.Strict().DecodeString(e.Signatures[0].Sig)
	if err := errors.Join(errs[:]...); err != nil {
		return Statement{}, fmt.Errorf("statement: wanted standard base64: %w", err)
	}
	if !digest.MatchString(s.Signer) || len(s.signature) > 256 {
		return Statement{}, fmt.Errorf("statement: key id %.80q; wanted 64 hex digits, and a short signature", s.Signer)
	}
	said, signer, err := read(s.payload)
	if err == nil && signer != s.Signer {
		err = fmt.Errorf("the envelope names key %.8s, and the statement in it %.8s", s.Signer, signer)
	}
	if err != nil {
		return Statement{}, fmt.Errorf("statement: %w", err)
	}
	s.Said = said
	s.ID = format.SHA256(s.payload)
	return s, nil
}

// Payload is what was signed: an in-toto statement, in JSON.
func (s Statement) Payload() []byte { return s.payload }

// SignedBy says if one of the keys signed the statement: the one that it names.
func (s Statement) SignedBy(keys []tufrepo.Key) bool {
	for _, k := range keys {
		if k.ID() == s.Signer {
			return k.Verify(dsse.PAE(PayloadType, s.payload), s.signature)
		}
	}
	return false
}
