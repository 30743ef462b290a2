// SPDX-License-Identifier: Apache-2.0

package support

import (
	"slices"

	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/web"
)

// together adds up the figures of models: by class if all of them have one effect, else by kind. The counted fleet is that of
// the models that have one.
func (d describer) together(models []Model) Figures {
	var carrying []Model
	for _, m := range models {
		if m.Vouched() {
			m.Figures = m.Carry()
			carrying = append(carrying, m)
		}
	}
	all := d.sum(models)
	if len(carrying) > 0 {
		all = all.carried(d.sum(carrying))
	}
	return all
}

func (d describer) sum(models []Model) Figures {
	t := d.words.plain.figures()
	t.Verdicts, t.Before, t.claims = map[fleet.Class]int64{}, map[fleet.Before]int64{}, false
	var effects []string
	for _, m := range models {
		t.Installations += m.Installations
		t.Unmet += m.Unmet
		t.Running += m.Running
		t.Failed += m.Failed
		t.Lost += m.Lost
		t.Judged += m.Judged
		t.Proven += m.Proven
		t.Opposite += m.Opposite
		t.Quarantined.and(m.Quarantined)
		t.ProvenEarlier += m.ProvenEarlier
		t.OppositeEarlier += m.OppositeEarlier
		addTo(t.Kinds, m.Kinds)
		addTo(t.Verdicts, m.Verdicts)
		addTo(t.Progress, m.Progress)
		addTo(t.Before, m.Before)
		addTo(t.Causes, m.Causes)
		t.claims = t.claims || m.claims
		if !slices.Contains(effects, m.Effect) {
			effects = append(effects, m.Effect)
		}
	}
	for i := range t.steps {
		t.steps[i].Count, t.steps[i].Of = t.Progress[report.Progress(t.steps[i].Key)], t.Installations
	}
	switch {
	case len(effects) == 1:
		t.classes, t.kinds = sumRows(models), models[0].kinds
	case len(effects) > 1:
		t.classes = d.byKind(t)
	}
	return t.withIntervals()
}

// sumRows adds up the classes of models with one effect.
func sumRows(models []Model) []web.Row {
	rows := slices.Clone(models[0].classes)
	for i := range rows {
		rows[i].Count, rows[i].Of = 0, 0
		for _, m := range models {
			rows[i].Count += m.classes[i].Count
			rows[i].Of += m.Installations
		}
	}
	return rows
}

func (d describer) byKind(f Figures) []web.Row {
	var rows []web.Row
	for _, k := range effect.Kinds {
		say := func(part string) string { return d.words.locale.Say("of_kind."+string(k)+"."+part, nil) }
		colour := web.Shade(string(k), 0)
		if k == effect.Unjudged { // most of them are that
			colour = effect.Unpatched
		}
		rows = append(rows, web.Row{
			Key: string(k), Count: f.Kinds[k], Of: f.Installations, Colour: colour,
			Name: say("name"), Means: say("means"),
		})
	}
	return rows
}
