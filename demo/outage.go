// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"landed/handset/sim"
)

// outage is what stands between the fleet and the site in the story of that name: a network that cuts every third
// download of a package in the middle, and a server that answers nothing but 503 for a day.
type outage struct {
	clock       *clock
	from, until time.Duration // of the 503, since the story began

	downloads, cut, refused atomic.Int64
}

// outageResult is what went wrong on the way, and what came of it.
type outageResult struct {
	Downloads    int64 `json:"downloads"`         // requests for a package that were answered
	Cut          int64 `json:"downloads_cut"`     // of those, cut off in the middle
	Refused      int64 `json:"refused_503"`       // requests of handsets that met 503
	Halts        int   `json:"halts"`             // of rollouts, by anybody
	Holds        int   `json:"holds"`             // of rollouts, by anybody
	Widened      int   `json:"widened_by_people"` // stages that waited for evidence of few handsets
	NotInstalled int   `json:"not_installed"`     // handsets that run another build, and might run the new one
}

// server answers handsets with 503 while it lasts. The console is not theirs.
func (o *outage) server(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		since := o.clock.Now().Sub(o.clock.start)
		handsets := strings.HasPrefix(r.URL.Path, "/tuf/") || r.URL.Path == "/v1/reports"
		if handsets && since >= o.from && since < o.until {
			o.refused.Add(1)
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// network is the way of the handsets.
func (o *outage) network(next http.RoundTripper) http.RoundTripper { return cutting{o, next} }

type cutting struct {
	*outage
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (c cutting) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	isPackage := strings.Contains(req.URL.Path, "/targets/builds/") && strings.HasSuffix(req.URL.Path, ".zip")
	if err != nil || !isPackage || resp.StatusCode/100 != 2 {
		return resp, err
	}
	if c.downloads.Add(1)%3 == 0 {
		c.cut.Add(1)
		resp.Body = &broken{resp.Body, resp.ContentLength / 2}
	}
	return resp, nil
}

// CloseIdleConnections lets the fleet end.
func (c cutting) CloseIdleConnections() { (&http.Client{Transport: c.next}).CloseIdleConnections() }

// broken is a body whose connection is lost after some bytes.
type broken struct {
	io.ReadCloser
	left int64
}

func (b *broken) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// told says what came of it; good, if no rollout was stopped and everybody has the new build who can have it.
func (o *outage) told(t *telling) (*outageResult, bool) {
	all := &outageResult{Downloads: o.downloads.Load(), Cut: o.cut.Load(), Refused: o.refused.Load(),
		Halts: t.trail.count["rollout.halt"], Holds: t.trail.count["rollout.hold"], Widened: t.widened}
	for _, i := range t.fleet.Installations() {
		hopeless := i.Situation == sim.Silent || i.Situation == sim.DeadFlash
		if !i.Ended && !hopeless && i.Build != t.plan.first.builds[i.Model].Fingerprint {
			all.NotInstalled++
		}
	}
	return all, all.Cut > 0 && all.Refused > 0 && all.Halts+all.Holds+all.NotInstalled == 0
}
