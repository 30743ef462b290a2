// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"time"

	"landed/manifests/report"
)

// Installation is one set-up of one handset, known by a random reference. A factory
// reset begins a new one.
type Installation struct {
	Ref      report.Reference
	Model    string
	Channel  string
	Release  string // the release it is judged against: the one its newest report speaks of
	Seq      int64  // of the newest report
	Newest   report.Report
	Progress report.Progress
	Verdict  Class
	Because  []string // why, in words
	Before   Before   // what its reports said before the patch
	Leaked   bool     // it leaked once, on this release; no later report takes that back
	Cloned   bool     // two different reports with one sequence number: a copied image, or a forger
	Reports  int64    // how many of its reports are stored
	First    time.Time
	Last     time.Time // when its newest report came
}

// Before is what an installation was found to do before the patch.
type Before string

// The findings before.
const (
	BeforeActive  Before = "activates_itself" // on, or a SIM registered, by itself
	BeforeQuiet   Before = "quiet"            // an unpatched build that had not activated itself yet
	BeforeOff     Before = "switched_off"     // its user had switched it off
	BeforeUnknown Before = "not_seen"         // first met on the patched build
)

// Class is a verdict: what the reports of one installation prove (docs/design/effect.md).
type Class string

// The classes, in the order in which support pages show them.
const (
	ConfirmedOff       Class = "confirmed_off"
	Consented          Class = "consented"
	CarriedOver        Class = "carried_over"
	RegisteredByItself Class = "registered_by_itself"
	NotExercised       Class = "not_exercised"
	Leak               Class = "leak"
	Contradictory      Class = "contradictory"
	Unpatched          Class = "unpatched"
	Unknown            Class = "unknown"
)

// Classes lists every class.
var Classes = []Class{ConfirmedOff, Consented, CarriedOver, RegisteredByItself, NotExercised, Leak, Contradictory, Unpatched, Unknown}

// StoredReport is one report as it came, and what became of it.
type StoredReport struct {
	ID       string
	Ref      report.Reference
	Seq      int64
	Envelope []byte // DSSE, as signed
	At       time.Time
	Late     bool // it came after a newer one: kept as history, moved nothing
}

// Counts are the maintained figures of one release on one model and channel. They
// change in the transaction that stores the report which changed them.
type Counts struct {
	Release       string
	Model         string
	Channel       string
	Installations int64
	Leaked        int64 // that ever leaked: it never falls, so nobody can talk a leak away
	Verdicts      map[Class]int64
	Progress      map[report.Progress]int64
	Before        map[Before]int64
}

// Began counts installations that have begun to install this release, or run it.
func (c Counts) Began() int64 {
	return c.Progress[report.ProgressDownloading] + c.Progress[report.ProgressInstalled] + c.Running() + c.Failed()
}

// Running counts installations that run a build of this release.
func (c Counts) Running() int64 { return c.Progress[report.ProgressRunning] }

// Failed counts installations whose last attempt failed.
func (c Counts) Failed() int64 { return c.Progress[report.ProgressFailed] }

// Proven counts installations that are fine and have shown it: off, or on by consent.
func (c Counts) Proven() int64 { return c.Verdicts[ConfirmedOff] + c.Verdicts[Consented] }

// Judged counts installations on a patched build whose evidence says something: all but
// those whose silence was not tested yet.
func (c Counts) Judged() int64 {
	return c.Proven() + c.Verdicts[CarriedOver] + c.Verdicts[RegisteredByItself] + c.Verdicts[Leak] + c.Verdicts[Contradictory]
}

// AuditEntry is one line of the append-only trail.
type AuditEntry struct {
	N       int64
	At      time.Time
	Actor   string // name of the token, or "landed" for the loop
	Action  string // "package.upload", "rollout.halt" …
	Subject string
	Reason  string
}

// Token lets somebody in. Only a hash of the secret is kept.
type Token struct {
	Name string // of the person or machine
	Role Role
	Hash []byte // SHA-256 of the secret
	At   time.Time
}

// Role is what a token may do.
type Role string

// The roles: support reads, engineers work, admins also make tokens and import trust.
const (
	RoleSupport  Role = "support"
	RoleEngineer Role = "engineer"
	RoleAdmin    Role = "admin"
)
