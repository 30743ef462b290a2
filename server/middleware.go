// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"landed/server/fleet"
	"landed/server/render"
)

var plainID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// requestID gives each request an id, or keeps the one that a proxy gave it, and answers it.
func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(render.RequestID)
		if !plainID.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set(render.RequestID, id)
		next.ServeHTTP(w, r)
	})
}

// accessLog writes one line per request, and measures it. It names the route, not the path, in which an
// installation's reference may stand, and never the address of a client.
func accessLog(log *slog.Logger, now func() time.Time, o observer) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor) // keeps ReadFrom
			start := now()
			r, end := o.request(r)
			defer func() { // also of one that is broken off
				end(chi.RouteContext(r.Context()).RoutePattern(), ww.Status())
			}()
			next.ServeHTTP(ww, r)
			log.InfoContext(r.Context(), "request", "request", w.Header().Get(render.RequestID), "method", r.Method,
				"route", chi.RouteContext(r.Context()).RoutePattern(),
				"status", ww.Status(), "bytes", ww.BytesWritten(), "took", now().Sub(start))
		})
	}
}

// recoverer turns a fault of ours in one request into one answer and one line of the log.
func recoverer(
	log *slog.Logger, answer func(http.ResponseWriter, *http.Request, render.Problem),
) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				fault := recover()
				if fault == nil {
					return
				}
				if fault == http.ErrAbortHandler {
					panic(fault)
				}
				log.ErrorContext(r.Context(), "panic", "request", w.Header().Get(render.RequestID),
					"route", chi.RouteContext(r.Context()).RoutePattern(),
					"fault", fmt.Sprint(fault), "stack", string(debug.Stack()))
				p := render.ProblemOf(fleet.Errorf("", "", ""))
				p.Request = w.Header().Get(render.RequestID)
				answer(w, r, p)
			}()
			next.ServeHTTP(w, r)
		})
	}
}
