// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net/url"
	"time"
)

// Muster is how the installations of a model and channel stand with its counted fleet.
type Muster struct {
	Model         string `json:"model"`
	Channel       string `json:"channel"`
	Installations int64  `json:"installations"` // all that are not quarantined
	Counted       int64  `json:"counted"`
	Quiet         int64  `json:"quiet"` // admitted, and silent for more than 28 days
	Candidates    int64  `json:"candidates"`
	Quarantined   int64  `json:"quarantined"`
	Judged        int64  `json:"judged"` // of Installations, by their current states
	Proven        int64  `json:"proven"`
	JudgedWith    int64  `json:"judged_with"` // what these would be with the quarantined ones
	ProvenWith    int64  `json:"proven_with"`
}

// Admitted says what an admission to a counted fleet did.
type Admitted struct {
	Model      string `json:"model"`
	Channel    string `json:"channel"`
	Counted    int64  `json:"counted"` // before
	Candidates int64  `json:"candidates"`
	Admitted   int64  `json:"admitted"`
	Applied    bool   `json:"applied"` // to every installation; else the server goes on with it
	Words      string `json:"words"`
}

// Quarantine is installations that are out of the figures by when they were first heard of.
type Quarantine struct {
	ID            string     `json:"id"`
	From          time.Time  `json:"from"`
	To            time.Time  `json:"to"`
	Model         string     `json:"model,omitempty"`
	At            time.Time  `json:"at"`
	By            string     `json:"by"`
	Reason        string     `json:"reason"`
	Installations int64      `json:"installations"` // as it stood then
	Bad           int64      `json:"bad"`
	NeedsSecond   bool       `json:"needs_second"`
	Applied       bool       `json:"applied"`
	Lifted        *time.Time `json:"lifted,omitempty"`
	LiftedBy      string     `json:"lifted_by,omitempty"`
	LiftedReason  string     `json:"lifted_reason,omitempty"`
}

// Asked is what became of an ask of the handsets of a model on a channel.
type Asked struct {
	Model   string     `json:"model"`   // empty: no model of the server
	Channel string     `json:"channel"` // empty: no channel of it
	State   string     `json:"state"`   // "asked", "asked_already", "no_offers"
	Epoch   int        `json:"epoch"`   // by which they are asked, 0 if they cannot be
	At      *time.Time `json:"at,omitempty"`
	By      string     `json:"by"`
	Reason  string     `json:"reason"`
	Words   string     `json:"words"`
}

// Fleet is who counts, and who is asked again.
type Fleet struct{ t *transport }

// Show gives every model and channel that was heard of.
func (f Fleet) Show(ctx context.Context) ([]Muster, error) {
	var a struct {
		Fleets []Muster `json:"fleets"`
	}
	err := f.t.get(ctx, "/v1/fleet", &a)
	return a.Fleets, err
}

// Admit vouches for a counted fleet of up to so many installations; channel "" is stable.
func (f Fleet) Admit(ctx context.Context, model, channel string, upTo int64, reason string) (done Admitted, err error) {
	in := struct {
		Model   string `json:"model"`
		Channel string `json:"channel"`
		UpTo    int64  `json:"up_to"`
		Reason  string `json:"reason"`
	}{model, channel, upTo, reason}
	return done, f.t.post(ctx, "/v1/fleet/admit", in, &done)
}

// Quarantines lists them, lifted ones too.
func (f Fleet) Quarantines(ctx context.Context) ([]Quarantine, error) {
	var a struct {
		Quarantines []Quarantine `json:"quarantines"`
	}
	err := f.t.get(ctx, "/v1/quarantines", &a)
	return a.Quarantines, err
}

// Quarantine takes installations that were first heard of in [from, to) out of the figures; model "" is all.
func (f Fleet) Quarantine(ctx context.Context, from, to time.Time, model, reason string) (done Quarantine, err error) {
	in := struct {
		From   time.Time `json:"from"`
		To     time.Time `json:"to"`
		Model  string    `json:"model"`
		Reason string    `json:"reason"`
	}{from, to, model, reason}
	return done, f.t.post(ctx, "/v1/quarantines", in, &done)
}

// Lift takes a quarantine back.
func (f Fleet) Lift(ctx context.Context, id, reason string) (done Quarantine, err error) {
	in := struct {
		Reason string `json:"reason"`
	}{reason}
	return done, f.t.post(ctx, "/v1/quarantines/"+url.PathEscape(id)+"/lift", in, &done)
}

// Ask asks handsets to say once more what they said last: of a model and channel, or of all where they are "". again asks
// those too that were asked less than a day ago.
func (f Fleet) Ask(ctx context.Context, model, channel, reason string, again bool) ([]Asked, error) {
	in := struct {
		Model   string `json:"model"`
		Channel string `json:"channel"`
		Reason  string `json:"reason"`
		Again   bool   `json:"again"`
	}{model, channel, reason, again}
	var a struct {
		Asked []Asked `json:"asked"`
	}
	err := f.t.post(ctx, "/v1/fleet/ask", in, &a)
	return a.Asked, err
}
