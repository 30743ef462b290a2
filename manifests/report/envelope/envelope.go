// SPDX-License-Identifier: Apache-2.0

// Package envelope signs reports and opens what was signed, in every version of a report's body: DSSE
// (secure-systems-lab/dsse, envelope.md), closed here to exactly one signature.
//
// Parties: an installation seals with the key that it made for itself; the server, and whoever checks its figures,
// opens. It promises that what opens was signed by the key that the report itself names, and is well-formed. It refuses
// oversized envelopes, foreign payload types, and any second way to write the same. A version that it does not know is
// [ErrFuture]: nothing is wrong with such a report, and whoever sent it should keep it.
package envelope

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
	v2 "landed/manifests/report/v2"
	v3 "landed/manifests/report/v3"
)

// MaxBytes is the largest envelope that Open reads. A full report has about 1.5 KiB.
const MaxBytes = 8 << 10

// Refusals of Open that a caller may want to tell apart.
var (
	ErrTooLarge = fmt.Errorf("the envelope is larger than %d bytes", MaxBytes)
	ErrEnvelope = errors.New("this is no DSSE envelope of a report")
	ErrForm     = errors.New("the report is not in its one form: every field once, in the order of the " +
		"schema, without blanks")
	ErrSignature = errors.New("the signature is not by the key that the report names")
	ErrFuture    = errors.New("the report is of a later version than this program reads; keep it, and send it again later")
)

// later is the payload type of versions to come.
var later = regexp.MustCompile(`^application/vnd\.landed\.report\.v([4-9]|[1-9][0-9]{1,3})\+json$`)

// envelope is the JSON form.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"` // standard base64
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"` // the installation's Reference
	Sig   string `json:"sig"`   // standard base64, 64 bytes
}

// Seal signs r, in the newest version of the body, with the installation's key, and returns the envelope and the
// report's id. r.Schema, r.Key and r.ID are set here; a commitment or a draw is left out of a report that has no place
// for it.
func Seal(r report.Report, key ed25519.PrivateKey) (text []byte, id string, err error) {
	r.Schema, r.Key = v3.Schema, publicKey(key)
	if r.Kind != report.KindBaseline {
		r.DrawCommit = ""
	}
	if r.Progress == report.ProgressKnown {
		r.Draw = ""
	}
	if err := v3.Validate(r); err != nil {
		return nil, "", fmt.Errorf("seal report: %w", err)
	}
	body := v3.Bytes(r)
	text, err = sign(v3.PayloadType, body, key)
	return text, v3.ID(body), err
}

// SealV2 signs r in version 2 of the body, as handsets that were sold with it do. It leaves out what that cannot say.
func SealV2(r report.Report, key ed25519.PrivateKey) (text []byte, id string, err error) {
	r.Schema, r.Key, r.DrawCommit, r.Draw = v2.Schema, publicKey(key), "", ""
	if err := v2.Validate(r); err != nil {
		return nil, "", fmt.Errorf("seal report: %w", err)
	}
	body := v2.Bytes(r)
	text, err = sign(v2.PayloadType, body, key)
	return text, v2.ID(body), err
}

func publicKey(key ed25519.PrivateKey) string {
	return fmt.Sprintf("%x", []byte(key.Public().(ed25519.PublicKey)))
}

// SealV1 signs a body of version 1, as handsets that were sold with it do. b.Key is set from the key.
func SealV1(b v1.Body, key ed25519.PrivateKey) ([]byte, error) {
	b.Key = publicKey(key)
	if err := b.Validate(); err != nil {
		return nil, fmt.Errorf("seal report: %w", err)
	}
	return sign(v1.PayloadType, b.Bytes(), key)
}

func sign(payloadType string, body []byte, key ed25519.PrivateKey) ([]byte, error) {
	return json.Marshal(envelope{
		PayloadType: payloadType,
		Payload:     base64.StdEncoding.EncodeToString(body),
		Signatures: []signature{{
			KeyID: string(report.ReferenceOf(key.Public().(ed25519.PublicKey))),
			Sig:   base64.StdEncoding.EncodeToString(ed25519.Sign(key, dsse.PAE(payloadType, body))),
		}},
	})
}

// Open reads an envelope, checks its signature against the key that the report itself names, and returns the report
// and the installation that made it. The key proves that reports are by one installation; it says nothing of who that
// is. What the answers may be is for whoever knows the release ([probe.Check]).
func Open(text []byte) (report.Report, report.Reference, error) {
	none := func(err error) (report.Report, report.Reference, error) { return report.Report{}, "", err }
	if len(text) > MaxBytes {
		return none(ErrTooLarge)
	}
	e, ok := split(text)
	if !ok {
		return none(malformed(text))
	}
	body, err := decode(e.Payload)
	if err != nil {
		return none(fmt.Errorf("%w: payload: %w", ErrEnvelope, err))
	}
	sig, err := decode(e.Signatures[0].Sig)
	if err != nil {
		return none(fmt.Errorf("%w: signature: %w", ErrEnvelope, err))
	}
	r, err := read(e.PayloadType, body)
	if err != nil {
		return none(err)
	}
	key := r.PublicKey()
	ref := report.ReferenceOf(key)
	if e.Signatures[0].KeyID != string(ref) || !ed25519.Verify(key, dsse.PAE(e.PayloadType, body), sig) {
		return none(ErrSignature)
	}
	return r, ref, nil
}

// read reads a body by the version that the envelope names.
func read(payloadType string, body []byte) (r report.Report, err error) {
	var form bool
	switch payloadType {
	case v1.PayloadType:
		if r, form, err = v1.Read(body); !form {
			_, err = v1.Parse(body)
		}
	case v2.PayloadType:
		if r, form, err = v2.Read(body); !form {
			_, err = v2.Parse(body)
		}
	case v3.PayloadType:
		if r, form, err = v3.Read(body); !form {
			_, err = v3.Parse(body)
		}
	default:
		return report.Report{}, ErrFuture // split lets no other type through
	}
	switch {
	case err != nil && form:
		return report.Report{}, fmt.Errorf("report: %w", err)
	case err != nil:
		return report.Report{}, err
	case !form:
		return report.Report{}, ErrForm
	}
	return r, nil
}
