// SPDX-License-Identifier: Apache-2.0

// Package render turns what a handler returns into an answer.
//
// Parties: every door writes handlers as func(w, r) error; a person or a program reads the
// answer. It promises that an error becomes exactly one answer: problem+json (RFC 9457) with
// a stable code for programs and words that say what to do next for people.
// It refuses to show causes: what is not a [fleet.Error] is logged with the request id and
// answered as a fault of the server.
package render

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"landed/server/fleet"
)

// Handler is what doors write: it answers, or returns an error and has written nothing.
type Handler func(w http.ResponseWriter, r *http.Request) error

// API serves h and answers its errors as problem+json.
func API(log *slog.Logger, h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		p := ProblemOf(err)
		p.Request = w.Header().Get(RequestID)
		if p.Status >= 500 && r.Context().Err() == nil && !sentAway(err) {
			// no path: a reference may stand in it; the access log has the route
			log.ErrorContext(r.Context(), "request failed", "request", p.Request, "method", r.Method, "err", err)
		}
		WriteProblem(w, r, p)
	})
}

// sentAway says that somebody was told to come later on purpose: nothing is wrong, and a flood must not fill the log.
func sentAway(err error) bool {
	e, ok := errors.AsType[*fleet.Error](err)
	return ok && e.Kind == fleet.Busy && e.Err == nil
}

// RequestID is the header that carries the id of a request, in answers and in the log.
const RequestID = "X-Request-Id"

// JSON answers v with a status. Answers of the API are never cached: they speak of now.
func JSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that went away is no error of ours
	return nil
}
