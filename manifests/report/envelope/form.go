// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"

	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
	v2 "landed/manifests/report/v2"
	v3 "landed/manifests/report/v3"
	"landed/manifests/strict"
)

// The one form of an envelope, cut where its values stand.
const (
	beforeType    = `{"payloadType":"`
	beforePayload = `","payload":"`
	beforeKeyID   = `","signatures":[{"keyid":"`
	beforeSig     = `","sig":"`
	afterSig      = `"}]}`
)

// split reads an envelope in its one form. A field given twice, or a blank, could carry what no field may carry, past
// every check and into the store; so there is no other way to write one. The values are checked by the caller.
func split(text []byte) (e envelope, ok bool) {
	rest, ok1 := bytes.CutPrefix(text, []byte(beforeType))
	kind, rest, ok2 := bytes.Cut(rest, []byte(beforePayload))
	payload, rest, ok3 := bytes.Cut(rest, []byte(beforeKeyID))
	keyID, rest, ok4 := bytes.Cut(rest, []byte(beforeSig))
	sig, ok5 := bytes.CutSuffix(rest, []byte(afterSig))
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !isReport(string(kind)) {
		return envelope{}, false
	}
	return envelope{string(kind), string(payload), []signature{{string(keyID), string(sig)}}}, true
}

func isReport(payloadType string) bool {
	switch payloadType {
	case v3.PayloadType, v2.PayloadType, v1.PayloadType:
		return true
	}
	return later.MatchString(payloadType)
}

// malformed says why text is no envelope in its one form.
func malformed(text []byte) error {
	var e envelope
	if err := strict.JSON(text, &e); err != nil {
		return fmt.Errorf("%w: %w", ErrEnvelope, report.Discreet(err))
	}
	if !isReport(e.PayloadType) || len(e.Signatures) != 1 {
		return fmt.Errorf("%w: wanted payloadType %s and one signature", ErrEnvelope, v3.PayloadType)
	}
	return ErrForm
}

// decode reads standard base64. encoding/base64 passes over line ends; this does not.
func decode(text string) ([]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && base64.StdEncoding.EncodedLen(len(raw)) != len(text) {
		return nil, errors.New("base64 with line ends")
	}
	return raw, err
}
