// SPDX-License-Identifier: Apache-2.0

// Package tally is the signed sum of a day: every number that the public pages show, with what it takes to hold it against
// the reports behind it.
//
// Parties: a server takes one a day and publishes it beside the heads of its trees; anybody compares the pages with it; an
// owner looks for the own installation in it ([Owned]); an auditor who has the reports and the key of the day computes every
// number and every root again. It promises that whatever Parse reads is written by Bytes as it was, byte for byte, and that
// a root covers each state of an installation once, without telling how many there are.
// It refuses a second way to write the same, and signatures by any key but that of the snapshot, as a root names it.
package tally

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"landed/manifests/heads"
	"landed/manifests/strict"
	"landed/manifests/tufrepo"
)

// Schema is the version that is written; those since 1 are read. A tally of schema 1 says of no release or model how many are
// silent for how long ("silent_for.14"), and what its pages say of that is of up to an hour before it.
const (
	Schema  = 2
	Silence = 2 // the first that says so
	// CountedUnmet is the first in which whoever runs a release and does not count for it has met it: of the counted fleet no more
	// are unmet than of all.
	CountedUnmet = 2
)

// MaxSize is how long a tally may be, in bytes, with its envelope.
const MaxSize = 32 << 20

// Tally is what a server says of one day.
type Tally struct {
	Schema int    `json:"schema"`
	Number int64  `json:"number"` // 1, 2 …: each follows the one before
	Day    string `json:"day"`    // UTC, 2014-08-31
	// AsOf is the moment that every number is of, UTC.
	AsOf time.Time `json:"as_of"`
	// Threshold is how few installations a cell may have and still be shown; 0: every number is exact.
	Threshold int    `json:"threshold"`
	Previous  string `json:"previous"` // SHA-256 of the file of the tally before, hex; "" of the first
	// Snapshot is the newest that was published then, and Heads are those of the trees at AsOf. Each goes on from the
	// snapshot's, and from those of the tally before, by the proofs beside it.
	Snapshot int64  `json:"snapshot"`
	Heads    []Head `json:"heads"`
	// Models are the numbers of each model under the release where it stands, as on the front page.
	Models []Cell `json:"models"`
	// Cells are the numbers of each release on each model, as on the page of the release.
	Cells []Cell `json:"cells"`
	Pages []Page `json:"pages"` // as they were at AsOf
}

// Head is a tree as it stood.
type Head struct {
	Tree string `json:"tree"`
	Size int64  `json:"size"` // leaves
	Root string `json:"root"` // hex
	// FromSnapshot and FromTally are consistency proofs (RFC 6962, 2.1.2).
	FromSnapshot heads.Tree `json:"from_snapshot"`
	FromTally    heads.Tree `json:"from_tally"`
}

// Of is the head as a snapshot has it.
func (h Head) Of() tufrepo.TreeHead {
	return tufrepo.TreeHead{Tree: h.Tree, Size: h.Size, Root: h.Root}
}

// Cell are the numbers of a release on a model.
type Cell struct {
	Model   string `json:"model"`
	Release string `json:"release"` // "" of a model that no release has
	// Numbers are counts by name, such as "judged", "verdicts.confirmed_off" or "counted.proven". One that is not there is 0.
	Numbers map[string]int64 `json:"numbers"`
	// Root commits to the states that were counted, hex; "" where the numbers follow from those of other cells.
	Root string `json:"root,omitempty"`
}

// Name is the cell in words.
func (c Cell) Name() string { return fmt.Sprintf("release %s on model %s", c.Release, c.Model) }

// Page is a page as programs read it, as it was at the moment of the tally.
type Page struct {
	Path   string `json:"path"`   // such as "status.json" or "releases/NAME.json"
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // hex
}

// Name is where a tally lies, below /tuf/metadata/.
func Name(number int64) string { return "tally/" + strconv.FormatInt(number, 10) + ".json" }

// PageName is where a page of a tally lies, below /tuf/metadata/.
func PageName(number int64, path string) string {
	return "tally/" + strconv.FormatInt(number, 10) + "/" + path
}

// Bytes is what is signed.
func (t Tally) Bytes() []byte {
	text, _ := json.MarshalIndent(t, "", " ") // numbers, strings and a time of this era always are JSON
	return append(text, '\n')
}

