// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net/url"
	"time"
)

// Retention is for how long the bodies of reports about a release are kept.
type Retention struct {
	Release string    `json:"release"`
	Days    int64     `json:"days"` // 0: for ever
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
}

// Cut is what was closed before bodies were dropped.
type Cut struct {
	Number  int64      `json:"number"`
	Release string     `json:"release"`
	Row     int64      `json:"row"`    // up to which reports are settled
	Before  time.Time  `json:"before"` // reports that came later stay
	States  int64      `json:"states"` // installations of which something is dropped
	At      *time.Time `json:"at,omitempty"`
	Closed  *time.Time `json:"closed,omitempty"` // since then bodies go
	Done    *time.Time `json:"done,omitempty"`   // all that it closed are gone
}

// Retentions are all rules, and what was cut by them.
type Retentions struct {
	Retentions []Retention `json:"retentions"`
	Cuts       []Cut       `json:"cuts"`
}

// Retentions gives all rules, and what was cut by them.
func (r Releases) Retentions(ctx context.Context) (all Retentions, err error) {
	return all, r.t.get(ctx, "/v1/retentions", &all)
}

// Retain rules that reports about a release are kept for so many days, 0 for ever. sure says that the caller knows that what
// is dropped does not come back.
func (r Releases) Retain(ctx context.Context, name string, days int64, reason string, sure bool) (made Retention, err error) {
	in := struct {
		Days   int64  `json:"days"`
		Reason string `json:"reason"`
		Sure   bool   `json:"sure"`
	}{days, reason, sure}
	return made, r.t.post(ctx, "/v1/releases/"+url.PathEscape(name)+"/retain", in, &made)
}
