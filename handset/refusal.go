// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"fmt"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"landed/manifests/report"
)

// Class names what was wrong, as an attack would be named (Uptane's client names them alike).
type Class string

// The classes.
const (
	ClassNetwork   Class = "network"        // nothing can be said about the server's honesty
	ClassSignature Class = "signature"      // not signed by a threshold of the keys that count
	ClassRollback  Class = "rollback"       // older than what was trusted before
	ClassFreeze    Class = "freeze"         // expired, or valid for longer than it may be
	ClassMix       Class = "mix"            // files that do not belong together
	ClassEndless   Class = "endless"        // more bytes than stated
	ClassSlow      Class = "slow"           // below the minimum rate
	ClassHash      Class = "hash"           // the bytes are not those that were signed for
	ClassDisagree  Class = "disagreement"   // online and offline roles say different things
	ClassHardware  Class = "wrong-hardware" // for another model
	ClassPackage   Class = "package"        // otapkg refuses it
	ClassInstall   Class = "install"        // it could not be written, or did not come up
	ClassHandset   Class = "handset"        // this handset's own fault: disk, state
)

// Refusal is why an update stopped: where, what a report says of it, and the cause in words.
type Refusal struct {
	Class Class
	Phase report.Phase
	Code  int // of update_engine or the recovery (AOSP update_engine/common/error_code.h, bootable/recovery/error_code.h)
	Err   error
}

// Error gives class, phase and cause. The cause may repeat what a feed said; it is bounded, and commands no terminal.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: refused (%s, code %d): %s", r.Phase, r.Class, r.Code, Printable(fmt.Sprint(r.Err)))
}

// Unwrap gives the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// blames says if the package, or what it did here, was at fault, so that trying it again and again helps nobody. A
// disk that could not be read or written, or bytes that changed on it, are not the package's fault; nor is a bad
// download.
func (r *Refusal) blames() bool {
	switch {
	case r.Class == ClassHandset:
		return false
	case r.Phase == report.PhaseInstall, r.Phase == report.PhaseBoot:
		return true
	}
	return r.Phase == report.PhaseVerify && r.Class != ClassHash
}

func refuse(class Class, phase report.Phase, code int, format string, args ...any) error {
	return &Refusal{class, phase, code, fmt.Errorf(format, args...)}
}

// Codes of update_engine that the client itself reports; those of installing come from slots.
const (
	codeError         = 1
	codeTransfer      = 9
	codePayloadHash   = 10
	codePayloadSize   = 11
	codeWrite         = 14
	codePayloadKey    = 18
	codeMetadata      = 26 // signature of metadata
	codeTimestamp     = 51 // older than what is there
	codeExcluded      = 62 // package excluded: the roles do not agree on it
	codeHTTP          = 2000
	codeRecoverySig   = 21 // of the recovery: package signature not accepted
	codeRecoveryWrong = 3004
)

// metadataRefusal gives an error of go-tuf its class.
func metadataRefusal(err error, network error) error {
	class, code := ClassSignature, codeMetadata
	switch {
	case errors.Is(err, errSlow):
		class, code = ClassSlow, codeTransfer
	case errors.Is(err, errTooLong):
		class, code = ClassEndless, codePayloadSize
	case network != nil:
		class, code = ClassNetwork, codeTransfer
		if status, ok := errors.AsType[*metadata.ErrDownloadHTTP](network); ok {
			code = codeHTTP + status.StatusCode
		}
	case isA[*metadata.ErrExpiredMetadata](err), errors.Is(err, errLasting):
		class, code = ClassFreeze, codeError
	case isA[*metadata.ErrBadVersionNumber](err), strings.Contains(err.Error(), "is missing info for"):
		class, code = ClassRollback, codeTimestamp
	case isA[*metadata.ErrLengthOrHashMismatch](err):
		class = ClassMix
	case isA[*metadata.ErrDownloadHTTP](err): // 404: listed, but not there
		class, code = ClassMix, codeHTTP+404
	}
	return &Refusal{class, report.PhaseMetadata, code, err}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
