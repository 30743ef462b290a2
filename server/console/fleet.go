// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"

	"landed/server/admission"
	"landed/server/auth"
	"landed/server/render"
	"landed/server/rollouts"
)

// fleetAPI says who counts, and asks handsets again.
type fleetAPI struct {
	admission *admission.Admission
	rollouts  *rollouts.Rollouts
}

func (a fleetAPI) doors() []Door {
	return []Door{
		{"GET", "/fleet", support, a.show},
		{"POST", "/fleet/admit", engineer, a.admit},
		{"POST", "/fleet/ask", engineer, a.ask},
		{"GET", "/quarantines", support, a.list},
		{"POST", "/quarantines", engineer, a.quarantine},
		{"POST", "/quarantines/{id}/lift", engineer, a.lift},
	}
}

// musterWire is how the installations of a model and channel stand with its counted fleet.
type musterWire struct {
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

type admittedWire struct {
	Model      string `json:"model"`
	Channel    string `json:"channel"`
	Counted    int64  `json:"counted"` // before
	Candidates int64  `json:"candidates"`
	Admitted   int64  `json:"admitted"`
	Applied    bool   `json:"applied"` // to every installation; else the server goes on with it
	Words      string `json:"words"`
}

type quarantineWire struct {
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

func quarantineToWire(q admission.Quarantined) quarantineWire {
	return quarantineWire{q.ID, q.From, q.To, q.Model, q.At, q.By, q.Reason, q.Installations, q.Bad, q.NeedsSecond, q.Applied,
		when(q.Lifted), q.LiftedBy, q.LiftedReason}
}

func (a fleetAPI) show(w http.ResponseWriter, r *http.Request) error {
	all, err := a.admission.Show(r.Context())
	if err != nil {
		return err
	}
	wires := []musterWire{}
	for _, m := range all {
		wires = append(wires, musterWire{m.Model, m.Channel, m.Installations, m.Counted, m.Quiet, m.Candidates, m.Quarantined,
			m.Judged, m.Proven, m.JudgedWith, m.ProvenWith})
	}
	return render.JSON(w, http.StatusOK, map[string]any{"fleets": wires})
}

func (a fleetAPI) admit(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Model   string `json:"model"`
		Channel string `json:"channel"` // empty: stable
		UpTo    int64  `json:"up_to"`
		Reason  string `json:"reason"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	done, err := a.admission.Admit(r.Context(), admission.Wish{Model: in.Model, Channel: in.Channel, UpTo: in.UpTo,
		By: auth.Actor(r.Context()), Reason: in.Reason})
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, admittedWire{done.Model, done.Channel, done.Counted, done.Candidates,
		done.Admission.Admitted, done.Applied, done.Words(in.UpTo)})
}

func (a fleetAPI) list(w http.ResponseWriter, r *http.Request) error {
	all, err := a.admission.Quarantines(r.Context())
	if err != nil {
		return err
	}
	wires := []quarantineWire{}
	for _, q := range all {
		wires = append(wires, quarantineToWire(admission.Quarantined{Quarantine: q, NeedsSecond: q.Bad > 0, Applied: true}))
	}
	return render.JSON(w, http.StatusOK, map[string]any{"quarantines": wires})
}

func (a fleetAPI) quarantine(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		From   time.Time `json:"from"`
		To     time.Time `json:"to"`
		Model  string    `json:"model"` // empty: all
		Reason string    `json:"reason"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	done, err := a.admission.Quarantine(r.Context(), admission.Flood{From: in.From, To: in.To, Model: in.Model,
		By: auth.Actor(r.Context()), Reason: in.Reason})
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusCreated, quarantineToWire(done))
}

func (a fleetAPI) lift(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	done, err := a.admission.Lift(r.Context(), r.PathValue("id"), auth.Actor(r.Context()), in.Reason)
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, quarantineToWire(done))
}
