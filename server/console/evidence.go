// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"time"

	signed "landed/manifests/evidence"
	"landed/server/auth"
	"landed/server/evidence"
	"landed/server/fleet"
	"landed/server/render"
)

// evidenceAPI takes in what observers and witnesses signed, and lists it.
type evidenceAPI struct {
	room  *evidence.Room
	store fleet.Viewer
	now   func() time.Time
}

func (a evidenceAPI) doors() []Door {
	return []Door{
		{"POST", "/evidence", engineer, a.add},
		{"GET", "/evidence", support, a.list},
		{"GET", "/witnesses", support, a.witnesses},
	}
}

type statementWire struct {
	ID         string              `json:"id"`
	Kind       fleet.StatementKind `json:"kind"`
	Model      string              `json:"model"`
	Signer     string              `json:"signer"`           // key id
	Holder     string              `json:"holder,omitempty"` // name of who signed it, if it is known
	Counts     bool                `json:"counts"`           // the feed names the signer for it, and nobody took it back
	Withdrawn  string              `json:"withdrawn,omitempty"`
	By         string              `json:"by"` // who handed it in
	At         time.Time           `json:"at"`
	New        bool                `json:"new,omitempty"` // in the answer to who hands it in
	Observed   *observationWire    `json:"observation,omitempty"`
	Vouches    *voucherWire        `json:"voucher,omitempty"`
	Withdraws  string              `json:"withdraws,omitempty"` // ID of the statement that is taken back
	WithReason string              `json:"reason,omitempty"`    // of a withdrawal
}

type observationWire struct {
	Kind    signed.Kind    `json:"kind"`
	Verdict signed.Verdict `json:"verdict"`
	Release string         `json:"release"`
	Build   string         `json:"build"`
	Package string         `json:"package"`
	Capture string         `json:"capture"`
	At      time.Time      `json:"at"` // of the test
	Steps   []string       `json:"steps"`
	Seen    []string       `json:"seen"`
}

type voucherWire struct {
	Installation string    `json:"installation"`
	From         time.Time `json:"from"`
	Until        time.Time `json:"until"`
	Holds        bool      `json:"holds"` // now
}

func (a evidenceAPI) toWire(l evidence.Listed) statementWire {
	w := statementWire{ID: l.ID, Kind: l.Kind, Model: l.Model, Signer: l.Signer, Holder: l.Holder, Counts: l.Counts, By: l.By, At: l.At}
	if l.Withdrawn != nil {
		w.Withdrawn = l.Withdrawn.Reason
	}
	switch said := l.Said; {
	case said.Observation != nil:
		o := *said.Observation
		w.Observed = &observationWire{o.Kind, o.Verdict, o.Release, o.Build, o.Package, o.Capture, o.At, o.Steps, o.Seen}
	case said.Voucher != nil:
		v := *said.Voucher
		w.Vouches = &voucherWire{v.Installation.String(), v.From, v.Until, l.Counts && v.Covers(a.now())}
	case said.Withdrawal != nil:
		w.Withdraws, w.WithReason = said.Withdrawal.Statement, said.Withdrawal.Reason
	}
	return w
}

// add takes a statement, as it was signed.
func (a evidenceAPI) add(w http.ResponseWriter, r *http.Request) error {
	text, err := body(w, r)
	if err != nil {
		return err
	}
	stored, added, err := a.room.Add(r.Context(), text, auth.Actor(r.Context()))
	if err != nil {
		return err
	}
	var found statementWire
	err = a.each(r, stored.Model, func(l evidence.Listed) {
		if l.ID == stored.ID {
			found = a.toWire(l)
		}
	})
	if err != nil {
		return err
	}
	found.New = added
	return render.JSON(w, http.StatusOK, found)
}

// list gives observations and what was taken back of them, of ?model= and ?release=.
func (a evidenceAPI) list(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "model", "release")
	if err != nil {
		return err
	}
	release := q.Get("release")
	all := []statementWire{}
	err = a.each(r, q.Get("model"), func(l evidence.Listed) {
		about := l.Said.Observation != nil && (release == "" || l.Said.Observation.Release == release)
		if about || release == "" && l.Kind == fleet.StatementWithdrawal {
			all = append(all, a.toWire(l))
		}
	})
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, map[string]any{"statements": all})
}

// witnesses gives the vouchers, of ?model=.
func (a evidenceAPI) witnesses(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "model")
	if err != nil {
		return err
	}
	all := []statementWire{}
	err = a.each(r, q.Get("model"), func(l evidence.Listed) {
		if l.Kind == fleet.StatementVoucher {
			all = append(all, a.toWire(l))
		}
	})
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, map[string]any{"vouchers": all})
}

func (a evidenceAPI) each(r *http.Request, model string, do func(evidence.Listed)) error {
	return a.store.View(r.Context(), func(tx fleet.Tx) error {
		all, err := evidence.List(r.Context(), tx, model)
		for _, one := range all {
			do(one)
		}
		return err
	})
}
