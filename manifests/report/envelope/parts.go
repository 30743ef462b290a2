// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"regexp"
	"strconv"

	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
)

// Parts are an envelope in its one form, without what follows from the rest: from them [Parts.Envelope] gives it back.
type Parts struct {
	Version int    // of the body, 1…9999, as the payload type says
	Body    []byte // JSON
	Sig     []byte // ed25519.SignatureSize bytes
}

// typeOf is the payload type of a version of the body.
func typeOf(version int) string {
	if version == v1.Schema {
		return v1.PayloadType
	}
	return "application/vnd.landed.report.v" + strconv.Itoa(version) + "+json"
}

var typed = regexp.MustCompile(`\.v([0-9]+)\+json$`)

// versionOf is the version that a payload type names, as isReport lets it through.
func versionOf(payloadType string) int {
	if payloadType == v1.PayloadType {
		return v1.Schema
	}
	n, _ := strconv.Atoi(typed.FindStringSubmatch(payloadType)[1])
	return n
}

// Split takes an envelope apart for whoever stores it, also one of a later version. It verifies nothing. ok says that
// [Parts.Envelope] gives the same back, byte for byte: where it does not, there is no way around keeping the envelope.
func Split(text []byte) (p Parts, ok bool) {
	if len(text) > MaxBytes {
		return Parts{}, false
	}
	e, ok := split(text)
	if !ok {
		return Parts{}, false
	}
	var err1, err2 error
	p.Body, err1 = decode(e.Payload)
	p.Sig, err2 = decode(e.Signatures[0].Sig)
	p.Version = versionOf(e.PayloadType)
	if err1 != nil || err2 != nil || len(p.Sig) != ed25519.SignatureSize {
		return Parts{}, false
	}
	again, ok := p.Envelope()
	return p, ok && bytes.Equal(again, text)
}

// keyOf finds the key in a body of any version, whatever else is in it.
var keyOf = regexp.MustCompile(`"key":"([0-9a-f]{64})"`)

// Key is the public key that the body names, and where its 64 hex digits stand; nil if it names none.
func (p Parts) Key() (key ed25519.PublicKey, at int) {
	found := keyOf.FindSubmatchIndex(p.Body)
	if found == nil {
		return nil, 0
	}
	return report.Report{Key: string(p.Body[found[2]:found[3]])}.PublicKey(), found[2]
}

// Envelope puts an envelope together again. ok is false if the body names no key.
func (p Parts) Envelope() (text []byte, ok bool) {
	key, _ := p.Key()
	if key == nil {
		return nil, false
	}
	text = append(append(append(text, beforeType...), typeOf(p.Version)...), beforePayload...)
	text = append(base64.StdEncoding.AppendEncode(text, p.Body), beforeKeyID...)
	text = append(append(text, report.ReferenceOf(key)...), beforeSig...)
	return append(base64.StdEncoding.AppendEncode(text, p.Sig), afterSig...), true
}

// Report reads the body as [Open] does, but the signature is not verified: it is for what was opened before it was
// stored, and whoever wants to rely on what it says opens the envelope.
func (p Parts) Report() (report.Report, error) {
	return read(typeOf(p.Version), p.Body)
}
