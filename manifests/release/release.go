// SPDX-License-Identifier: Apache-2.0

// Package release is what a release engineer writes, and the documents that are signed of it.
//
// Parties: the engineer writes a Release in YAML; the server binds it to packages and derives the signed documents, one
// handset manifest per model and variant, one effect document and one of notes per model; each signer checks that the
// documents belong together; whoever checks figures reads the effect document.
//
// It promises strict reading, all faults at once, and that a release of an older schema is read for ever. It refuses an
// effect whose conditions do not type-check, or that has no words in a language of the release. A release may have no
// effect, and then claims nothing.
package release

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/strict"
)

//go:embed releases/*.yaml
var releases embed.FS

// Schema is the version of the source of a release that says nothing for the updaters of others. One that does is of
// schemaClients, so that a program which would pass over that refuses it.
const (
	Schema        = 2
	schemaClients = 3
)

const (
	maxCounter   = 1<<53 - 1 // larger integers change in clients that read JSON numbers as floating point
	maxNotes     = 4000      // bytes of the notes in one language
	maxQuestions = 20
)

var languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$`)

// Release is what is declared of a release, with its effect resolved.
type Release struct {
	Schema  int
	Name    string
	Counter int64          // grows with each release; a handset never goes to a lower one
	Effect  *effect.Effect // nil: none, and nothing is claimed
	// Migration says per model what the image does with a service that is already on, where it differs from the effect's.
	Migration map[string]probe.Migration
	Notes     map[string]string // what changes, by language tag; at least one
	Questions []Question        // for the public, with answers
	// Clients is, by model, what the updaters of others are told; nil for most.
	Clients map[string]Clients
}

// Question is one question and its answer, by language tag.
type Question struct {
	Question map[string]string `json:"question" yaml:"question"`
	Answer   map[string]string `json:"answer" yaml:"answer"`
}

// OptInSource is the release that Landed was built for, in YAML. It panics if the embedded file is gone, which its test
// would have caught.
func OptInSource() []byte {
	text, err := releases.ReadFile("releases/miui-cloud-messaging-opt-in.yaml")
	if err != nil {
		panic(err)
	}
	return text
}

// OptIn is OptInSource, parsed.
func OptIn() Release {
	r, err := Parse(OptInSource())
	if err != nil {
		panic(err)
	}
	return r
}

// Parse reads a release in YAML, of any schema; unknown keys are refused, all faults returned.
func Parse(text []byte) (Release, error) {
	r, err := read(text)
	if err != nil {
		return Release{}, err
	}
	if err := r.Validate(); err != nil {
		return Release{}, fmt.Errorf("release %q: %w", r.Name, err)
	}
	return r, nil
}

// ParsePublished reads a release that was published: it was validated then, by the program of that time. The bounds of
// today are not asked again, or a program that draws one tighter could no longer open what its predecessors published.
func ParsePublished(text []byte) (Release, error) {
	r, err := read(text)
	if err == nil && !known(r.Schema) { // a later program's; who knows what it means
		err = fmt.Errorf("release %q: schema is %d, this program reads 1 to %d", r.Name, r.Schema, schemaClients)
	}
	return r, err
}

func known(schema int) bool { return schema >= 1 && schema <= schemaClients }

func read(text []byte) (Release, error) {
	var any struct {
		Schema int            `yaml:"schema"`
		Rest   map[string]any `yaml:",inline"`
	}
	if err := strict.YAML(text, &any); err != nil {
		return Release{}, fmt.Errorf("release: %w", err)
	}
	read := readSource
	if any.Schema == 1 {
		read = readSchema1
	}
	r, err := read(text)
	if err != nil {
		return Release{}, fmt.Errorf("release: %w", err)
	}
	return r, nil
}

// Languages are those in which r speaks, in order.
func (r Release) Languages() []string { return slices.Sorted(maps.Keys(r.Notes)) }

// EffectName is the name of the effect, "" for none.
func (r Release) EffectName() string {
	if r.Effect == nil {
		return ""
	}
	return r.Effect.Name
}

// AskOn is what r asks of the handsets of one model, with that model's migration policy; the zero value without effect.
func (r Release) AskOn(model string) probe.Ask {
	if r.Effect == nil {
		return probe.Ask{}
	}
	ask := r.Effect.Ask
	if m, ok := r.Migration[model]; ok {
		ask.Migration = m
	}
	return ask
}

// Keeps says if a handset that runs a build of r still has what the older release promised: then its reports are
// judged by that promise too.
func (r Release) Keeps(older Release) bool {
	return r.Counter >= older.Counter && r.Effect != nil && older.Effect != nil && r.Effect.Name == older.Effect.Name
}

// Validate returns every fault of r, joined.
func (r Release) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(!known(r.Schema), "schema is %d, this program reads 1 to %d", r.Schema, schemaClients)
	fault(!manifests.ValidRelease(r.Name), "name %q: wanted a lower-case letter, then letters, digits and hyphens", r.Name)
	fault(r.Counter < 1 || r.Counter > maxCounter, "counter is %d, wanted 1 or more", r.Counter)
	fault(len(r.Notes) == 0, "notes are missing; a release says what changes, in one language at least")
	for _, tag := range r.Languages() {
		fault(!languageTag.MatchString(tag), "notes.%s: wanted a language tag, as en or zh-Hans", tag)
		fault(r.Notes[tag] == "" || len(r.Notes[tag]) > maxNotes, "notes.%s has %d bytes, wanted 1 to %d",
			tag, len(r.Notes[tag]), maxNotes)
	}
	if r.Effect != nil {
		languages := r.Languages()
		if r.Schema == 1 {
			languages = nil // its words came later
		}
		faults = append(faults, r.Effect.Validate(languages...))
	}
	fault(r.Effect == nil && len(r.Migration) > 0, "migration_by_model without an effect")
	for _, model := range slices.Sorted(maps.Keys(r.Migration)) {
		fault(!r.Migration[model].Valid() || r.Migration[model] == "", "migration_by_model.%s is %q; say leave, "+
			"switch_off or ask", model, r.Migration[model])
	}
	return errors.Join(slices.Concat(faults, r.questionFaults(), r.clientFaults())...)
}

func (r Release) questionFaults() []error {
	var faults []error
	if len(r.Questions) > maxQuestions {
		faults = append(faults, fmt.Errorf("%d questions, wanted at most %d", len(r.Questions), maxQuestions))
	}
	for i, q := range r.Questions {
		for _, tag := range r.Languages() {
			if q.Question[tag] == "" || q.Answer[tag] == "" || len(q.Question[tag])+len(q.Answer[tag]) > maxNotes {
				faults = append(faults, fmt.Errorf("questions[%d]: wanted question and answer in %s, at most %d bytes together",
					i, tag, maxNotes))
			}
		}
	}
	return faults
}
