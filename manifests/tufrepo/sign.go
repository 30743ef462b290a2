// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Signature is one detached signature over a role's metadata.
type Signature struct {
	Role  string `json:"role"`
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"` // hex, as in TUF
}

// Progress says how far the signatures of a role have come. Keys are given by id.
type Progress struct {
	Role    string
	Have    int // good signatures by distinct keys
	Need    int
	Signed  []string
	Missing []string // keys that could still sign
}

// Done says if the threshold is met.
func (p Progress) Done() bool { return p.Need > 0 && p.Have >= p.Need }

// Sign adds or replaces the signatures of signers and returns the bytes to store and serve.
// Signatures are over the canonical form of what was parsed; the text of doc is not trusted.
func Sign(doc []byte, signers ...Signer) ([]byte, error) {
	d, err := parse(doc)
	if err != nil {
		return nil, err
	}
	if len(signers) == 0 {
		return doc, nil
	}
	var signatures []Signature
	for _, s := range signers {
		sig, err := d.sign("", s)
		if err != nil {
			return nil, err
		}
		signatures = append(signatures, sig)
	}
	return d.attach(signatures...)
}

// SignDetached signs doc as metadata of role and returns the signature alone.
func SignDetached(doc []byte, role string, s Signer) (Signature, error) {
	d, err := parse(doc)
	if err != nil {
		return Signature{}, err
	}
	return d.sign(role, s)
}

func (d document) sign(role string, s Signer) (Signature, error) {
	sig, err := s.Sign(d.canonical)
	if err != nil {
		return Signature{}, fmt.Errorf("sign %s: %w", d.info.Type, err)
	}
	if !s.Key().Verify(d.canonical, sig) {
		return Signature{}, fmt.Errorf("sign %s: the signature of key %.8s does not verify; the key file may be damaged",
			d.info.Type, s.Key().ID())
	}
	return Signature{role, s.Key().ID(), hex.EncodeToString(sig)}, nil
}

// Attach adds or replaces one signature. It does not judge it: that takes the delegator, see
// CountSignatures.
func Attach(doc []byte, s Signature) ([]byte, error) {
	d, err := parse(doc)
	if err != nil {
		return nil, err
	}
	return d.attach(s)
}

// attach writes d with further signatures, as [Attach] does. What is signed was read already and stays as it is: what is looked at
// again is the signatures, and the length.
func (d document) attach(more ...Signature) ([]byte, error) {
	e := envelope{slices.Clone(d.signatures), d.signed}
	for _, s := range more {
		e.Signatures = slices.DeleteFunc(e.Signatures, func(have wireSignature) bool { return have.KeyID == s.KeyID })
		e.Signatures = append(e.Signatures, wireSignature{s.KeyID, s.Sig})
	}
	slices.SortFunc(e.Signatures, func(a, b wireSignature) int { return strings.Compare(a.KeyID, b.KeyID) })
	out, err := marshal(e)
	if err != nil {
		return nil, err
	}
	next := document{}
	if err := errors.Join(append(next.readSignatures(e.Signatures), checkLength(d.info.Type, out))...); err != nil {
		return nil, fmt.Errorf("%s metadata: %w", d.info.Type, err)
	}
	return out, nil
}

// CountSignatures counts the good signatures on doc by distinct keys that delegator, a root or
// a top-level targets, lists for role. A root delegates "root" too: its successor must meet the
// thresholds of both.
func CountSignatures(delegator []byte, role string, doc []byte) (Progress, error) {
	from, err := parse(delegator)
	if err != nil {
		return Progress{}, fmt.Errorf("delegator of %s: %w", role, err)
	}
	d, err := parse(doc)
	if err != nil {
		return Progress{}, fmt.Errorf("%s: %w", role, err)
	}
	who, ok := from.roles[role]
	if !ok {
		return Progress{}, fmt.Errorf("nobody may sign %s: the %s of version %d does not delegate it", role, from.info.Type,
			from.info.Version)
	}
	return d.count(role, who), nil
}

func (d document) count(role string, who RoleKeys) Progress {
	p := Progress{Role: role, Need: who.Threshold}
	for _, k := range who.Keys { // distinct: parse has seen to it
		if d.signedBy(k) {
			p.Have++
			p.Signed = append(p.Signed, k.ID())
		} else {
			p.Missing = append(p.Missing, k.ID())
		}
	}
	return p
}

func (d document) signedBy(k Key) bool {
	id := k.ID()
	for _, s := range d.signatures {
		if s.KeyID == id {
			raw, err := hex.DecodeString(s.Sig)
			return err == nil && k.Verify(d.canonical, raw)
		}
	}
	return false
}

// SameStatement says if two documents say the same, whoever signed them.
func SameStatement(a, b []byte) (bool, error) {
	x, errX := parse(a)
	y, errY := parse(b)
	return bytes.Equal(x.canonical, y.canonical), errors.Join(errX, errY)
}

// Statement is the canonical form of what doc says: what its signatures are over.
func Statement(doc []byte) ([]byte, error) {
	d, err := parse(doc)
	return bytes.Clone(d.canonical), err
}
