// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"log/slog"
	"time"

	"landed/manifests"
	"landed/manifests/effect/probe"
)

// questions are what the release that the handset has met asks, and what the running system answers.
type questions struct {
	mem    *asked
	system System
	slots  interface{ Unproven() bool }
	log    *slog.Logger
	newer  map[string]*manifests.NeedsError // by manifest: what this process does not know, and the next one may
}

func newQuestions(cfg Config, mem *asked) *questions {
	return &questions{mem: mem, system: cfg.System, slots: cfg.Slots, log: cfg.Log,
		newer: map[string]*manifests.NeedsError{}}
}

// library gives the text of a release's signed manifest, nil if there is none to be had; *poll does.
type library interface {
	manifest(met manifests.Custom) ([]byte, error)
}

// learn fetches, once for each release that the handset meets, the signed manifest that says what is asked
// of it. The offline role names the manifest by its hash beside the package, and lists it. One that is not listed, or
// cannot be read, asks nothing: the handset then reports the core alone, for a question holds no fix back. One that
// says by itself that it was made for a newer program is a *manifests.NeedsError: there its signers hold the fix back.
// Any other error is a feed that does not give what it lists.
func (q *questions) learn(from library, met manifests.Custom) error {
	if met.Manifest == "" { // a release of schema 1, whose manifest has no probes
		*q.mem = asked{}
		return nil
	}
	if q.mem.AskOf == met.Manifest {
		return nil
	}
	if needs := q.needs(met.Manifest); needs != nil {
		return needs // and whatever else is asked stays as it is
	}
	text, err := from.manifest(met)
	if err != nil {
		return err
	}
	m, err := manifests.ReadManifest(text)
	if needs, ok := errors.AsType[*manifests.NeedsError](err); ok {
		q.newer[met.Manifest] = needs
		return needs
	}
	*q.mem = asked{AskOf: met.Manifest}
	switch {
	case text == nil:
		q.mem.AskOf = "" // it was said why; it costs nothing to look again
	case err != nil:
		q.log.Warn("the manifest of a release is not understood; nothing is answered", "release", met.Release, "err", err)
	case m.Release != met.Release || m.Model != met.Model || m.Variant != met.Variant:
		q.log.Warn("the manifest is of another release; nothing is answered", "release", met.Release)
	default:
		q.mem.Ask = m.Ask
	}
	return nil
}

// needs says what this program would have to know to read a manifest that it has met; nil if that is not so.
func (q *questions) needs(manifest string) *manifests.NeedsError { return q.newer[manifest] }

// markedSuccessful is the one probe that the client answers by itself, since only the slots know: the running system
// has come up, and is kept.
const markedSuccessful = "marked_successful"

// answers are the answers to what the release asks. What the firmware says beyond that is left out, and so is what is
// none of the answers that were declared: the promise of what a report can hold does not rest on the firmware.
func (q *questions) answers() probe.Answers {
	said, _ := q.system.Answers(q.mem.Ask)
	answers := probe.Answers{}
	for _, p := range q.mem.Ask.Probes {
		v, ok := said[p.Name]
		if p.Name == markedSuccessful {
			v, ok = probe.Bool(!q.slots.Unproven()), true
		}
		if ok && p.Allows(v) {
			answers[p.Name] = v
		}
	}
	return answers
}

// observed is the last milestone that lies behind, and how long it is to the next; 0 if none is left.
func (q *questions) observed() (last int, next time.Duration) {
	_, since := q.system.Answers(q.mem.Ask)
	for _, hours := range q.mem.milestones() {
		at := time.Duration(hours) * time.Hour
		if since < at {
			return last, at - since
		}
		last = hours
	}
	return last, 0
}
