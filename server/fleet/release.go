// SPDX-License-Identifier: Apache-2.0

package fleet

import "time"

// Release is a release under way: what the engineer declared, and the packages bound to it.
type Release struct {
	Name     string
	Counter  int64
	Source   []byte // the YAML as it was sent
	State    ReleaseState
	Packages []PackageRef // one package per model and variant
	Change   string       // id of the change that carries it, once staged
	By       string
	At       time.Time
}

// ReleaseState is how far a release is.
type ReleaseState string

// A release only moves forward.
const (
	ReleaseDraft     ReleaseState = "draft"
	ReleaseStaged    ReleaseState = "staged"    // waits for signatures
	ReleasePublished ReleaseState = "published" // may be installed; offered once a rollout starts
)

// Change is one set of offline-signed metadata that waits for signatures: all roles of it
// are published together or not at all.
type Change struct {
	ID      string // 32 hex digits
	Release string // release it carries, "" for a change of keys or models
	State   ChangeState
	Request []byte // the request bundle (tufrepo.Request) as handed out
	Roles   []StagedRole
	At      time.Time
}

// ChangeState is how far a change is.
type ChangeState string

// The states of a change.
const (
	ChangeOpen      ChangeState = "open"
	ChangePublished ChangeState = "published"
	ChangeDropped   ChangeState = "dropped"
)

// StagedRole is the next version of one role's metadata with the signatures it has so far.
type StagedRole struct {
	Role     string
	Version  int64
	Upon     int64  // the version that was published when this was made; 0 before the first
	Metadata []byte // TUF metadata as JSON, possibly short of its threshold
}

// Metadata is one published metadata file, exactly as signed.
type Metadata struct {
	Role    string
	Version int64
	Bytes   []byte
	Expires time.Time
	At      time.Time // when it was published
}
