// SPDX-License-Identifier: Apache-2.0

package recount

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"landed/manifests"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/published"
	"landed/server/settle"
)

// Schema is the version of the file of evidence that is written and read: a line of JSON for the Header, and one for each
// installation.
const Schema = 1

// MaxLine is how long a line may be, in bytes: an installation sends no more than settle.MaxReports reports.
const MaxLine = 16 << 20

// Header is what everybody's reports are judged and counted by, as it was at the moment of the tally.
type Header struct {
	Schema      int          `json:"schema"`
	Tally       int64        `json:"tally"` // its number
	Key         string       `json:"key"`   // of the day, hex
	Releases    []Issue      `json:"releases"`
	Rollouts    []Going      `json:"rollouts"`
	Admissions  []Admission  `json:"admissions"`
	Quarantines []Quarantine `json:"quarantines"`
	// Unreadable are releases that are published and that the server could not judge by.
	Unreadable []string `json:"unreadable"`
}

// Issue is a published release.
type Issue struct {
	Name     string    `json:"name"`
	Counter  int64     `json:"counter"`
	Source   string    `json:"source"` // YAML, as it was declared
	At       time.Time `json:"at"`
	Out      time.Time `json:"out"`
	Packages []Package `json:"packages"`
}

// Package is what a package says of itself, as far as reports are judged by it.
type Package struct {
	SHA256    string          `json:"sha256"`
	Model     string          `json:"model"`
	Variant   string          `json:"variant"`
	Channel   string          `json:"channel"`
	Build     manifests.Build `json:"build"`
	PreBuilds []string        `json:"pre_builds"`
}

// Going is a rollout, as far as it says who counts.
type Going struct {
	Release string        `json:"release"`
	Model   string        `json:"model"`
	Channel string        `json:"channel"`
	Salt    string        `json:"salt"`
	Started time.Time     `json:"started"`
	Reached []fleet.Reach `json:"reached"`
	Share   int           `json:"share"` // hundredths of a percent, where Reached is empty
}

// Admission is an entry by which installations were admitted to the counted fleet.
type Admission struct {
	N       int64     `json:"n"`
	Model   string    `json:"model"`
	Channel string    `json:"channel"`
	At      time.Time `json:"at"`
	Key     string    `json:"key"` // hex
	Cutoff  int64     `json:"cutoff"`
}

