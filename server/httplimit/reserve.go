// SPDX-License-Identifier: Apache-2.0

package httplimit

import "net/http"

// Reserve keeps the reserved places of Connections for what isControl names: anything else that comes there is told to
// come later. Each answer there ends its connection, so that one client does not keep a place.
func Reserve(isControl func(*http.Request) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, reserved := r.Context().Value(placeKey{}).(*place)
		if !reserved {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		if !isControl(r) {
			p.crowd.sent()
			later(w)
			return
		}
		if p.patience.Stop() {
			next.ServeHTTP(w, r)
		}
	})
}
