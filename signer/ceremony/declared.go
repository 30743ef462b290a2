// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"cmp"
	"maps"
	"slices"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/release"
)

// Declaration is what a release says to people and asks of handsets, once for all models of which it says the same.
type Declaration struct {
	Release   string             `json:"release"`
	Counter   int64              `json:"counter"`
	Models    []string           `json:"models"` // devices
	Notes     map[string]string  `json:"notes"`  // by language tag
	Questions []release.Question `json:"questions,omitempty"`
	// Clients is what phones with the updaters of others are told, by device.
	Clients   map[string]release.Clients `json:"clients,omitempty"`
	Effect    *effect.Effect             `json:"effect,omitempty"`    // nil: nothing is claimed
	Migration map[string]probe.Migration `json:"migration,omitempty"` // by device
	Bits      float64                    `json:"bits"`                // the most that one report can tell
}

// declare gathers what the documents of the request declare, in the order of releases and models.
func (r *review) declare() {
	byContent := map[string]*Declaration{}
	for _, path := range slices.Sorted(maps.Keys(r.manifests)) {
		m := r.manifests[path]
		d := r.declaration(m)
		key := string(inJSON(d))
		if same, ok := byContent[key]; ok {
			d = same
		}
		byContent[key] = d
		if !slices.Contains(d.Models, m.Model) {
			d.Models = append(d.Models, m.Model)
		}
		if d.Effect != nil {
			if d.Migration == nil {
				d.Migration = map[string]probe.Migration{}
			}
			d.Migration[m.Model] = m.Ask.Migration
		}
	}
	// The keys of the map are what was declared, before models were added to it.
	for _, key := range slices.Sorted(maps.Keys(byContent)) {
		r.Declared = append(r.Declared, *byContent[key])
	}
	slices.SortStableFunc(r.Declared, func(a, b Declaration) int {
		return cmp.Or(cmp.Compare(a.Release, b.Release), slices.Compare(a.Models, b.Models))
	})
}

// declaration is what is declared for one manifest, but for the model and its migration.
func (r *review) declaration(m document) *Declaration {
	d := &Declaration{Release: m.Release, Counter: m.Counter}
	if notes, ok := r.notes[pathOf(m.NotesDocument)]; ok {
		d.Notes, d.Questions, d.Clients = notes.Notes, notes.Questions, notes.Clients
	}
	if doc, ok := r.effects[pathOf(m.EffectDocument)]; ok {
		e := doc.Effect
		e.Migration = ""
		d.Effect, d.Bits = &e, probe.Bits(e.Probes)
	}
	return d
}

func pathOf(p *manifests.Package) string {
	if p == nil {
		return ""
	}
	return p.Path
}
