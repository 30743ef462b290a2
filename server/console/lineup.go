// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"

	"landed/manifests"
	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/lineup"
	"landed/server/render"
)

type modelWire struct {
	manifests.Model
	By      string     `json:"by"`
	At      time.Time  `json:"at"`
	Retired *time.Time `json:"retired,omitempty"`
	Became  string     `json:"became,omitempty"` // only in the answer to an addition
}

func modelToWire(e lineup.Entry) modelWire {
	return modelWire{e.Described, e.By, e.At, when(e.Retired), e.Became}
}

// when is nothing for no time.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func answerModels(w http.ResponseWriter, status int, entries []lineup.Entry) error {
	all := []modelWire{}
	for _, e := range entries {
		all = append(all, modelToWire(e))
	}
	return render.JSON(w, status, map[string]any{"models": all})
}

func (c *Console) listModels(w http.ResponseWriter, r *http.Request) error {
	entries, err := c.Rooms.Lineup.List(r.Context())
	if err != nil {
		return err
	}
	return answerModels(w, http.StatusOK, entries)
}

// addModels takes the YAML of a model catalogue.
func (c *Console) addModels(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Source string `json:"source"` // YAML, as manifests.ParseCatalogue reads it
		Reason string `json:"reason"` // may be empty
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	entries, err := c.Rooms.Lineup.Add(r.Context(), []byte(in.Source), auth.Actor(r.Context()), in.Reason)
	if err != nil {
		return err
	}
	return answerModels(w, http.StatusOK, entries)
}

func (c *Console) showModel(w http.ResponseWriter, r *http.Request) error {
	entry, err := c.Rooms.Lineup.Show(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, modelToWire(entry))
}

// retireModel takes a model out of service; ?reason= goes into the audit trail.
func (c *Console) retireModel(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason")
	if err != nil {
		return err
	}
	if err := c.Rooms.Lineup.Retire(r.Context(), r.PathValue("name"), auth.Actor(r.Context()), q.Get("reason")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
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

func (c *Console) listChannels(w http.ResponseWriter, r *http.Request) error {
	channels, err := c.Rooms.Lineup.ListChannels(r.Context())
	if err != nil {
		return err
	}
	all := []channelWire{}
	for _, one := range channels {
		all = append(all, channelToWire(one))
	}
	return render.JSON(w, http.StatusOK, map[string]any{"channels": all})
}

func (c *Console) addChannel(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Name   string `json:"name"`
		Reason string `json:"reason"` // may be empty
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	channel, err := c.Rooms.Lineup.AddChannel(r.Context(), in.Name, auth.Actor(r.Context()), in.Reason)
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, channelToWire(channel))
}
