// SPDX-License-Identifier: Apache-2.0

package client

import (
	"encoding/json"
	"time"

	"landed/manifests"
	"landed/manifests/otapkg"
)

// Package is an uploaded OTA file that nothing refused.
type Package struct {
	SHA256    string          `json:"sha256"` // 64 hex digits
	Name      string          `json:"name"`   // file name as uploaded
	Size      int64           `json:"size"`   // bytes
	Model     string          `json:"model"`  // ro.product.device
	Variant   string          `json:"variant"`
	Channel   string          `json:"channel"`
	Family    string          `json:"family"` // "file", "ab"
	Build     manifests.Build `json:"build"`
	PreBuilds []string        `json:"pre_builds,omitempty"` // source fingerprints of an incremental
	Findings  otapkg.Findings `json:"findings"`             // warnings, and what needs approval
	Facts     json.RawMessage `json:"facts,omitempty"`      // otapkg.Facts; only in the answer to an upload
	By        string          `json:"by"`                   // name on the token
	At        time.Time       `json:"at"`
	Known     bool            `json:"known,omitempty"` // only in the answer to an upload: the bytes were here already
	Also      []Package       `json:"also,omitempty"`  // only there: the same file for the other devices that it names
}

// Ref is the identity of a package: the same bytes can be one for several models and channels.
func (p Package) Ref() string { return p.SHA256 + "/" + p.Model + "/" + p.Channel }

// Release is a release and how far it is.
type Release struct {
	Name     string    `json:"name"`
	Counter  int64     `json:"counter"`
	State    string    `json:"state"`            // "draft", "staged" (waits for signatures), "published"
	Packages []string  `json:"packages"`         // Ref of each
	Change   string    `json:"change,omitempty"` // that carries it, once staged
	Source   string    `json:"source,omitempty"` // the YAML as it was sent; only from Release
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// The states of a release, and of a change.
const (
	Draft     = "draft"     // of a release
	Staged    = "staged"    // of a release
	Open      = "open"      // of a change
	Dropped   = "dropped"   // of a change
	Published = "published" // of both
)

// Change is metadata that waits for signatures of offline keys, or did.
type Change struct {
	ID      string       `json:"id"` // 32 hex digits
	Release string       `json:"release,omitempty"`
	State   string       `json:"state"` // "open", "published", "dropped"
	Roles   []ChangeRole `json:"roles"`
	Words   []string     `json:"words"` // the progress, for people
	At      time.Time    `json:"at"`
}

// ChangeRole is how far the signing of one role is.
type ChangeRole struct {
	Role    string   `json:"role"`
	Version int64    `json:"version"`
	Have    int      `json:"have"` // valid signatures by distinct keys
	Need    int      `json:"need"`
	Signed  []string `json:"signed"`  // key ids
	Missing []string `json:"missing"` // ids of the keys that may sign and have not
	// People, by name, or by the first 12 digits of the key id where no name is known.
	SignedBy    []string `json:"signed_by"`
	MissingFrom []string `json:"missing_from"`
}

// TrustRole is one published role that people sign, and who does.
type TrustRole struct {
	Role     string    `json:"role"`
	Version  int64     `json:"version"`
	Expires  time.Time `json:"expires"`
	Need     int       `json:"need"`      // signatures
	Holders  []string  `json:"holders"`   // who may sign: names, or the first 12 digits of key ids
	SignedBy []string  `json:"signed_by"` // who signed what is published
}

// Rollout is a release going to one model on one channel.
type Rollout struct {
	ID       string    `json:"id"` // "<release>.<role>.<channel>"
	Release  string    `json:"release"`
	Model    string    `json:"model"`
	Channel  string    `json:"channel"`
	Packages []string  `json:"packages"` // SHA-256, one for each image variant
	Salt     string    `json:"salt"`
	State    string    `json:"state"` // "running", "held", "halted", "finished"
	Stage    int       `json:"stage"` // 1, 2, 3 …
	Share    int       `json:"share"` // offered now, in hundredths of a percent
	Stages   []Stage   `json:"stages"`
	Held     string    `json:"held,omitempty"`   // why it stays at its share
	Reason   string    `json:"reason,omitempty"` // why it was halted
	By       string    `json:"by"`               // who halted or resumed it last; "landed" for the loop itself
	Waiting  []string  `json:"waiting"`          // what its stage waits for, in words
	Counts   *Counts   `json:"counts,omitempty"`
	Since    time.Time `json:"since"` // when this stage was entered, or resumed
	Started  time.Time `json:"started"`
	Changed  time.Time `json:"changed"`
	Revision int64     `json:"revision"`
}

// Stage is one step of a rollout.
type Stage struct {
	Share int    `json:"share"` // 1…10,000 hundredths of a percent
	Soak  string `json:"soak"`  // at least this long, as Go writes durations: "48h0m0s"
	Gates Gates  `json:"gates"`
}

// Gates are the conditions to leave a stage. Shares are hundredths of a percent.
type Gates struct {
	MinReports  int64 `json:"min_reports"`
	MinProven   int   `json:"min_proven"`
	MaxFailures int   `json:"max_failures"`
	HaltLeaks   int64 `json:"halt_leaks,omitempty"` // 0: the server's default
}

// Counts are installations of one rollout's model and channel.
type Counts struct {
	Installations int64            `json:"installations"`
	Began         int64            `json:"began"`
	Running       int64            `json:"running"`
	Failed        int64            `json:"failed"`
	Proven        int64            `json:"proven"`
	Judged        int64            `json:"judged"`
	Verdicts      map[string]int64 `json:"verdicts"` // by class, zeros too
}

// AuditEntry is one line of the append-only trail.
type AuditEntry struct {
	N       int64     `json:"n"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"`
	Subject string    `json:"subject"`
	Reason  string    `json:"reason,omitempty"`
}

// Token is who may enter. Secret is told once, by AddToken.
type Token struct {
	Name   string    `json:"name"`
	Role   string    `json:"role"` // "support", "engineer", "admin"
	At     time.Time `json:"at"`
	Secret string    `json:"token,omitempty"`
}
