// SPDX-License-Identifier: Apache-2.0

// Package v3 is the third body of a report: the second, and at its end the draw.
//
// Parties: handsets write it, the server reads it. A baseline commits to what the installation will draw with for the
// release, before anybody knows the salt; once the update runs, reports open the commitment, so that everybody can see
// that the handset was in the stage (package offers has both computations). It promises one written form, as the
// second does, and refuses a commitment or a draw where it has no place: each is room that a handset could fill.
package v3

import (
	"bytes"
	"errors"
	"fmt"

	"landed/manifests/report"
	v2 "landed/manifests/report/v2"
	"landed/manifests/strict"
)

// Schema is the version of the body.
const Schema = 3

// PayloadType is the DSSE payload type of this body.
const PayloadType = "application/vnd.landed.report.v3+json"

// Digits of the two members that this version adds.
const (
	commitDigits = 64
	drawDigits   = 32
)

// body is the shape: the members of version 2 and these, in this order, without blanks.
type body struct {
	v2.Body
	DrawCommit string `json:"draw_commit,omitempty"`
	Draw       string `json:"draw,omitempty"`
}

// The ends at which the two versions differ.
const (
	head2, head3 = `{"schema":2,`, `{"schema":3,`
	beforeCommit = `,"draw_commit":"`
	beforeDraw   = `,"draw":"`
)

// Read reads a body and checks the core. The answers are bounded in number and form; whether they are answers to what
// the release asks is for whoever knows the release. form says if the body was in its one form at all.
func Read(text []byte) (r report.Report, form bool, err error) {
	rest, ok1 := bytes.CutPrefix(text, []byte(head3))
	rest, ok2 := bytes.CutSuffix(rest, []byte("}"))
	rest, draw := cutMember(rest, beforeDraw, drawDigits)
	rest, commit := cutMember(rest, beforeCommit, commitDigits)
	if !ok1 || !ok2 {
		return report.Report{}, false, nil
	}
	second := append(append(append(make([]byte, 0, len(text)), head2...), rest...), '}')
	if r, form, err = v2.Read(second); !form {
		return report.Report{}, false, nil
	}
	r.Schema, r.ID, r.DrawCommit, r.Draw = Schema, ID(text), commit, draw
	return r, true, errors.Join(err, checkDraw(r))
}

// cutMember takes the last member off, if it is this one with a value of so many hex digits.
func cutMember(text []byte, before string, digits int) (rest []byte, value string) {
	rest, ok := bytes.CutSuffix(text, []byte(`"`))
	at := len(rest) - digits
	if !ok || at < 0 || !report.HexDigits(string(rest[at:]), digits) || !bytes.HasSuffix(rest[:at], []byte(before)) {
		return text, ""
	}
	return rest[:at-len(before)], string(rest[at:])
}

// Parse reads a body and says what is wrong with one that Read does not take.
func Parse(text []byte) (report.Report, error) {
	var b body
	if err := strict.JSON(text, &b); err != nil {
		return report.Report{}, fmt.Errorf("report: %w", report.Discreet(err))
	}
	r := b.report()
	r.ID = ID(text)
	if err := Validate(r); err != nil {
		return report.Report{}, fmt.Errorf("report: %w", err)
	}
	return r, nil
}

func (b body) report() report.Report {
	r := b.Report()
	r.DrawCommit, r.Draw = b.DrawCommit, b.Draw
	return r
}

// ID is the id of a report with this body: its SHA-256 in 64 hex digits. It carries nothing of a handset's choosing.
func ID(text []byte) string { return v2.ID(text) }

// Validate returns every fault of r as a report of this version, joined; the id is not looked at.
func Validate(r report.Report) error {
	c := report.Check{}
	c.Fault(r.Schema != Schema, "schema: wanted %d", Schema)
	second := r
	second.Schema, second.DrawCommit, second.Draw = v2.Schema, "", ""
	return errors.Join(c.Err(), v2.Validate(second), checkDraw(r))
}

func checkDraw(r report.Report) error {
	c := report.Check{}
	baseline := r.Kind == report.KindBaseline
	c.Fault(baseline && !report.HexDigits(r.DrawCommit, commitDigits), "draw_commit: wanted 64 hex digits in a baseline")
	c.Fault(!baseline && r.DrawCommit != "", "draw_commit: it stands in baselines, and nowhere else")
	c.Fault(r.Draw != "" && !report.HexDigits(r.Draw, drawDigits), "draw: wanted 32 hex digits")
	c.Fault(r.Draw != "" && r.Progress == report.ProgressKnown, "draw: it does not stand with progress known: who waits keeps it")
	return c.Err()
}

// Bytes writes r in the one form of this version. Schema and ID are not looked at.
func Bytes(r report.Report) []byte {
	b := v2.Bytes(r)
	copy(b, head3)
	b = b[:len(b)-1]
	if r.DrawCommit != "" {
		b = append(append(append(b, beforeCommit...), r.DrawCommit...), '"')
	}
	if r.Draw != "" {
		b = append(append(append(b, beforeDraw...), r.Draw...), '"')
	}
	return append(b, '}')
}
