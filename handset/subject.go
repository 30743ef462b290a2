// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"time"

	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

// subject is what the state file holds of the release that reports speak of, and of what they said last.
type subject struct {
	Previous string `json:"previous"`          // fingerprint before the last update
	Release  string `json:"release,omitempty"` // "" before the handset has met one
	Running  string `json:"running,omitempty"` // fingerprint of that release, once met or installed
	// fingerprint that ran last among those that signed releases named
	Named  string `json:"named,omitempty"`
	Effect string `json:"effect_name,omitempty"` // of that release
	// the release whose rollout brought a build here last: reports show what was drawn with for it
	Drawn string `json:"drawn,omitempty"`

	Progress report.Progress `json:"progress,omitempty"`
	Failure  *report.Failure `json:"failure,omitempty"`
	Baseline time.Time       `json:"baseline,omitempty"` // when the last report was made while waiting
	Answer   probe.Answers   `json:"answers,omitempty"`  // what the last report said, as far as it matters
	Shown    int             `json:"shown"`              // hours of the last milestone reported for Running
}

// named says if a release that the handset has met, this one or an earlier one, named the build in words signed
// offline. A build that no release named is nobody's business.
func (s *subject) named(fingerprint string) bool {
	return fingerprint != "" && (fingerprint == s.Running || fingerprint == s.Named)
}
