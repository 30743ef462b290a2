// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"fmt"
	"time"

	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/strict"
)

// schema1 is the source as it was while Cloud Messaging was the one effect. It is read for ever: releases that were
// published by it are stored so.
type schema1 struct {
	Schema    int                        `yaml:"schema"`
	Release   string                     `yaml:"release"`
	Counter   int64                      `yaml:"counter"`
	Effect    effect1                    `yaml:"effect"`
	Migration map[string]probe.Migration `yaml:"migration_by_model,omitempty"`
	Notes     map[string]string          `yaml:"notes"`
}

type effect1 struct {
	Name      string          `yaml:"name"`
	Feature   int             `yaml:"feature"`
	Migration probe.Migration `yaml:"migration"`
	PromptDay string          `yaml:"prompt_day"`
}

// OptInEffect is the effect that every release of schema 1 has.
const OptInEffect = "cloud-messaging-opt-in"

func readSchema1(text []byte) (Release, error) {
	var s schema1
	if err := strict.YAML(text, &s); err != nil {
		return Release{}, err
	}
	var faults []error
	if s.Effect.Name != OptInEffect || s.Effect.Feature != 1 {
		faults = append(faults, fmt.Errorf("effect is %q with feature %d; in schema 1 it is %s with feature 1",
			s.Effect.Name, s.Effect.Feature, OptInEffect))
	}
	if !s.Effect.Migration.Valid() || s.Effect.Migration == "" {
		faults = append(faults, fmt.Errorf("effect.migration is %q; say leave, switch_off or ask", s.Effect.Migration))
	}
	if _, err := time.Parse(time.DateOnly, s.Effect.PromptDay); err != nil {
		faults = append(faults, fmt.Errorf("effect.prompt_day is %q; wanted YYYY-MM-DD", s.Effect.PromptDay))
	}
	e, err := effect.ByName(OptInEffect)
	faults = append(faults, err)
	e.Migration, e.PromptDay = s.Effect.Migration, s.Effect.PromptDay
	r := Release{Schema: 1, Name: s.Release, Counter: s.Counter, Effect: &e, Migration: s.Migration, Notes: s.Notes}
	return r, errors.Join(faults...)
}
