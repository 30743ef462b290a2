// SPDX-License-Identifier: Apache-2.0

package tally

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/manifests/strict"
)

// Owned is what the owner of an installation is given: that the own newest report stands in the tally, and as what.
type Owned struct {
	Schema int      `json:"schema"`
	Number int64    `json:"number"` // of the tally
	Nonce  string   `json:"r"`      // hex
	Leaf   Leaf     `json:"leaf"`
	Index  int64    `json:"index"`
	Path   []string `json:"path"` // hex, from the leaf to the root
	// The newest report about the release, as it was signed, and its place in the tree of the reports.
	Row      int64  `json:"row"`
	Hour     int64  `json:"hour"` // since 1 January 1970, at which it came
	Envelope string `json:"envelope"`
}

// OwnedSchema is the version of an Owned.
const OwnedSchema = 1

// MaxOwned is how long an Owned may be, in bytes.
const MaxOwned = 64 << 10

// ParseOwned reads one.
func ParseOwned(text []byte) (o Owned, err error) {
	if len(text) > MaxOwned {
		return o, fmt.Errorf("it has %d bytes; at most %d are read", len(text), MaxOwned)
	}
	if err := strict.JSON(text, &o); err != nil {
		return Owned{}, fmt.Errorf("it is no place in a tally: %w", err)
	}
	if o.Schema != OwnedSchema || len(o.Path) > 64 || o.Index < 0 {
		return Owned{}, errors.New("it is no place in a tally of this version")
	}
	if !bytes.Equal(o.Bytes(), text) {
		return Owned{}, errors.New("it is not written in its one form")
	}
	return o, nil
}

// Bytes is what ParseOwned reads.
func (o Owned) Bytes() []byte {
	text, _ := json.MarshalIndent(o, "", " ") // strings, numbers and flags always are JSON
	return append(text, '\n')
}

// ReportLeaf is the hash of the leaf of a report in the tree of the reports: SHA-256(0x00 ‖ row ‖ hour ‖ SHA-256(envelope)).
func ReportLeaf(row, hour int64, envelopeSum []byte) []byte {
	place := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(row)), uint64(hour))
	return digest(0, place, envelopeSum)
}

// Verify checks that o is of the installation ref, and stands in t.
func (o Owned) Verify(t Tally, ref report.Reference) error {
	r, by, err := envelope.Open([]byte(o.Envelope))
	if err != nil {
		return fmt.Errorf("its report: %w", err)
	}
	sum := sha256.Sum256([]byte(o.Envelope))
	newest := hex.EncodeToString(ReportLeaf(o.Row, o.Hour, sum[:]))
	switch {
	case o.Number != t.Number:
		return fmt.Errorf("it is of tally %d, and the tally is number %d", o.Number, t.Number)
	case by != ref || o.Leaf.Ref != ref:
		return errors.New("it is of another installation")
	case r.Release != o.Leaf.Release || r.Model != o.Leaf.Model || r.Channel != o.Leaf.Channel:
		return errors.New("what was counted is another release, model or channel than the report names")
	case newest != o.Leaf.Newest:
		return errors.New("what was counted is another report than this")
	}
	nonce, err := hash(o.Nonce)
	if err != nil {
		return err
	}
	root, err := follow(o.Leaf.Hash(nonce), o.Index, o.Path)
	if err != nil {
		return err
	}
	cell, ok := t.Cell(o.Leaf.Release, o.Leaf.Model)
	if !ok || cell.Root != root {
		return fmt.Errorf("the path does not lead to what the tally says of %s", Cell{Release: o.Leaf.Release, Model: o.Leaf.Model}.Name())
	}
	return nil
}
