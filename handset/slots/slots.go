// SPDX-License-Identifier: Apache-2.0

// Package slots holds the systems of one handset and switches between them.
//
// Parties: the update client hands over a package that it has verified; slots writes it
// beside the system that runs, boots it, and goes back if it does not come up. What runs is
// read from the files of the active slot and from nothing else.
//
// Two styles, one logic. In the A/B style Install writes the other slot while the system
// runs, as update_engine does. In the recovery style Install only leaves the package for the
// recovery, and Boot applies it, as the recoveries of 2014 did: their one gate is the
// updater-script, so the stand-in recovery honours its device assert and its timestamp guard.
// Unlike theirs it keeps the old system until the new one has come up.
//
// It promises that there is a system to boot at every moment: a slot is written completely and
// flushed to the disk before it is switched to, the switch is one rename, and a system that does
// not come up in three attempts, or is damaged, is left for the one that did. A damaged record of the
// slots is made anew from the systems that lie in them. It refuses packages
// for another device, packages older than what runs, and packages without a system.
//
// Signatures are not checked here: the caller has done so, and recovery and update_engine would.
package slots

import (
	"errors"
	"fmt"
	"io/fs"
)

// Style says how a model installs packages.
type Style string

// The styles.
const (
	AB       Style = "ab"
	Recovery Style = "recovery"
)

// BootAttempts is how often a new system may try to come up before the old one is taken again.
const BootAttempts = 3

// Build is what build.prop of a system says.
type Build struct {
	Model       string `json:"model"`       // ro.product.device
	Variant     string `json:"variant"`     // ro.product.mod_device, or Model where that is missing
	Fingerprint string `json:"fingerprint"` // ro.build.fingerprint
	Incremental string `json:"incremental"` // ro.build.version.incremental
	UTC         int64  `json:"utc"`         // ro.build.date.utc, seconds
}

// Image is the system in one slot. System is its /system folder; it must not be written to.
type Image struct {
	Build   Build
	Package string // hex SHA-256 of the package it was installed from; "" as sold
	System  fs.FS
}

// Error is a failed step with the code that update_engine or the recovery of a real handset
// reports for it (AOSP update_engine/common/error_code.h, recovery/error_code.h).
type Error struct {
	Code int
	Msg  string
	Err  error
}

// Error gives the words and the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Msg, e.Err)
	}
	return e.Msg
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Codes of update_engine (below 100) and of the recovery.
const (
	CodeInstallDevice  = 7    // a partition could not be written
	CodePayloadMagic   = 21   // no payload where one should be
	CodeRewritten      = 47   // re-reading the written partition gave other data
	CodeABOlder        = 51   // package older than the installed system
	CodeBootedOldSlot  = 19   // the new slot did not come up
	CodeScript         = 25   // the update script failed
	CodeRecoveryFailed = 28   // the update program failed
	CodeOlder          = 3003 // package older than system
	CodeWrongDevice    = 3004 // package for another device
)

// CodeOf is the code of the first Error in err, or 1, update_engine's "unspecified".
func CodeOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return 1
}

func fail(code int, err error, format string, args ...any) error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...), Err: err}
}
