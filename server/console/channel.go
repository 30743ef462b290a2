// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/lineup"
	"landed/server/render"
)

// channelAPI adds to the channels on which releases are offered.
type channelAPI struct{ lineup *lineup.Lineup }

func (a channelAPI) doors() []Door {
	return []Door{
		{"GET", "/channels", support, a.list},
		{"POST", "/channels", engineer, a.add},
		{"DELETE", "/channels/{name}", engineer, a.retire},
	}
}

type channelWire struct {
	Name    string     `json:"name"`
	By      string     `json:"by"`
	At      time.Time  `json:"at"`
	Retired *time.Time `json:"retired,omitempty"`
}

func channelToWire(c fleet.Channel) channelWire {
	return channelWire{c.Name, c.By, c.At, when(c.Retired)}
}

func (a channelAPI) list(w http.ResponseWriter, r *http.Request) error {
	channels, err := a.lineup.ListChannels(r.Context())
	if err != nil {
		return err
	}
	all := []channelWire{}
	for _, one := range channels {
		all = append(all, channelToWire(one))
	}
	return render.JSON(w, http.StatusOK, map[string]any{"channels": all})
}

func (a channelAPI) add(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Name   string `json:"name"`
		Reason string `json:"reason"` // may be empty
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	channel, err := a.lineup.AddChannel(r.Context(), in.Name, auth.Actor(r.Context()), in.Reason)
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, channelToWire(channel))
}

// retire takes a channel out of use; ?reason= goes into the audit trail.
func (a channelAPI) retire(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason")
	if err != nil {
		return err
	}
	if err := a.lineup.RetireChannel(r.Context(), r.PathValue("name"), auth.Actor(r.Context()), q.Get("reason")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
