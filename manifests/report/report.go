// SPDX-License-Identifier: Apache-2.0

// Package report is the statement that a handset makes about itself, whatever version it was written in.
//
// Parties: an installation (one set-up of one handset, until factory reset) makes an Ed25519 key for itself, and signs
// each report with it; the server opens the envelope (package envelope), judges and counts. The installation's
// Reference is a digest of its public key, so it carries no identity, and a factory reset makes a new one.
//
// A report has a core, which every version carries, and answers to the probes of the effect it is about. Its body is
// written in a version: packages v1, v2 and v3. Each is read for ever.
//
// It promises closed enums and bounded integers in the core. The answers are held against the release that asked for
// them by whoever knows it ([probe.Check]); nothing else stands in a report. IMEI, IMSI, numbers, contacts, serial,
// account, place, carrier and installed apps, and digests of them, have no field that they could go into.
package report

import (
	"crypto/ed25519"
	"encoding/hex"

	"landed/manifests/effect/probe"
)

// MaxSeq is the largest sequence number that is taken in: some 1,260 years of a report a week.
const MaxSeq = 65_535

// MaxAttempt is the largest number of an attempt to install.
const MaxAttempt = 15

// Report is what was said.
type Report struct {
	Schema  int    // version of its body
	ID      string // of version 1: 32 hex digits of the handset's choosing; later: the SHA-256 of the body, 64 hex digits
	Key     string // the installation's public key, 64 hex digits (Ed25519)
	Seq     int64  // 1, 2, 3 … within the installation
	Kind    Kind   // why it was sent
	Release string // the release it is about, as the offers document names it

	Model         string // ro.product.device
	Variant       string // image variant
	Channel       string
	Build         string // fingerprint that is running, if the feed names it; else BuildOther
	BuildUTC      int64  // its ro.build.date.utc, seconds; 0 for BuildOther
	PreviousBuild string // before the last update; "" if there was none

	Progress Progress
	Failure  *Failure // with progress failed, and only then
	Attempt  int      // which attempt to install this release, 0…15; 0 before the first, and in version 1

	// DrawCommit is SHA-256 of what the installation draws with for this release, 64 hex digits: in each baseline of
	// version 3, and there alone. Draw is what it draws with, 32 hex digits: from version 3 on once the handset has begun
	// to install this release; else "". Package offers has what they are made of.
	DrawCommit, Draw string

	Answers probe.Answers // to the probes of the release's effect
	// ConsentDay is, in version 1 alone, the day from which the answer to consent_when is found when the release is known.
	ConsentDay string
}

// BuildOther stands for every build that the signed documents of a handset's model do not name: a build's name is free
// text of its maker, and free text has no place in a report.
const BuildOther = "other"

// Failure says where an update failed. Codes are those of update_engine (0…66, 2000+HTTP status) or of the recovery
// (0…4000), never text.
type Failure struct {
	Phase Phase `json:"phase"`
	Code  int   `json:"code"` // 0…9999
}

// Closed enums. The zero value of none of them is valid.
type (
	Kind     string
	Progress string
	Phase    string
)

// Why a report was sent.
const (
	KindBaseline Kind = "baseline" // before the patch, and weekly while waiting
	KindProgress Kind = "progress" // a step of the update
	KindEffect   Kind = "effect"   // 1 h, 24 h, 7 days after first boot, and when the answer changes
)

// How far the installation is.
const (
	ProgressKnown       Progress = "known" // it has met the rollout
	ProgressDownloading Progress = "downloading"
	ProgressInstalled   Progress = "installed" // written, not yet booted
	ProgressRunning     Progress = "running"
	ProgressFailed      Progress = "failed"
)

// ProgressValues lists every progress, in the order in which an update goes.
var ProgressValues = []Progress{ProgressKnown, ProgressDownloading, ProgressInstalled, ProgressRunning, ProgressFailed}

// Where an update failed.
const (
	PhaseMetadata Phase = "metadata" // TUF workflow, or offline and online roles disagree
	PhaseDownload Phase = "download"
	PhaseVerify   Phase = "verify" // the package itself
	PhaseInstall  Phase = "install"
	PhaseBoot     Phase = "boot" // fell back to the old slot
)

// PublicKey is the installation's key. It is valid after Check.
func (r Report) PublicKey() ed25519.PublicKey {
	key, _ := hex.DecodeString(r.Key)
	return key
}
