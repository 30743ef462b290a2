// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"landed/manifests/report"
	"landed/manifests/strict"
)

// The JSON of a statement, closed: exactly these fields.

type wireStatement struct {
	Type          string          `json:"_type"`
	Subject       []wireSubject   `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

type wireSubject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type wireObservation struct {
	Signer  string   `json:"signer"` // key id
	Kind    Kind     `json:"kind"`
	Model   string   `json:"model"`
	Release string   `json:"release"`
	Steps   []string `json:"steps"`
	Seen    []string `json:"seen"`
	Capture string   `json:"capture_sha256"`
	At      string   `json:"at"`
	Verdict Verdict  `json:"verdict"`
}

type wireVoucher struct {
	Signer string `json:"signer"`
	Model  string `json:"model"`
	From   string `json:"from"`
	Until  string `json:"until"`
}

type wireWithdrawal struct {
	Signer string `json:"signer"`
	Reason string `json:"reason"`
	At     string `json:"at"`
}

// The names of digests in a subject. An installation is known by the hash of its key in a form of its own.
const (
	sha256Digest    = "sha256"
	referenceDigest = "landedReference"
)

// The names of subjects that are no build.
const (
	installationSubject = "installation"
	statementSubject    = "statement"
)

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// payload is what signer, a key id, signs: the one form of the statement. With it two people who saw the same say two
// different things, and nobody puts their name to what another wrote.
func (s Said) payload(signer string) ([]byte, error) {
	w := wireStatement{Type: InToto}
	var predicate any
	switch {
	case s.Observation != nil:
		o := *s.Observation
		w.PredicateType, w.Subject = ObservationType, subject(o.Build, sha256Digest, o.Package)
		predicate = wireObservation{signer, o.Kind, o.Model, o.Release, o.Steps, o.Seen, o.Capture, stamp(o.At), o.Verdict}
	case s.Voucher != nil:
		v := *s.Voucher
		w.PredicateType = VoucherType
		w.Subject = subject(installationSubject, referenceDigest, string(v.Installation))
		predicate = wireVoucher{signer, v.Model, stamp(v.From), stamp(v.Until)}
	case s.Withdrawal != nil:
		t := *s.Withdrawal
		w.PredicateType, w.Subject = WithdrawalType, subject(statementSubject, sha256Digest, t.Statement)
		predicate = wireWithdrawal{signer, t.Reason, stamp(t.At)}
	}
	var err error
	if w.Predicate, err = json.Marshal(predicate); err != nil {
		return nil, err
	}
	return json.Marshal(w)
}

func subject(name, algorithm, digest string) []wireSubject {
	return []wireSubject{{name, map[string]string{algorithm: digest}}}
}

// read reads what was signed and by whom, and refuses every form but the one that payload gives.
func read(payload []byte) (Said, string, error) {
	var w wireStatement
	if err := strict.JSON(payload, &w); err != nil {
		return Said{}, "", err
	}
	if w.Type != InToto || len(w.Subject) != 1 {
		return Said{}, "", fmt.Errorf("it is of type %.100q with %d subjects; wanted %s with 1", w.Type, len(w.Subject), InToto)
	}
	said, signer, err := w.said()
	if err != nil {
		return Said{}, "", err
	}
	if err := said.Validate(); err != nil {
		return Said{}, "", err
	}
	again, err := said.payload(signer)
	if err == nil && !bytes.Equal(again, payload) {
		err = errors.New("it is not in its one form: every field once, in the order of the schema, without blanks, " +
			"times in UTC and whole seconds")
	}
	return said, signer, err
}

func (w wireStatement) said() (said Said, signer string, err error) {
	about := w.Subject[0]
	var faults []error
	at := func(text string) time.Time {
		t, err := time.Parse(time.RFC3339, text)
		faults = append(faults, err)
		return t.UTC()
	}
	switch w.PredicateType {
	case ObservationType:
		var o wireObservation
		faults = append(faults, strict.JSON(w.Predicate, &o))
		signer = o.Signer
		said.Observation = &Observation{o.Kind, o.Model, o.Release, about.Name, about.Digest[sha256Digest], o.Steps, o.Seen,
			o.Capture, at(o.At), o.Verdict}
	case VoucherType:
		var v wireVoucher
		faults = append(faults, strict.JSON(w.Predicate, &v))
		signer = v.Signer
		said.Voucher = &Voucher{report.Reference(about.Digest[referenceDigest]), v.Model, at(v.From), at(v.Until)}
	case WithdrawalType:
		var t wireWithdrawal
		faults = append(faults, strict.JSON(w.Predicate, &t))
		signer = t.Signer
		said.Withdrawal = &Withdrawal{about.Digest[sha256Digest], t.Reason, at(t.At)}
	default:
		return said, "", fmt.Errorf("predicateType is %.100q; wanted %s, %s or %s", w.PredicateType, ObservationType, VoucherType,
			WithdrawalType)
	}
	return said, signer, errors.Join(faults...)
}
