// SPDX-License-Identifier: Apache-2.0

package handset

import "landed/manifests/report"

// maxInstalls is how often one package may be refused, fail to install or to come up before the handset gives up on it.
const maxInstalls = 3

// attempts counts what was tried, as the state file holds it: for each package, since one that fails again and again
// is given up, and for each release, since reports say which attempt they are about.
type attempts struct {
	Tried    string `json:"tried,omitempty"`   // SHA-256 of the package that Installs counts for
	Installs int    `json:"installs"`          // how often it failed
	GaveUp   string `json:"gave_up,omitempty"` // package that failed too often
	Asked    int    `json:"asked,omitempty"`   // how often people had asked to try again when it was begun
	Attempt  int    `json:"attempt,omitempty"` // how often an installation of the release was begun
	Counted  int    `json:"counted,omitempty"` // Installs, when that was counted last
}

// begin notes that the installation of a package begins: for the first time, again after one that failed, or, not
// anew, where a passing fault had stopped it. asked is how often people have asked to try again.
func (a *attempts) begin(sha256 string, asked int) (anew bool) {
	anew = a.Tried != sha256 || a.Installs > a.Counted
	if a.Tried != sha256 {
		a.Tried, a.Installs = sha256, 0
	}
	if anew {
		a.Attempt = min(a.Attempt+1, report.MaxAttempt)
	}
	a.Counted, a.GaveUp, a.Asked = a.Installs, "", asked
	return anew
}

// given says if a package was given up. People ask to try it again by a number that is larger than the one that was
// known when it was begun.
func (a *attempts) given(sha256 string, asked int) bool {
	if a.GaveUp != sha256 || sha256 == "" {
		return false
	}
	if asked > a.Asked {
		a.Tried, a.Installs, a.GaveUp, a.Asked = "", 0, "", 0
		return false
	}
	return true
}

// failed counts a failure against the package that was tried, downloaded anew or not, and says if it is given up.
func (a *attempts) failed() (gaveUp bool) {
	a.Installs++
	if a.Installs < maxInstalls || a.Tried == "" {
		return false
	}
	a.GaveUp = a.Tried
	return true
}

// succeeded forgets the package that runs now.
func (a *attempts) succeeded() { a.Tried, a.Installs = "", 0 }

// another release has been met, of which nothing was begun.
func (a *attempts) another() { a.Attempt = 0 }
