// SPDX-License-Identifier: Apache-2.0

// Package compact is how a report is kept in the long run: what a dictionary that all reports share makes of its body,
// and its signature.
//
// Parties: the store, of any engine, packs reports that are sealed, and unpacks them for whoever reads them. It promises
// that what was packed comes back byte for byte, whatever it is: Pack unpacks what it made, and keeps the report whole
// where that is not the same. It promises that every form that a program of ours ever wrote is read for ever. It refuses
// to judge: an envelope that is damaged or forged stays what it was, for a checker to find.
package compact

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"landed/manifests/report/envelope"
)

// Report is what is packed of a report. What stands in columns beside it is not part of it.
type Report struct {
	ID       string
	Schema   int
	Release  string
	Envelope []byte
}

// The forms. The first byte of what is packed says which it is, the dictionary that it was made with is named by its
// frame (dictionaries.go).
const (
	// formSigned is ‖ version of the body, 1 byte ‖ signature, 64 bytes ‖ the body without the digits of its key. What else
	// stands in the envelope follows: its type from the version, its key's reference from the key, which is kept once for
	// all reports of an installation. So do the columns.
	formSigned = 1
	// formWhole is ‖ schema, a varint ‖ length of the id, a uvarint ‖ id ‖ length of the release ‖ release ‖ the envelope.
	// All after the form is compressed.
	formWhole = 2
	// formDropped is what stays of a report whose body was dropped: ‖ SHA-256 of the envelope, 32 bytes ‖ the first 8 bytes of
	// the id, of which those are hex digits. The envelope is gone.
	formDropped = 3
)

var errDamaged = errors.New("what is kept of the report is damaged")

// ErrDropped is the answer to a report whose body was dropped: there is nothing to unpack.
var ErrDropped = errors.New("the body of the report was dropped")

// Key is the public key of the installation as Pack wants it; nil if the envelope has not its one form.
func Key(text []byte) []byte {
	p, ok := envelope.Split(text)
	if !ok {
		return nil
	}
	key, _ := p.Key()
	return key
}

// Pack makes of r what Unpack turns into r again. key is kept beside it, once for each installation.
func Pack(r Report, key []byte) ([]byte, error) {
	if signed := packSigned(r, key); signed != nil {
		if again, err := Unpack(signed, key); err == nil && again.same(r) {
			return signed, nil
		}
	}
	whole := packWhole(r)
	if again, err := Unpack(whole, key); err != nil || !again.same(r) {
		return nil, errors.Join(errors.New("a report does not come back as it was packed"), err)
	}
	return whole, nil
}

func (r Report) same(as Report) bool {
	return r.ID == as.ID && r.Schema == as.Schema && r.Release == as.Release && bytes.Equal(r.Envelope, as.Envelope)
}

// packSigned is nil if the envelope is not in its one form, or by another key.
func packSigned(r Report, key []byte) []byte {
	p, ok := envelope.Split(r.Envelope)
	if !ok || p.Version > 255 {
		return nil
	}
	if of, at := p.Key(); bytes.Equal(of, key) {
		body := slices.Concat(p.Body[:at], p.Body[at+2*len(key):])
		return compress(slices.Concat([]byte{formSigned, byte(p.Version)}, p.Sig), body)
	}
	return nil
}

func packWhole(r Report) []byte {
	text := binary.AppendVarint(nil, int64(r.Schema))
	for _, s := range []string{r.ID, r.Release} {
		text = append(binary.AppendUvarint(text, uint64(len(s))), s...)
	}
	return compress([]byte{formWhole}, append(text, r.Envelope...))
}

// idKept is how much of an id stays of a dropped report, in bytes.
const idKept = 8

// Drop makes what stays of a report whose body is dropped: 41 bytes. false if its id is not in hex digits, as the ids of
// version 1 need not be: then it cannot be dropped.
func Drop(r Report) ([]byte, bool) {
	id, err := hex.DecodeString(r.ID)
	if err != nil || len(id) < idKept || hex.EncodeToString(id) != r.ID {
		return nil, false
	}
	sum := sha256.Sum256(r.Envelope)
	return slices.Concat([]byte{formDropped}, sum[:], id[:idKept]), true
}

// Dropped gives what stays of a report whose body was dropped: the SHA-256 of its envelope, and how its id begins. false if
// text is none.
func Dropped(text []byte) (sum []byte, id string, ok bool) {
	if len(text) != 1+sha256.Size+idKept || text[0] != formDropped {
		return nil, "", false
	}
	return text[1 : 1+sha256.Size], hex.EncodeToString(text[1+sha256.Size:]), true
}

// Unpack gives back what was packed. An error means that text is not as Pack made it, or is of a newer program.
func Unpack(text, key []byte) (Report, error) {
	if len(text) == 0 {
		return Report{}, errDamaged
	}
	switch text[0] {
	case formSigned:
		return unpackSigned(text[1:], key)
	case formWhole:
		return unpackWhole(text[1:])
	case formDropped:
		if _, _, ok := Dropped(text); ok {
			return Report{}, ErrDropped
		}
		return Report{}, errDamaged
	}
	return Report{}, fmt.Errorf("%w, or was packed by a newer program: its form is %d, this program knows %d and older", errDamaged,
		text[0], formDropped)
}

// beforeKey is what stands before the digits of the key.
const beforeKey = `"key":"`

func unpackSigned(text, key []byte) (Report, error) {
	if len(text) < 1+ed25519.SignatureSize {
		return Report{}, errDamaged
	}
	p := envelope.Parts{Version: int(text[0]), Sig: text[1 : 1+ed25519.SignatureSize]}
	body, err := decompress(text[1+ed25519.SignatureSize:])
	if err != nil {
		return Report{}, err
	}
	head, tail, ok := bytes.Cut(body, []byte(beforeKey))
	if !ok {
		return Report{}, errDamaged
	}
	p.Body = slices.Concat(head, []byte(beforeKey), hex.AppendEncode(nil, key), tail)
	whole, ok := p.Envelope()
	if !ok {
		return Report{}, errDamaged
	}
	r, err := p.Report()
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return Report{ID: r.ID, Schema: r.Schema, Release: r.Release, Envelope: whole}, nil
}

func unpackWhole(text []byte) (r Report, err error) {
	if text, err = decompress(text); err != nil {
		return r, err
	}
	schema, n := binary.Varint(text)
	if n <= 0 {
		return r, errDamaged
	}
	text = text[n:]
	for _, s := range []*string{&r.ID, &r.Release} {
		size, n := binary.Uvarint(text)
		if n <= 0 || size > uint64(len(text)-n) {
			return r, errDamaged
		}
		*s, text = string(text[n:n+int(size)]), text[n+int(size):]
	}
	r.Schema, r.Envelope = int(schema), text
	return r, nil
}
