// SPDX-License-Identifier: Apache-2.0

package support

import (
	"time"

	"landed/web"
)

// tones are the colours of a badge, by how a model stands.
var tones = map[Standing]web.Tone{
	Shown: web.Good, Spreading: web.Good, Halted: web.Bad, Halting: web.Bad, Leaking: web.Bad, NotShown: web.Warn, Partly: web.Warn,
}

// badgeOf draws a badge for a forum or a wiki: what it is about, and how that stands.
func badgeOf(p *responder, v view, _ time.Time) []byte {
	switch v := v.(type) {
	case *ModelPage:
		words := v.Badge
		if v.Standing == Shown || v.Standing == Spreading {
			words = p.locale.Say("badge.proven", v.Carry())
		}
		return web.Badge(v.Product, words, tones[v.Standing])
	case *ReleasePage:
		return releaseBadge(p, v.Release.Name, lineOf(v))
	}
	if v, ok := v.(*OutlineRelease); ok {
		return releaseBadge(p, v.Release.Name, v.line)
	}
	if v, ok := v.(*OutlineModelPage); ok {
		return web.Badge(v.Page.Product, v.Page.Badge, tones[v.Standing])
	}
	status, ok := v.(*Status)
	if !ok {
		status = v.(*Outline).Status
	}
	tone := web.Flat
	switch {
	case status.data.Leaking > 0 || status.data.Halted > 0:
		tone = web.Bad
	case status.data.Shown > 0 && status.data.Shown == status.data.Models:
		tone = web.Good
	}
	return web.Badge(p.locale.Say("site.name", nil), p.locale.Say("badge.status", status.data), tone)
}

func releaseBadge(p *responder, name string, d lineData) []byte {
	tone := web.Flat
	switch {
	case d.Adverse > 0 || d.Stopped > 0:
		tone = web.Bad
	case d.Shown > 0 && d.Shown == d.Offered:
		tone = web.Good
	}
	return web.Badge(name, p.locale.Say("badge.release", d), tone)
}
