// SPDX-License-Identifier: Apache-2.0

package release

import (
	"encoding/json"
	"errors"
	"fmt"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/strict"
)

// EffectDocument is the signed target builds/<role>/<release>.effect.json: what is judged, by what rules, in what
// words, and on which builds. Handsets do not fetch it; with it and a report anybody can compute the verdict.
type EffectDocument struct {
	Schema  int           `json:"schema"` // 1
	Release string        `json:"release"`
	Counter int64         `json:"counter"`
	Model   string        `json:"model"`
	Effect  effect.Effect `json:"effect"` // with the migration policy of the model
	// Builds are those of the release for the model.
	Builds []effect.Build `json:"builds"`
}

// NotesDocument is the signed target builds/<role>/<release>.notes.json: the words for people that are not about the
// effect. Handsets do not fetch it.
type NotesDocument struct {
	Schema    int               `json:"schema"` // 1; 2 if it has clients
	Release   string            `json:"release"`
	Notes     map[string]string `json:"notes"`
	Questions []Question        `json:"questions,omitempty"`
	// Clients is what the updaters of others are told, by model.
	Clients map[string]Clients `json:"clients,omitempty"`
}

// notesClients is the schema of a document of notes that has clients.
const notesClients = 2

// EffectFor is the effect document of r for one model; ok is false if r has no effect.
func (r Release) EffectFor(model string, builds []effect.Build) (d EffectDocument, ok bool) {
	if r.Effect == nil {
		return EffectDocument{}, false
	}
	e := *r.Effect
	e.Ask = r.AskOn(model)
	return EffectDocument{Schema: 1, Release: r.Name, Counter: r.Counter, Model: model, Effect: e, Builds: builds}, true
}

// Notes is the document of notes of r.
func (r Release) NotesDocument() NotesDocument {
	d := NotesDocument{Schema: 1, Release: r.Name, Notes: r.Notes, Questions: r.Questions, Clients: r.Clients}
	if len(d.Clients) > 0 {
		d.Schema = notesClients
	}
	return d
}

// Bytes marshals d; ParseEffect(d.Bytes()) gives d again.
func (d EffectDocument) Bytes() []byte { return marshal(d) }

// Bytes marshals d; ParseNotes(d.Bytes()) gives d again.
func (d NotesDocument) Bytes() []byte { return marshal(d) }

func marshal(d any) []byte {
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		panic(err) // closed fields: it cannot fail
	}
	return append(text, '\n')
}

// ParseEffect reads an effect document, checks it and compiles its conditions, as each signer does.
func ParseEffect(text []byte) (EffectDocument, *effect.Program, error) {
	return parseEffect(text, effect.Compile)
}

// ParsePublishedEffect reads an effect document that was signed and published: the bounds of today are not asked again,
// as by ParsePublished.
func ParsePublishedEffect(text []byte) (EffectDocument, *effect.Program, error) {
	return parseEffect(text, effect.CompilePublished)
}

func parseEffect(
	text []byte, compile func(effect.Effect) (*effect.Program, error),
) (EffectDocument, *effect.Program, error) {
	var d EffectDocument
	if err := strict.JSON(text, &d); err != nil {
		return d, nil, fmt.Errorf("effect document: %w", err)
	}
	faults := []error{identity(d.Schema, 1, d.Release)}
	if len(d.Builds) == 0 {
		faults = append(faults, errors.New("it names no build"))
	}
	for _, b := range d.Builds {
		if b.Model != d.Model {
			faults = append(faults, fmt.Errorf("build %s is for %s, the document for %s", b.Fingerprint, b.Model, d.Model))
		}
	}
	p, err := compile(d.Effect)
	if err := errors.Join(append(faults, err)...); err != nil {
		return d, nil, fmt.Errorf("effect document: %w", err)
	}
	return d, p, nil
}

// ParseNotes reads a document of notes, and checks it.
func ParseNotes(text []byte) (NotesDocument, error) {
	d, err := ParsePublishedNotes(text)
	if err != nil {
		return d, err
	}
	r := Release{Name: d.Release, Counter: 1, Notes: d.Notes, Questions: d.Questions, Clients: d.Clients}
	r.Schema = r.schema()
	if err := r.Validate(); err != nil {
		return d, fmt.Errorf("notes: %w", err)
	}
	return d, nil
}

// ParsePublishedNotes reads a document of notes that was signed and published: the bounds of today are not asked again.
func ParsePublishedNotes(text []byte) (NotesDocument, error) {
	var d NotesDocument
	if err := strict.JSON(text, &d); err != nil {
		return d, fmt.Errorf("notes: %w", err)
	}
	if err := identity(d.Schema, notesClients, d.Release); err != nil {
		return d, fmt.Errorf("notes: %w", err)
	}
	if d.Schema == 1 && len(d.Clients) > 0 {
		return d, fmt.Errorf("notes: it has clients, which schema 1 does not know; wanted schema %d", notesClients)
	}
	return d, nil
}

func identity(schema, newest int, release string) error {
	if schema < 1 || schema > newest || !manifests.ValidRelease(release) {
		return fmt.Errorf("schema %d of release %q; wanted schema 1 to %d and the name of a release", schema, release, newest)
	}
	return nil
}

// Restore makes a release again from its signed documents, for one model: what a server does whose database forgot it.
// effectText is empty for a release without effect.
func Restore(m manifests.Manifest, effectText, notesText []byte) (Release, error) {
	if m.Schema == 1 {
		e, err := effect.ByName(OptInEffect)
		if err != nil {
			return Release{}, err
		}
		e.PromptDay, e.Migration = m.Ask.PromptDay, m.Ask.Migration
		return Release{Schema: 1, Name: m.Release, Counter: m.Counter, Effect: &e, Notes: m.Notes,
			Migration: map[string]probe.Migration{m.Model: m.Ask.Migration}}, nil
	}
	notes, err := ParsePublishedNotes(notesText)
	if err != nil {
		return Release{}, err
	}
	r := Release{Name: m.Release, Counter: m.Counter, Notes: notes.Notes, Questions: notes.Questions, Clients: notes.Clients}
	r.Schema = r.schema()
	if m.Effect == "" {
		return r, nil
	}
	d, _, err := ParsePublishedEffect(effectText)
	if err != nil {
		return Release{}, err
	}
	r.Effect, r.Migration = &d.Effect, map[string]probe.Migration{}
	if m.Ask.Migration != "" {
		r.Migration[m.Model] = m.Ask.Migration
	}
	return r, nil
}
