// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"slices"
	"time"

	"landed/manifests/report"
)

const (
	maxQueued = 64 // unsent reports
	// how long what the server took for now waits until it is sent again, or up to half as long again, and how often
	provisionalWait = 24 * time.Hour
	maxProvisional  = 14
	maxRefusals     = 14 // in about five days, in which the server may come to know what a report names
)

// queue is what the state file holds of the reports that were made.
type queue struct {
	Seq         int64          `json:"seq"` // of the last report made
	Outbox      []queuedReport `json:"outbox,omitempty"`
	OutboxWake  time.Time      `json:"outbox_wake,omitempty"`
	OutboxTries int            `json:"outbox_tries,omitempty"`
	OutboxAgain time.Time      `json:"outbox_again,omitzero"` // when what was taken for now is sent again
}

// queuedReport is a sealed report that the server has not confirmed yet.
type queuedReport struct {
	ID       string      `json:"id"`
	Kind     report.Kind `json:"kind"`
	Envelope []byte      `json:"envelope"`
	// days that the server has had it for now, 0 if it has not had it
	Provisional int `json:"provisional,omitempty"`
	Refused     int `json:"refused,omitempty"` // how often the server did not know what it speaks of
}

// The codes of docs/protocol/report.md that end a report's waiting, besides its receipt. final ones are about its
// bytes, which stay as they are: one that an older program sealed never becomes of a newer version, and those of this
// program wait behind it. unknown ones are about what the server knows, and a server that was restored, or whose
// catalogue comes after its handsets, learns it again. report_version is among neither: a server that does not read
// this version yet will, and the report waits for it, however long that takes.
var (
	final = []string{"envelope_malformed", "report_malformed", "report_forged", "report_too_large", "too_large",
		"id_reused", "model_changed", "too_many_reports", "report_version_old"}
	unknown = []string{"model_unknown", "variant_unknown", "channel_unknown", "build_unknown", "release_unknown",
		"release_not_for_model"}
)

// fitting drops a report from an outbox that has grown too long: the oldest step of an update, which the later ones
// imply, or the oldest but one. The first report is often the only one of the time before the patch, the last one
// says most.
func fitting(outbox []queuedReport) []queuedReport {
	if len(outbox) <= maxQueued {
		return outbox
	}
	last := len(outbox) - 1
	i := slices.IndexFunc(outbox[:last], func(l queuedReport) bool { return l.Kind == report.KindProgress })
	if i < 0 {
		i = 1
	}
	return slices.Delete(outbox, i, i+1)
}
