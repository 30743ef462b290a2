// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"

	"landed/manifests"
	"landed/server/auth"
	"landed/server/lineup"
	"landed/server/render"
)

// modelAPI brings models in, and takes them out of service.
type modelAPI struct{ lineup *lineup.Lineup }

func (a modelAPI) doors() []Door {
	return []Door{
		{"GET", "/models", support, a.list},
		{"POST", "/models", engineer, a.add},
		{"GET", "/models/{name}", support, a.show},
		{"DELETE", "/models/{name}", engineer, a.retire},
	}
}

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

func (a modelAPI) list(w http.ResponseWriter, r *http.Request) error {
	entries, err := a.lineup.List(r.Context())
	if err != nil {
		return err
	}
	return answerModels(w, http.StatusOK, entries)
}

// add takes the YAML of a model catalogue.
func (a modelAPI) add(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Source string `json:"source"` // YAML, as manifests.ParseCatalogue reads it
		Reason string `json:"reason"` // may be empty
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	entries, err := a.lineup.Add(r.Context(), []byte(in.Source), auth.Actor(r.Context()), in.Reason)
	if err != nil {
		return err
	}
	return answerModels(w, http.StatusOK, entries)
}

func (a modelAPI) show(w http.ResponseWriter, r *http.Request) error {
	entry, err := a.lineup.Show(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, modelToWire(entry))
}

// retire takes a model out of service; ?reason= goes into the audit trail.
func (a modelAPI) retire(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "reason")
	if err != nil {
		return err
	}
	if err := a.lineup.Retire(r.Context(), r.PathValue("name"), auth.Actor(r.Context()), q.Get("reason")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
