// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"landed/handset/slots"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

// Status is what support staff may ask a handset for.
type Status struct {
	Reference string          `json:"reference"`
	State     State           `json:"state"`
	Build     slots.Build     `json:"build"`
	Release   string          `json:"release,omitempty"`
	Progress  report.Progress `json:"progress,omitempty"`
	Failure   *report.Failure `json:"failure,omitempty"`
	Reason    string          `json:"reason,omitempty"`  // why an update is, or is not, offered
	Seq       int64           `json:"seq"`               // of the last report made
	Unsent    int             `json:"unsent"`            // reports that the server has not confirmed
	Effect    string          `json:"effect,omitempty"`  // of the release
	Answers   probe.Answers   `json:"answers,omitempty"` // to what the release asks
}

// Status describes the handset as it is now.
func (c *Client) Status() (Status, error) {
	img, err := c.slots.Image()
	if err != nil {
		return Status{}, err
	}
	of := c.reports.subject()
	seq, unsent := c.outbox.counts()
	return Status{
		Reference: c.Reference().String(), State: c.State(), Build: img.Build, Release: of.Release,
		Progress: of.Progress, Failure: of.Failure, Reason: c.mem.Reason, Seq: seq,
		Unsent: unsent, Effect: of.Effect, Answers: c.asked.answers(),
	}, nil
}
