// SPDX-License-Identifier: Apache-2.0

// Package v2 is the second body of a report: the core, and the answers to whatever probes the release's effect
// declares.
//
// Parties: handsets write it, the server reads it. It promises one written form, so that a body is its own identity:
// the id of a report is the hash of its body. It refuses everything else: a blank, another order, an answer twice.
package v2

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/strict"
)

// Schema is the version of the body.
const Schema = 2

// PayloadType is the DSSE payload type of this body.
const PayloadType = "application/vnd.landed.report.v2+json"

// Body is the shape: JSON, these members in this order, without blanks; answers sorted by name.
type Body struct {
	Schema   int         `json:"schema"`
	Key      string      `json:"key"`
	Seq      int64       `json:"seq"`
	Kind     report.Kind `json:"kind"`
	Release  string      `json:"release"`
	Model    string      `json:"model"`
	Variant  string      `json:"variant"`
	Channel  string      `json:"channel"`
	Build    string      `json:"build"`
	BuildUTC int64       `json:"build_utc"`
	// there was a build before the last update; which it was is nobody's business
	Updated  bool            `json:"updated"`
	Progress report.Progress `json:"progress"`
	Failure  *report.Failure `json:"failure,omitempty"`
	Attempt  int             `json:"attempt"`
	Answers  probe.Answers   `json:"answers"`
}

// Read reads a body and checks the core. The answers are bounded in number and form; whether they are answers to what
// the release asks is for whoever knows the release. form says if the body was in its one form at all.
func Read(text []byte) (r report.Report, form bool, err error) {
	b, ok := read(text)
	if !ok {
		return report.Report{}, false, nil
	}
	r = b.Report()
	r.ID = ID(text)
	return r, true, Validate(r)
}

// Parse reads a body and says what is wrong with one that Read does not take.
func Parse(text []byte) (report.Report, error) {
	var b Body
	if err := strict.JSON(text, &b); err != nil {
		return report.Report{}, fmt.Errorf("report: %w", report.Discreet(err))
	}
	r := b.Report()
	r.ID = ID(text)
	if err := Validate(r); err != nil {
		return report.Report{}, fmt.Errorf("report: %w", err)
	}
	return r, nil
}

// ID is the id of a report with this body: its SHA-256 in 64 hex digits. It carries nothing of a handset's choosing.
func ID(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Validate returns every fault of r as a report of this version, joined; the id is not looked at.
func Validate(r report.Report) error {
	c := report.Check{}
	c.Fault(r.Schema != Schema, "schema: wanted %d", Schema)
	c.Core(r, report.MaxSeq)
	c.Fault(r.DrawCommit != "" || r.Draw != "", "draw_commit, draw: this version has no such member")
	c.Fault(r.PreviousBuild != "" && r.PreviousBuild != report.BuildOther, "previous_build: only that "+
		"there was one is said")
	c.Between("attempt", int64(r.Attempt), 0, report.MaxAttempt)
	c.Fault(len(r.Answers) > probe.MaxProbes, "answers: wanted at most %d", probe.MaxProbes)
	for name, v := range r.Answers {
		c.Fault(!probe.ValidName(name) || !v.Valid(),
			"answers: wanted names of probes, and numbers up to %d, true, false or words", probe.MaxInt)
	}
	return c.Err()
}

// Report is what the body says; its id is for whoever has the text.
func (b Body) Report() report.Report {
	r := report.Report{
		Schema: b.Schema, Key: b.Key, Seq: b.Seq, Kind: b.Kind, Release: b.Release, Model: b.Model, Variant: b.Variant,
		Channel: b.Channel, Build: b.Build, BuildUTC: b.BuildUTC, Progress: b.Progress, Failure: b.Failure,
		Attempt: b.Attempt, Answers: b.Answers,
	}
	if b.Updated {
		r.PreviousBuild = report.BuildOther
	}
	return r
}

// Bytes writes r in the one form of this version. Schema and ID are not looked at.
func Bytes(r report.Report) []byte {
	return appendBody(make([]byte, 0, 512+32*len(r.Answers)), r, r.Answers.Names())
}

// appendBody is Bytes with the names of the answers at hand.
func appendBody(b []byte, r report.Report, names []string) []byte {
	b = append(b, `{"schema":2,"key":`...)
	b = text(b, r.Key)
	b = strconv.AppendInt(append(b, `,"seq":`...), r.Seq, 10)
	for _, f := range [...]struct{ name, value string }{
		{`,"kind":`, string(r.Kind)}, {`,"release":`, r.Release}, {`,"model":`, r.Model}, {`,"variant":`, r.Variant},
		{`,"channel":`, r.Channel}, {`,"build":`, r.Build},
	} {
		b = text(append(b, f.name...), f.value)
	}
	b = strconv.AppendInt(append(b, `,"build_utc":`...), r.BuildUTC, 10)
	b = strconv.AppendBool(append(b, `,"updated":`...), r.PreviousBuild != "")
	b = text(append(b, `,"progress":`...), string(r.Progress))
	if r.Failure != nil {
		b = text(append(b, `,"failure":{"phase":`...), string(r.Failure.Phase))
		b = append(strconv.AppendInt(append(b, `,"code":`...), int64(r.Failure.Code), 10), '}')
	}
	b = strconv.AppendInt(append(b, `,"attempt":`...), int64(r.Attempt), 10)
	b = append(b, `,"answers":{`...)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(text(b, name), ':')
		b = r.Answers[name].AppendJSON(b)
	}
	return append(b, `}}`...)
}

// text appends a string. What needs to be escaped is in no valid report; it is escaped, and then refused.
func text(b []byte, s string) []byte {
	for _, c := range []byte(s) {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return quoted(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func quoted(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...)
	}
	return append(b, q...)
}
