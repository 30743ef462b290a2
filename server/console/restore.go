// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"net/http"
	"time"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/render"
	"landed/server/rollouts"
	"landed/server/rooms"
)

// restoreAPI tells if a restored database waits for somebody to say what was lost, and takes a person's word.
type restoreAPI struct {
	recovery rooms.Recovery
	rollouts *rollouts.Rollouts
}

func (a restoreAPI) doors() []Door {
	return []Door{
		{"GET", "/restore", support, a.show},
		{"POST", "/restore", engineer, a.name},
	}
}

type restoreWire struct {
	Unnamed bool       `json:"unnamed"` // nothing but halts is published until somebody says what was lost
	At      *time.Time `json:"at,omitempty"`
	By      string     `json:"by,omitempty"`
	Words   string     `json:"words,omitempty"` // of the newest line of the trail about a restore; missing: there was none
}

func restoreToWire(line fleet.AuditEntry, unnamed bool) restoreWire {
	w := restoreWire{Unnamed: unnamed, By: line.Actor, Words: line.Reason}
	if !line.At.IsZero() {
		at := line.At.UTC()
		w.At = &at
	}
	return w
}

func (a restoreAPI) show(w http.ResponseWriter, r *http.Request) error {
	line, unnamed, err := a.recovery.Newest(r.Context())
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, restoreToWire(line, unnamed))
}

// name puts on the trail what was lost, and publishes what waited for it. What cannot be published is tried again.
func (a restoreAPI) name(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Until  time.Time `json:"until"`
		Reason string    `json:"reason"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	line, err := a.recovery.Name(r.Context(), rooms.Lost{By: auth.Actor(r.Context()), Reason: in.Reason, Until: in.Until})
	if err != nil {
		return err
	}
	_ = a.rollouts.PublishOffers(context.WithoutCancel(r.Context()))
	return render.JSON(w, http.StatusOK, restoreToWire(line, false))
}