var (
	sum      = regexp.MustCompile(`^[0-9a-f]{64}$`)
	name     = regexp.MustCompile(`^[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,199}$`)
	pagePath = regexp.MustCompile(`^(status|releases|(releases|models)/[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,199})\.json$`)
)

// Parse reads what is signed. Every fault is named.
func Parse(text []byte) (t Tally, err error) {
	if len(text) > MaxSize {
		return t, fmt.Errorf("the tally has %d bytes; at most %d are read", len(text), MaxSize)
	}
	if err := strict.JSON(text, &t); err != nil {
		return Tally{}, fmt.Errorf("it is no tally: %w", err)
	}
	if t.Schema < 1 || t.Schema > Schema {
		return Tally{}, fmt.Errorf("the tally has schema %d; this program reads 1 to %d: take a newer one", t.Schema, Schema)
	}
	if err := t.validate(); err != nil {
		return Tally{}, err
	}
	if !bytes.Equal(t.Bytes(), text) {
		return Tally{}, errors.New("the tally is not written in its one form")
	}
	return t, nil
}

func (t Tally) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if t.Number < 1 || t.Snapshot < 1 || t.Threshold < 0 || t.Threshold > 1_000_000 {
		fault("number %d, snapshot %d, threshold %d: wanted 1, 1 and 0 or more", t.Number, t.Snapshot, t.Threshold)
	}
	if t.AsOf.Location() != time.UTC || t.Day != t.AsOf.Format(time.DateOnly) {
		fault("day %.20q is not that of %s, in UTC", t.Day, t.AsOf.Format(time.RFC3339))
	}
	if (t.Previous == "") != (t.Number == 1) || t.Previous != "" && !sum.MatchString(t.Previous) {
		fault("previous is %.70q; wanted a SHA-256 in hex, and none of the first alone", t.Previous)
	}
	for _, h := range t.Heads {
		if !name.MatchString(h.Tree) || h.Size < 1 || !sum.MatchString(h.Root) {
			fault("the head of tree %.50q makes no sense", h.Tree)
		}
	}
	for n, list := range map[string][]Cell{"models": t.Models, "cells": t.Cells} {
		for i, c := range list {
			if i > 0 && compare(list[i-1], c) >= 0 {
				fault("%s: %s is not in order, or there twice", n, c.Name())
			}
			faults = append(faults, c.validate())
		}
	}
	for i, p := range t.Pages {
		if !pagePath.MatchString(p.Path) || p.Size < 0 || !sum.MatchString(p.SHA256) || i > 0 && t.Pages[i-1].Path >= p.Path {
			fault("page %.80q makes no sense, or is not in order", p.Path)
		}
	}
	return errors.Join(faults...)
}

func (c Cell) validate() error {
	if !name.MatchString(c.Model) || c.Release != "" && !name.MatchString(c.Release) || c.Root != "" && !sum.MatchString(c.Root) {
		return fmt.Errorf("the cell of model %.50q and release %.50q makes no sense", c.Model, c.Release)
	}
	for key, n := range c.Numbers {
		if n <= 0 || len(key) > 200 {
			return fmt.Errorf("%s: %.50q is %d; what is 0 is not written, and nothing is less", c.Name(), key, n)
		}
	}
	return nil
}

func compare(a, b Cell) int {
	if a.Model != b.Model {
		return bytes.Compare([]byte(a.Model), []byte(b.Model))
	}
	return bytes.Compare([]byte(a.Release), []byte(b.Release))
}

// Sort puts cells into their order.
func Sort(cells []Cell) { slices.SortFunc(cells, compare) }

// Cell is that of a release on a model.
func (t Tally) Cell(release, model string) (Cell, bool) {
	i := slices.IndexFunc(t.Cells, func(c Cell) bool { return c.Release == release && c.Model == model })
	if i < 0 {
		return Cell{}, false
	}
	return t.Cells[i], true
}

// Head is that of a tree.
func (t Tally) Head(tree string) (Head, bool) {
	i := slices.IndexFunc(t.Heads, func(h Head) bool { return h.Tree == tree })
	if i < 0 {
		return Head{}, false
	}
	return t.Heads[i], true
}

// hash reads a SHA-256 in hex.
func hash(text string) ([]byte, error) {
	h, err := hex.DecodeString(text)
	if err != nil || len(h) != 32 || hex.EncodeToString(h) != text { // one spelling, so that no changed letter passes
		return nil, fmt.Errorf("%.80q is no SHA-256 in hex (small letters)", text)
	}
	return h, nil
}
