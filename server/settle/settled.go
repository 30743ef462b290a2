// SPDX-License-Identifier: Apache-2.0

package settle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"landed/manifests/report"
	"landed/server/fleet"
)

// Settled is what an installation had shown up to the row of a cut, as fleet.Settled keeps it. What a verdict says is not
// part of it: that follows from the newest report of each state, which stays.
type Settled struct {
	lived  int64  // the last admission that it had gone through
	Rows   string // digest of all its rows up to there, in hex: also of what was dropped nothing is changed unseen
	States []held
}

// held is a state of it.
type held struct {
	fleet.Installation
	newest int64 // the row of its newest report
}

// ErrSettled says that what a cut settled cannot be what this program wrote.
var ErrSettled = errors.New("what a cut settled of it was changed by another hand, or is of a newer program")

func (s *Settled) fields() []any { return []any{&s.lived, &s.Rows, &s.States} }

// MarshalJSON writes fields without their names: there is one of these for each installation.
func (s *Settled) MarshalJSON() ([]byte, error) { return json.Marshal(s.fields()) }

// UnmarshalJSON reads them.
func (s *Settled) UnmarshalJSON(text []byte) error { return fill(text, s.fields()) }

func (h *held) fields() []any {
	i := &h.Installation
	return []any{&i.Release, &i.Current, &i.Model, &i.Channel, &i.Seq, &h.newest, &i.Progress, &i.Cause, &i.Before, &i.Leaked,
		&i.Cloned, &i.Reports, &asMillis{&i.First}, &asMillis{&i.Last}, &asMillis{&i.Away}, &asMillis{&i.Back}, &asMillis{&i.Admitted},
		&i.Absent, &i.OutOfDraw, &i.Commit, &i.Drawn}
}

// MarshalJSON writes fields without their names.
func (h *held) MarshalJSON() ([]byte, error) { return json.Marshal(h.fields()) }

// UnmarshalJSON reads them.
func (h *held) UnmarshalJSON(text []byte) error { return fill(text, h.fields()) }

// fill reads a list into fields, one after the other.
func fill(text []byte, fields []any) error {
	var all []json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	if len(all) != len(fields) {
		return ErrSettled
	}
	for n, one := range all {
		if err := json.Unmarshal(one, fields[n]); err != nil {
			return err
		}
	}
	return nil
}

// asMillis is a time as the store has it: milliseconds since 1970, 0 for none.
type asMillis struct{ *time.Time }

// MarshalJSON writes a number.
func (a asMillis) MarshalJSON() ([]byte, error) {
	if a.IsZero() {
		return []byte("0"), nil
	}
	return json.Marshal(a.UnixMilli())
}

// UnmarshalJSON reads one.
func (a asMillis) UnmarshalJSON(text []byte) error {
	var n int64
	err := json.Unmarshal(text, &n)
	*a.Time = time.Time{}
	if n != 0 {
		*a.Time = time.UnixMilli(n).UTC()
	}
	return err
}

// ReadSettled reads what Text writes, and nothing else.
func ReadSettled(text []byte) (s Settled, err error) {
	err = json.Unmarshal(text, &s)
	if err == nil && !bytes.Equal(s.Text(), text) {
		err = ErrSettled
	}
	if err != nil {
		return s, errors.Join(ErrSettled, err)
	}
	return s, nil
}

// Text is what ReadSettled reads.
func (s *Settled) Text() []byte {
	text, _ := json.Marshal(s) // strings, numbers and flags always are JSON
	return text
}

// RowsDigest is that of all columns of rows, in their order, and of what was sent.
func RowsDigest(stored []fleet.StoredReport) string {
	h := sha256.New()
	for _, s := range stored {
		sum := s.Sum
		if !s.Dropped() {
			of := sha256.Sum256(s.Envelope)
			sum = of[:]
		}
		row := []byte{0}
		if s.Late {
			row[0] = 1
		}
		for _, n := range []int64{s.N, s.Seq, s.At.UnixMilli()} {
			row = binary.BigEndian.AppendUint64(row, uint64(n))
		}
		h.Write(append(append(row, sum...), s.ID[:min(len(s.ID), 16)]...))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// UpTo are the rows up to one.
func UpTo(stored []fleet.StoredReport, row int64) []fleet.StoredReport {
	n := slices.IndexFunc(stored, func(s fleet.StoredReport) bool { return s.N > row })
	if n < 0 {
		n = len(stored)
	}
	return stored[:n:n]
}

// Settle writes down how h stands after these rows.
func (h *Handset) Settle(stored []fleet.StoredReport) Settled {
	s := Settled{Rows: RowsDigest(stored)}
	if h.lived > 0 {
		s.lived = h.Loaded.Control.Admissions[h.lived-1].N
	}
	for _, state := range h.States {
		one := held{Installation: state.Is}
		for _, r := range stored {
			if r.ID == state.Is.Newest.ID && r.Seq == state.Is.Seq {
				one.newest = r.N
			}
		}
		s.States = append(s.States, one)
	}
	return s
}

// History is what is kept of an installation: its rows as they came, and what a cut settled of the first of them.
type History struct {
	Ref   report.Reference
	Rows  []fleet.StoredReport
	Holds *fleet.Settled // nil: no cut has it
}

// Since are the rows behind the cut.
func (h History) Since() []fleet.StoredReport {
	if h.Holds == nil {
		return h.Rows
	}
	return h.Rows[len(UpTo(h.Rows, h.Holds.UpTo)):]
}
