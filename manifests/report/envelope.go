// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"landed/manifests"
)

// PayloadType is the DSSE payload type of a report.
const PayloadType = "application/vnd.landed.report+json"

// MaxEnvelope is the largest envelope in bytes that Open reads. A full report has about 2 KiB.
const MaxEnvelope = 8 << 10

// Refusals of Open that a caller may want to tell apart.
var (
	ErrTooLarge  = fmt.Errorf("the envelope is larger than %d bytes", MaxEnvelope)
	ErrEnvelope  = errors.New("this is no DSSE envelope of a report")
	ErrForm      = errors.New("the report is not in its one form: every field once, in the order of the schema, without blanks")
	ErrSignature = errors.New("the signature is not by the key that the report names")
)

// envelope is the DSSE JSON form (secure-systems-lab/dsse, envelope.md), closed here to
// exactly one signature.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // standard base64
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"` // the installation's Reference
	Sig   string `json:"sig"`   // standard base64, 64 bytes
}

// Seal signs r with the installation's key and returns the envelope. r.Key is set from the key.
func Seal(r Report, key ed25519.PrivateKey) ([]byte, error) {
	public := key.Public().(ed25519.PublicKey)
	r.Key = fmt.Sprintf("%x", []byte(public))
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("seal report: %w", err)
	}
	body := r.Bytes()
	return json.Marshal(envelope{
		PayloadType: PayloadType,
		Payload:     base64.StdEncoding.EncodeToString(body),
		Signatures: []signature{{
			KeyID: string(ReferenceOf(public)),
			Sig:   base64.StdEncoding.EncodeToString(ed25519.Sign(key, dsse.PAE(PayloadType, body))),
		}},
	})
}

// Open reads an envelope, checks its signature against the key that the report itself
// names, and returns the report and the installation that made it. The key proves that
// reports are by one installation; it says nothing of who that is.
func Open(text []byte) (Report, Reference, error) {
	if len(text) > MaxEnvelope {
		return Report{}, "", ErrTooLarge
	}
	e, ok := split(text)
	if !ok {
		return Report{}, "", malformed(text)
	}
	body, err := decode(e.Payload)
	if err != nil {
		return Report{}, "", fmt.Errorf("%w: payload: %w", ErrEnvelope, err)
	}
	sig, err := decode(e.Signatures[0].Sig)
	if err != nil {
		return Report{}, "", fmt.Errorf("%w: signature: %w", ErrEnvelope, err)
	}
	r, ok := read(body)
	if !ok {
		if _, err := Parse(body); err != nil {
			return Report{}, "", err
		}
		return Report{}, "", ErrForm
	}
	if err := r.Validate(); err != nil {
		return Report{}, "", fmt.Errorf("report: %w", err)
	}
	ref := ReferenceOf(r.PublicKey())
	if e.Signatures[0].KeyID != string(ref) || !ed25519.Verify(r.PublicKey(), dsse.PAE(PayloadType, body), sig) {
		return Report{}, "", ErrSignature
	}
	return r, ref, nil
}

// The one form of an envelope, cut where its three values stand.
const (
	beforePayload = `{"payloadType":"` + PayloadType + `","payload":"`
	beforeKeyID   = `","signatures":[{"keyid":"`
	beforeSig     = `","sig":"`
	afterSig      = `"}]}`
)

// split reads an envelope in its one form. A field given twice, or a blank, could carry
// what no field may carry, past every check and into the store; so there is no other way
// to write one. The values are checked by the caller.
func split(text []byte) (e envelope, ok bool) {
	rest, ok1 := bytes.CutPrefix(text, []byte(beforePayload))
	payload, rest, ok2 := bytes.Cut(rest, []byte(beforeKeyID))
	keyID, rest, ok3 := bytes.Cut(rest, []byte(beforeSig))
	sig, ok4 := bytes.CutSuffix(rest, []byte(afterSig))
	return envelope{PayloadType, string(payload), []signature{{string(keyID), string(sig)}}}, ok1 && ok2 && ok3 && ok4
}

// malformed says why text is no envelope in its one form.
func malformed(text []byte) error {
	var e envelope
	if err := manifests.StrictJSON(text, &e); err != nil {
		return fmt.Errorf("%w: %w", ErrEnvelope, discreet(err))
	}
	if e.PayloadType != PayloadType || len(e.Signatures) != 1 {
		return fmt.Errorf("%w: wanted payloadType %s and one signature", ErrEnvelope, PayloadType)
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

// Reference names an installation: 24 characters of Crockford's base32, the first 120
// bits of the SHA-256 of its public key. Support staff read it out in groups of four.
type Reference string

var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// ReferenceOf computes the reference of an installation from its public key.
func ReferenceOf(key ed25519.PublicKey) Reference {
	sum := sha256.Sum256(key)
	return Reference(crockford.EncodeToString(sum[:15]))
}

// String groups the reference for people: 0123-4567-89AB-CDEF-GHJK-MNPQ.
func (r Reference) String() string {
	var groups []string
	for s := string(r); len(s) > 0; s = s[min(4, len(s)):] {
		groups = append(groups, s[:min(4, len(s))])
	}
	return strings.Join(groups, "-")
}

// ParseReference reads a reference as people write it: any case, with or without hyphens
// and blanks, O for 0, I and L for 1.
func ParseReference(s string) (Reference, error) {
	clean := strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
	if _, err := crockford.DecodeString(clean); err != nil || len(clean) != 24 {
		return "", errors.New("a support reference has 24 letters and digits, in groups of four; look again at the handset's screen")
	}
	return Reference(clean), nil
}
