// SPDX-License-Identifier: Apache-2.0

package tally

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"landed/manifests/strict"
	"landed/manifests/tufrepo"
)

// PayloadType is that of a tally in its DSSE envelope.
const PayloadType = "application/vnd.landed.tally.v1+json"

type wrapped struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // standard base64
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"` // standard base64
}

func (e wrapped) bytes() []byte {
	text, _ := json.Marshal(e) // strings always are JSON
	return append(text, '\n')
}

// Sign is the file of a tally: DSSE (secure-systems-lab/dsse, envelope.md), signed with the key of the snapshot, which
// vouches for the heads as well. What it signs as metadata begins with "{", and this does not: neither passes for the other.
func Sign(t Tally, key tufrepo.Signer) ([]byte, error) {
	payload := t.Bytes()
	if _, err := Parse(payload); err != nil {
		return nil, err
	}
	message := dsse.PAE(PayloadType, payload)
	sig, err := key.Sign(message)
	if err != nil {
		return nil, fmt.Errorf("sign the tally: %w", err)
	}
	if !key.Key().Verify(message, sig) {
		return nil, errors.New("sign the tally: the signature does not verify; the key file may be damaged")
	}
	return wrapped{PayloadType, base64.StdEncoding.EncodeToString(payload),
		[]signature{{key.Key().ID(), base64.StdEncoding.EncodeToString(sig)}}}.bytes(), nil
}

// Open reads the file of a tally, and verifies that one of keys signed it: those that a root names for the snapshot.
func Open(file []byte, keys []tufrepo.Key) (Tally, error) {
	message, e, err := read(file)
	if err != nil {
		return Tally{}, err
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(e.Signatures[0].Sig)
	if err != nil {
		return Tally{}, fmt.Errorf("its signature: %w", err)
	}
	for _, key := range keys {
		if key.ID() == e.Signatures[0].KeyID {
			if !key.Verify(dsse.PAE(PayloadType, message), raw) {
				return Tally{}, errors.New("its signature is not over what it says: it was changed")
			}
			return Parse(message)
		}
	}
	return Tally{}, errors.New("it is signed by no key that a root names for the snapshot")
}

// Unsigned reads the file of a tally that this server made itself.
func Unsigned(file []byte) (Tally, error) {
	message, _, err := read(file)
	if err != nil {
		return Tally{}, err
	}
	return Parse(message)
}

// SignedBy is the id of the key that the file of a tally names; "" if it cannot be read. Nothing is verified.
func SignedBy(file []byte) string {
	_, e, err := read(file)
	if err != nil {
		return ""
	}
	return e.Signatures[0].KeyID
}

func read(file []byte) (payload []byte, e wrapped, err error) {
	if len(file) > MaxSize {
		return nil, e, fmt.Errorf("the file has %d bytes; at most %d are read", len(file), MaxSize)
	}
	if err := strict.JSON(file, &e); err != nil {
		return nil, e, fmt.Errorf("it is no DSSE envelope: %w", err)
	}
	if e.PayloadType != PayloadType || len(e.Signatures) != 1 {
		return nil, e, fmt.Errorf("it is of type %.60q with %d signatures; wanted %s with one", e.PayloadType, len(e.Signatures),
			PayloadType)
	}
	if !bytes.Equal(e.bytes(), file) {
		return nil, e, errors.New("the envelope is not written in its one form")
	}
	payload, err = base64.StdEncoding.Strict().DecodeString(e.Payload)
	return payload, e, err
}
