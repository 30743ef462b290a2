// SPDX-License-Identifier: Apache-2.0

// Package console is the door of release engineers: the JSON API by which they upload,
// release, have signed, roll out, halt and look up who did what.
//
// Parties: people and machines with a bearer token, mostly through otactl. It promises one
// table of doors with the role that each needs, answers in its own words and shapes (see
// wire.go), findings and faults all at once, uploads that stream, and the name on the token
// in the audit trail of every change. It refuses unknown fields, bodies beyond their limit,
// and requests that a browser sends from another site. It decides nothing: the rooms
// that it calls do.
package console

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/render"
	"landed/server/rooms"
)

// Config is what the console needs.
type Config struct {
	Rooms     *rooms.Rooms
	Store     fleet.Store
	Guard     *auth.Guard
	Now       func() time.Time
	Log       *slog.Logger
	MaxUpload int64 // bytes of one package
}

// Console answers for the API.
type Console struct{ Config }

// New makes the console.
func New(c Config) *Console { return &Console{c} }

// Door is one way in.
type Door struct {
	Method, Path string // the path below the place where the routes are mounted
	Role         fleet.Role
	Handler      render.Handler
}

// Doors is the table of all ways in, with the role that each needs.
func (c *Console) Doors() []Door {
	const support, engineer, admin = fleet.RoleSupport, fleet.RoleEngineer, fleet.RoleAdmin
	return []Door{
		{"GET", "/packages", support, c.listPackages},
		{"POST", "/packages", engineer, c.upload},
		{"DELETE", "/packages/{sha256}", engineer, c.removePackage},
		{"POST", "/packages/{sha256}/promote", engineer, c.promotePackage},
		{"GET", "/models", support, c.listModels},
		{"POST", "/models", engineer, c.addModels},
		{"GET", "/models/{name}", support, c.showModel},
		{"DELETE", "/models/{name}", engineer, c.retireModel},
		{"GET", "/channels", support, c.listChannels},
		{"POST", "/channels", engineer, c.addChannel},
		{"DELETE", "/channels/{name}", engineer, retireChannel(c.Rooms.Lineup)},
		{"GET", "/releases", support, c.listReleases},
		{"POST", "/releases", engineer, c.createRelease},
		{"GET", "/releases/{name}", support, c.showRelease},
		{"DELETE", "/releases/{name}", engineer, c.dropRelease},
		{"POST", "/releases/{name}/stage", engineer, c.stage},
		{"GET", "/changes", support, c.listChanges},
		{"GET", "/changes/{id}", support, c.showChange},
		{"DELETE", "/changes/{id}", engineer, c.dropChange},
		{"GET", "/changes/{id}/request", engineer, c.request},
		{"POST", "/changes/{id}/response", engineer, c.response},
		{"POST", "/trust", admin, c.importTrust},
		{"GET", "/trust", support, c.showTrust},
		{"GET", "/rollouts", support, c.listRollouts},
		{"POST", "/rollouts", engineer, c.startRollout},
		{"GET", "/rollouts/{id}", support, c.showRollout},
		{"POST", "/rollouts/{id}/halt", engineer, c.halt},
		{"POST", "/rollouts/{id}/resume", engineer, c.resume},
		{"GET", "/audit", support, c.audit},
		{"GET", "/tokens", admin, c.listTokens},
		{"POST", "/tokens", admin, c.addToken},
		{"DELETE", "/tokens/{name}", admin, c.deleteToken},
	}
}

// Routes mounts every door behind its guard.
func (c *Console) Routes() func(chi.Router) {
	sameSite := http.NewCrossOriginProtection()
	sameSite.SetDenyHandler(render.API(c.Log, func(http.ResponseWriter, *http.Request) error {
		return fleet.Errorf(fleet.Forbidden, "other_site", "a browser sent this for a page of another site; "+
			"the console takes nothing from there")
	}))
	return func(r chi.Router) {
		for _, d := range c.Doors() {
			r.With(sameSite.Handler, c.Guard.Require(d.Role)).Method(d.Method, d.Path, render.API(c.Log, d.Handler))
		}
	}
}
