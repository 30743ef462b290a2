// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

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
	rest, ok1 := strings.CutPrefix(string(text), beforeType)
	kind, rest, ok2 := strings.Cut(rest, beforePayload)
	payload, rest, ok3 := strings.Cut(rest, beforeKeyID)
	keyID, rest, ok4 := strings.Cut(rest, beforeSig)
	sig, ok5 := strings.CutSuffix(rest, afterSig)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !isReport(kind) {
		return envelope{}, false
	}
	return envelope{kind, payload, []signature{{keyID, sig}}}, true
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

var strict64 = base64.StdEncoding.Strict()

// decode reads standard base64. encoding/base64 passes over line ends; this does not.
func decode(text string) ([]byte, error) {
	raw, err := strict64.DecodeString(text)
	if err == nil && base64.StdEncoding.EncodedLen(len(raw)) != len(text) {
		return nil, errors.New("base64 with line ends")
	}
	return raw, err
}
