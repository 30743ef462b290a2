// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"net/http"
	"time"

	"landed/server/auth"
	"landed/server/render"
	"landed/server/rollouts"
)

// askedWire is what became of an ask of the handsets of a model on a channel.
type askedWire struct {
	Model   string            `json:"model"`   // empty: no model of the server
	Channel string            `json:"channel"` // empty: no channel of it
	State   rollouts.AskState `json:"state"`
	Epoch   int               `json:"epoch"` // by which they are asked, 0 if they cannot be
	At      *time.Time        `json:"at,omitempty"`
	By      string            `json:"by"`
	Reason  string            `json:"reason"`
	Words   string            `json:"words"`
}

// ask raises the evidence epoch.
func (a fleetAPI) ask(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Model   string `json:"model"`   // empty: all
		Channel string `json:"channel"` // empty: all
		Reason  string `json:"reason"`
		Again   bool   `json:"again"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	wish := rollouts.Ask{Model: in.Model, Channel: in.Channel, By: auth.Actor(r.Context()), Reason: in.Reason, Again: in.Again}
	all, err := rollouts.Asker{Rollouts: a.rollouts}.Ask(r.Context(), wish)
	if err != nil {
		return err
	}
	wires := []askedWire{}
	for _, one := range all {
		wires = append(wires, askedWire{one.Model, one.Channel, one.State, one.N, when(one.At), one.By, one.Reason,
			askWords(one)})
	}
	return render.JSON(w, http.StatusOK, map[string]any{"asked": wires})
}

// askWords says what became of an ask, and what comes of it.
func askWords(a rollouts.AskedOf) string {
	switch a.State {
	case rollouts.Asked:
		return "handsets say once more what they said last, each within a day of its next look at the feed"
	case rollouts.AskedAlready:
		return fmt.Sprintf("they were asked on %s by %s, and answer once a day; what was lost since then comes back if they are "+
			"asked again (--again)", a.At.UTC().Format("2006-01-02 15:04 UTC"), a.By)
	}
	return "nothing was ever offered there, so there is no document in which handsets could read it; start a rollout first"
}
