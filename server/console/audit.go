// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"strconv"
	"time"

	"landed/server/fleet"
	"landed/server/render"
)

// auditAPI tells who did what.
type auditAPI struct{ store fleet.Viewer }

func (a auditAPI) doors() []Door {
	return []Door{{"GET", "/audit", support, a.list}}
}

type auditWire struct {
	N       int64     `json:"n"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"`
	Subject string    `json:"subject"`
	Reason  string    `json:"reason,omitempty"`
}

// list gives the trail, newest first: ?limit= up to 500, ?before= the number from which the
// last answer said to go on, ?subject= the newest of one thing only.
func (a auditAPI) list(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r, "limit", "before", "subject")
	if err != nil {
		return err
	}
	limit, err := number(q.Get("limit"), 100, 1, 500)
	if err != nil {
		return err
	}
	before, err := number(q.Get("before"), 0, 0, 1<<62)
	if err != nil {
		return err
	}
	var entries []fleet.AuditEntry
	err = a.store.View(r.Context(), func(tx fleet.Tx) (err error) {
		if subject := q.Get("subject"); subject != "" {
			entries, err = tx.Audit().OfSubject(r.Context(), subject, int(limit))
		} else {
			entries, err = tx.Audit().List(r.Context(), before, int(limit))
		}
		return err
	})
	if err != nil {
		return err
	}
	answer := struct {
		Entries []auditWire `json:"entries"`
		Before  int64       `json:"before,omitempty"` // for the next page; missing at the end
	}{Entries: []auditWire{}}
	for _, e := range entries {
		answer.Entries = append(answer.Entries, auditWire(e))
	}
	if len(entries) == int(limit) && q.Get("subject") == "" {
		answer.Before = entries[len(entries)-1].N
	}
	return render.JSON(w, http.StatusOK, answer)
}

func number(text string, otherwise, least, most int64) (int64, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, fleet.Errorf(fleet.Invalid, "number", "%q: wanted a number from %d to %d", text, least, most)
	}
	return n, nil
}
