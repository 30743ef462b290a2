// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/strict"
)

// source is the YAML of schema 2, and of 3, which has clients.
type source struct {
	Schema    int                        `yaml:"schema"`
	Release   string                     `yaml:"release"`
	Counter   int64                      `yaml:"counter"`
	Effect    *choice                    `yaml:"effect,omitempty"`
	Migration map[string]probe.Migration `yaml:"migration_by_model,omitempty"`
	Notes     map[string]string          `yaml:"notes"`
	Questions []Question                 `yaml:"questions,omitempty"`
	Clients   map[string]Clients         `yaml:"clients,omitempty"`
}

// choice is an effect that comes with the program, with what differs in this release, or one of the release's own.
type choice struct {
	Use       string          `yaml:"use,omitempty"`
	PromptDay string          `yaml:"prompt_day,omitempty"`
	Migration probe.Migration `yaml:"migration,omitempty"`
	Hours     int64           `yaml:"hours,omitempty"`
	Define    *effect.Effect  `yaml:"define,omitempty"`
}

func readSource(text []byte) (Release, error) {
	var s source
	if err := strict.YAML(text, &s); err != nil {
		return Release{}, err
	}
	r := Release{Schema: s.Schema, Name: s.Release, Counter: s.Counter, Migration: s.Migration, Notes: s.Notes,
		Questions: s.Questions, Clients: s.Clients}
	if s.Effect == nil {
		return r, nil
	}
	e, err := s.Effect.resolve()
	r.Effect = &e
	return r, err
}

func (c choice) resolve() (effect.Effect, error) {
	if (c.Use == "") == (c.Define == nil) {
		return effect.Effect{}, fmt.Errorf("effect: say use, with the name of one of %v, or define, with an effect of your "+
			"own; leave effect out for a release that claims nothing", effect.Shipped())
	}
	if c.Define != nil {
		if c.PromptDay != "" || c.Migration != "" || c.Hours != 0 {
			return *c.Define, errors.New("effect: prompt_day, migration and hours stand inside define")
		}
		return *c.Define, nil
	}
	e, err := effect.ByName(c.Use)
	if c.PromptDay != "" {
		e.PromptDay = c.PromptDay
	}
	if c.Migration != "" {
		e.Migration = c.Migration
	}
	if c.Hours != 0 {
		e.Hours = c.Hours
	}
	return e, err
}

// YAML writes r whole, the effect too, so that it says the same whatever program reads it; Parse(r.YAML()) gives r
// again, in the schema of now. What Validate refuses is not written.
func (r Release) YAML() ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("release %q: %w", r.Name, err)
	}
	return r.PublishedYAML()
}

// PublishedYAML is YAML for a release that was published: the bounds of today are not asked again, as ParsePublished does
// not.
func (r Release) PublishedYAML() ([]byte, error) {
	s := source{Schema: r.schema(), Release: r.Name, Counter: r.Counter, Migration: r.Migration, Notes: r.Notes,
		Questions: r.Questions, Clients: r.Clients}
	if r.Effect != nil {
		s.Effect = &choice{Define: r.Effect}
	}
	return yaml.Marshal(s)
}

// schema is the lowest that can say what r says, so that older programs read what they understand.
func (r Release) schema() int {
	if len(r.Clients) > 0 {
		return schemaClients
	}
	return Schema
}
