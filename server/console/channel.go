// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"

	"landed/server/auth"
	"landed/server/lineup"
	"landed/server/render"
)

// retireChannel takes a channel out of use; ?reason= goes into the audit trail.
func retireChannel(l *lineup.Lineup) render.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q, err := query(r, "reason")
		if err != nil {
			return err
		}
		if err := l.RetireChannel(r.Context(), r.PathValue("name"), auth.Actor(r.Context()), q.Get("reason")); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}
