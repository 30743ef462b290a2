// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/render"
	"landed/server/retain"
)

// retentionAPI rules for how long the bodies of reports about a release are kept.
type retentionAPI struct{ retain *retain.Room }

func (a retentionAPI) doors() []Door {
	return []Door{
		{"GET", "/retentions", support, a.list},
		{"POST", "/releases/{name}/retain", engineer, a.set},
	}
}

type retentionWire struct {
	Release string    `json:"release"`
	Days    int64     `json:"days"` // for which reports are kept; 0: for ever
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
}

func retentionToWire(r fleet.Retention) retentionWire {
	return retentionWire{r.Release, int64(r.Keep / (24 * time.Hour)), r.At, r.By, r.Reason}
}

// cutWire is what was closed before bodies were dropped.
type cutWire struct {
	Number  int64      `json:"number"`
	Release string     `json:"release"`
	Row     int64      `json:"row"`    // up to which reports are settled
	Before  time.Time  `json:"before"` // reports that came later stay
	States  int64      `json:"states"` // installations of which something is dropped
	At      *time.Time `json:"at,omitempty"`
	Closed  *time.Time `json:"closed,omitempty"` // since then bodies go
	Done    *time.Time `json:"done,omitempty"`   // all that it closed are gone
}

func (a retentionAPI) list(w http.ResponseWriter, r *http.Request) error {
	rules, cuts, err := a.retain.List(r.Context())
	if err != nil {
		return err
	}
	all, made := []retentionWire{}, []cutWire{}
	for _, one := range rules {
		all = append(all, retentionToWire(one))
	}
	for _, c := range cuts {
		made = append(made, cutWire{c.Number, c.Release, c.UpTo, c.Before, c.States, when(c.At), when(c.Closed), when(c.Done)})
	}
	return render.JSON(w, http.StatusOK, map[string]any{"retentions": all, "cuts": made})
}

func (a retentionAPI) set(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Days   int64  `json:"days"` // 0: for ever
		Reason string `json:"reason"`
		Sure   bool   `json:"sure"` // what is dropped does not come back
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	if in.Days < 0 || in.Days > 100_000 {
		return fleet.Errorf(
			fleet.Invalid,
			"retention_short",
			"reports are to be kept for %d days; wanted at least 90, or 0 for ever",
			in.Days,
		)
	}
	rule, err := a.retain.Set(r.Context(), retain.Wish{Release: r.PathValue("name"), Keep: time.Duration(in.Days) * 24 * time.Hour,
		By: auth.Actor(r.Context()), Reason: in.Reason, Sure: in.Sure})
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, retentionToWire(rule))
}