// Quarantine is an entry by which installations are out of the figures.
type Quarantine struct {
	ID    string    `json:"id"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Model string    `json:"model"`
	At    time.Time `json:"at"`
	Bad   int64     `json:"bad"`
}

// History is all that is kept of an installation, in the order in which it came.
type History struct {
	Ref     report.Reference `json:"reference"`
	Settled *Settled         `json:"settled,omitempty"` // what a cut settled of reports whose bodies were dropped
	Reports []Report         `json:"reports"`
}

// Settled is how an installation stood at a cut.
type Settled struct {
	Cut   int64  `json:"cut"`
	UpTo  int64  `json:"up_to"`
	State string `json:"state"`
}

// Report is one, as it was signed, with its place in the tree of the reports.
type Report struct {
	N        int64  `json:"n"`
	At       int64  `json:"at"` // milliseconds since 1 January 1970
	Late     bool   `json:"late,omitempty"`
	ID       string `json:"id"`
	Seq      int64  `json:"seq"`
	Envelope string `json:"envelope,omitempty"`
	Sum      string `json:"sha256,omitempty"` // hex, where the body was dropped
}

// NewHeader writes down what was decided, as it stood at a time.
func NewHeader(
	number int64,
	key []byte,
	releases published.Releases,
	sources map[string][]byte,
	by settle.Control,
	at time.Time,
) Header {
	h := Header{Schema: Schema, Tally: number, Key: hex.EncodeToString(key), Releases: []Issue{}, Rollouts: []Going{},
		Admissions: []Admission{}, Quarantines: []Quarantine{}, Unreadable: []string{}}
	for _, r := range releases.Readable {
		is := Issue{Name: r.Name, Counter: r.Counter, Source: string(sources[r.Name]), At: r.At, Out: r.Out}
		for _, p := range r.Packages {
			is.Packages = append(is.Packages, Package{p.SHA256, p.Model, p.Variant, p.Channel, p.Build, p.PreBuilds})
		}
		h.Releases = append(h.Releases, is)
	}
	for _, u := range releases.Unreadable {
		h.Unreadable = append(h.Unreadable, u.Name)
	}
	for _, r := range by.Rollouts {
		h.Rollouts = append(h.Rollouts, Going{r.Release, r.Model, r.Channel, r.Salt, r.Started, r.Reached, r.Share()})
	}
	sortRollouts(h.Rollouts)
	for _, a := range by.Admissions {
		h.Admissions = append(h.Admissions, Admission{a.N, a.Model, a.Channel, a.At, hex.EncodeToString(a.Key), a.Cutoff})
	}
	for _, q := range by.Quarantines {
		if q.Lifted.IsZero() {
			h.Quarantines = append(h.Quarantines, Quarantine{q.ID, q.From, q.To, q.Model, q.At, q.Bad})
		}
	}
	return h
}

// NewHistory writes down what is stored of an installation up to a row.
func NewHistory(of settle.History, upTo int64) History {
	h := History{Ref: of.Ref, Reports: []Report{}}
	if of.Holds != nil {
		h.Settled = &Settled{of.Holds.Cut, of.Holds.UpTo, string(of.Holds.State)}
	}
	for _, r := range settle.UpTo(of.Rows, upTo) {
		one := Report{N: r.N, At: r.At.UnixMilli(), Late: r.Late, ID: r.ID, Seq: r.Seq, Envelope: string(r.Envelope)}
		if r.Dropped() {
			one.Envelope, one.Sum = "", hex.EncodeToString(r.Sum)
		}
		h.Reports = append(h.Reports, one)
	}
	return h
}

// Write writes a line of evidence.
func Write(w io.Writer, line any) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// releases are those of h, ready to judge by, the newest first.
func (h Header) releases() (all published.Releases, err error) {
	for _, is := range h.Releases {
		var packages []fleet.Package
		for _, p := range is.Packages {
			packages = append(packages, fleet.Package{SHA256: p.SHA256, Model: p.Model, Variant: p.Variant, Channel: p.Channel,
				Build: p.Build, PreBuilds: p.PreBuilds})
		}
		r, err := published.Declared([]byte(is.Source), is.At, is.Out, packages)
		if err != nil {
			return all, fmt.Errorf("release %s: %w", is.Name, err)
		}
		if r.Name != is.Name || r.Counter != is.Counter {
			return all, fmt.Errorf("release %s, counter %d: it declares itself as %s, %d", is.Name, is.Counter, r.Name, r.Counter)
		}
		all.Readable = append(all.Readable, r)
	}
	return all, nil
}

// control is what people decided.
func (h Header) control() (c settle.Control, rollouts []fleet.Rollout, err error) {
	c.Rollouts = map[settle.Going]fleet.Rollout{}
	for _, g := range h.Rollouts {
		r := fleet.Rollout{Release: g.Release, Model: g.Model, Channel: g.Channel, Salt: g.Salt, Started: g.Started, Reached: g.Reached}
		if len(r.Reached) == 0 {
			r.Reached = []fleet.Reach{{At: g.Started, Share: g.Share}}
		}
		rollouts = append(rollouts, r)
	}
	c.Add(rollouts)
	for _, a := range h.Admissions {
		key, err := hex.DecodeString(a.Key)
		if err != nil {
			return c, nil, fmt.Errorf("admission %d: its key: %w", a.N, err)
		}
		c.Admissions = append(
			c.Admissions,
			fleet.Admission{N: a.N, Model: a.Model, Channel: a.Channel, At: a.At, Key: key, Cutoff: a.Cutoff},
		)
	}
	for _, q := range h.Quarantines {
		c.Quarantines = append(c.Quarantines, fleet.Quarantine{ID: q.ID, From: q.From, To: q.To, Model: q.Model, At: q.At, Bad: q.Bad})
	}
	return c, rollouts, nil
}

// stored is h as settle takes it.
func (h History) stored() (of settle.History, err error) {
	of.Ref = h.Ref
	if h.Settled != nil {
		of.Holds = &fleet.Settled{Cut: h.Settled.Cut, UpTo: h.Settled.UpTo, Ref: h.Ref, State: []byte(h.Settled.State)}
	}
	for _, r := range h.Reports {
		one := fleet.StoredReport{ID: r.ID, Ref: h.Ref, Seq: r.Seq, At: time.UnixMilli(r.At).UTC(), Late: r.Late, N: r.N}
		if r.Envelope != "" {
			one.Envelope = []byte(r.Envelope)
		} else if one.Sum, err = hex.DecodeString(r.Sum); err != nil || len(one.Sum) != 32 {
			return of, fmt.Errorf("its report in row %d has neither envelope nor SHA-256", r.N)
		}
		of.Rows = append(of.Rows, one)
	}
	return of, nil
}
