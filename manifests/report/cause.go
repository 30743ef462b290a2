// SPDX-License-Identifier: Apache-2.0

package report

// Cause is what a failure is to be blamed on. Each failure has one.
type Cause string

// The causes. Only those that are [Cause.Blamed] speak against an update.
const (
	CauseNetwork Cause = "network" // between handset and server: a connection that broke, a portal that wants a log-in
	CauseServer  Cause = "server"  // the server, or its feed, refused, or gave other bytes than were signed for
	CauseStorage Cause = "storage" // of the handset: full, faulty, or held by something else
	CausePackage Cause = "package" // it could not be accepted or written
	CauseBuild   Cause = "build"   // it was written, and did not come up
)

// Causes lists every cause, in the order in which an update meets them.
var Causes = []Cause{CauseNetwork, CauseServer, CauseStorage, CausePackage, CauseBuild}

// Blamed says if a failure of this cause counts against the update: what the network, the server or the handset's own
// storage did, says nothing of it.
func (c Cause) Blamed() bool { return c == CausePackage || c == CauseBuild }

// Codes whose cause is the same in every phase, but for the exceptions in CauseOf: those of update_engine (AOSP
// update_engine/common/error_code.h) as reports use them.
var causeOfCode = map[int]Cause{
	9:  CauseNetwork, // kDownloadTransferError
	57: CauseNetwork, // kInternalLibCurlError
	58: CauseNetwork, // kUnresolvedHostError
	59: CauseNetwork, // kUnresolvedHostRecovered
	14: CauseStorage, // kDownloadWriteError
	47: CauseStorage, // kFilesystemVerifierError: what was written reads back as something else
	48: CauseStorage, // kUserCanceled
	60: CauseStorage, // kNotEnoughSpace
	61: CauseStorage, // kDeviceCorrupted
	64: CauseStorage, // kOverlayfsenabledError
	65: CauseStorage, // kUpdateProcessing
	66: CauseStorage, // kUpdateAlreadyInstalled
}

// HTTP statuses that somebody between handset and server gives: 407, 408, 511 (RFC 9110, RFC 6585).
var onTheWay = map[int]bool{407: true, 408: true, 511: true}

// CauseOf says what a failure is to be blamed on. It is total: what no rule knows is blamed on whatever the phase
// handles, so that a code nobody has met yet never excuses a bad build. docs/protocol/report.md has the table.
func CauseOf(f Failure) Cause {
	if status := f.Code - 2000; status >= 100 && status < 600 {
		if onTheWay[status] {
			return CauseNetwork
		}
		return CauseServer
	}
	if cause, ok := causeOfCode[f.Code]; ok {
		return cause
	}
	switch f.Phase {
	case PhaseMetadata:
		return CauseServer
	case PhaseDownload:
		if f.Code == 1 { // unspecified: it forgot what it was doing
			return CauseStorage
		}
		return CauseServer // bytes, or a length, that are not those that were signed for
	case PhaseVerify:
		if f.Code == 10 { // its hash was right when it came
			return CauseStorage
		}
		return CausePackage
	case PhaseBoot:
		return CauseBuild
	}
	return CausePackage
}
