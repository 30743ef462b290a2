// SPDX-License-Identifier: Apache-2.0

// Package console is the door of release engineers: the JSON API by which they upload,
// release, have signed, roll out, halt and look up who did what.
//
// Parties: people and machines with a bearer token, mostly through otactl. It promises one
// table of doors with the role that each needs, answers in its own words and shapes (those named …Wire,
// beside the doors that give them), findings and faults all at once, uploads that stream, and the name on the token
// in the audit trail of every change. It refuses unknown fields, bodies beyond their limit,
// and requests that a browser sends from another site. It decides nothing: the rooms
// that it calls do.
package console

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/server/admission"
	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/known/book"
	"landed/server/render"
	"landed/server/retain"
	"landed/server/rooms"
	"landed/server/uptime"
)

// Config is what the console needs.
type Config struct {
	Rooms     *rooms.Rooms
	Store     fleet.Store
	Admission *admission.Admission
	Retain    *retain.Room
	Guard     *auth.Guard
	Clock     *uptime.Uptime
	Now       func() time.Time
	Log       *slog.Logger
	MaxUpload int64 // bytes of one package
}

// Console mounts the API.
type Console struct {
	resources []resource
	guard     *auth.Guard
	log       *slog.Logger
}

// resource is one kind of thing that the API is about. Each has a file of its name, which begins with its doors.
type resource interface{ doors() []Door }

// New makes the console.
func New(c Config) *Console {
	return &Console{guard: c.Guard, log: c.Log, resources: []resource{
		packageAPI{c.Rooms.Library, c.Store, c.MaxUpload},
		modelAPI{c.Rooms.Lineup},
		channelAPI{c.Rooms.Lineup},
		releaseAPI{c.Rooms.Releases, c.Store},
		retentionAPI{c.Retain},
		changeAPI{c.Rooms.Releases, c.Store},
		trustAPI{c.Rooms.Trust, c.Rooms.Repo},
		knownAPI{&book.Book{Store: c.Store, Now: c.Now}},
		evidenceAPI{c.Rooms.Evidence, c.Store, c.Now},
		rolloutAPI{c.Rooms.Rollouts, c.Rooms.Ledger, c.Store, c.Now},
		fleetAPI{c.Admission, c.Rooms.Rollouts},
		auditAPI{c.Store},
		tokenAPI{c.Store, c.Now},
		clockAPI{c.Clock},
		restoreAPI{c.Rooms.Recovery, c.Rooms.Rollouts},
		proposalAPI{c.Rooms.Proposals, c.Store, c.Now},
	}}
}

// Door is one way in.
type Door struct {
	Method, Path string // the path below the place where the routes are mounted
	Role         fleet.Role
	Handler      render.Handler
}

// Who may come in; each includes those before it.
const (
	support  = fleet.RoleSupport
	engineer = fleet.RoleEngineer
	admin    = fleet.RoleAdmin
)

// Doors is the table of all ways in, with the role that each needs.
func (c *Console) Doors() (all []Door) {
	for _, r := range c.resources {
		all = append(all, r.doors()...)
	}
	return all
}

// Routes mounts every door behind its guard.
func (c *Console) Routes() func(chi.Router) {
	sameSite := http.NewCrossOriginProtection()
	sameSite.SetDenyHandler(render.API(c.log, func(http.ResponseWriter, *http.Request) error {
		return fleet.Errorf(fleet.Forbidden, "other_site", "a browser sent this for a page of another site; "+
			"the console takes nothing from there")
	}))
	return func(r chi.Router) {
		for _, d := range c.Doors() {
			r.With(sameSite.Handler, c.guard.Require(d.Role)).Method(d.Method, d.Path, render.API(c.log, d.Handler))
		}
	}
}
