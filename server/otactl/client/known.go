// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"fmt"
	"time"
)

// KnownIssue is what people know of some installations, as the public pages say it.
type KnownIssue struct {
	ID      int64             `json:"id"`
	Models  []string          `json:"models"`  // none: every model
	Release string            `json:"release"` // "": any
	Subject string            `json:"subject"` // cause, progress or class
	Value   string            `json:"value"`
	Text    map[string]string `json:"text"` // by language; English is among them
	Link    string            `json:"link"`
	Since   string            `json:"since"` // a day of UTC
	Who     string            `json:"who"`   // is to act: owner, service, engineers or nobody
	By      string            `json:"by"`
	At      time.Time         `json:"at"`
	Reason  string            `json:"reason"`
	// Nil and "" while it holds.
	Ended       *time.Time `json:"ended,omitempty"`
	EndedBy     string     `json:"ended_by,omitempty"`
	EndedReason string     `json:"ended_reason,omitempty"`
}

// KnownList is all of them, by id, withdrawn ones too.
type KnownList struct {
	KnownIssues []KnownIssue `json:"known_issues"`
}

// KnownIssues are those of a server.
type KnownIssues struct{ t *transport }

// List gives all of them.
func (k KnownIssues) List(ctx context.Context) (all KnownList, err error) {
	return all, k.t.get(ctx, "/v1/known-issues", &all)
}

// Add takes one down, from YAML. reason may be empty.
func (k KnownIssues) Add(ctx context.Context, source []byte, reason string) (added KnownIssue, err error) {
	in := struct {
		Source string `json:"source"`
		Reason string `json:"reason"`
	}{string(source), reason}
	return added, k.t.post(ctx, "/v1/known-issues", in, &added)
}

// Withdraw ends one.
func (k KnownIssues) Withdraw(ctx context.Context, id int64, reason string) (ended KnownIssue, err error) {
	in := struct {
		Reason string `json:"reason"`
	}{reason}
	return ended, k.t.post(ctx, fmt.Sprintf("/v1/known-issues/%d/withdraw", id), in, &ended)
}
