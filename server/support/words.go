// SPDX-License-Identifier: Apache-2.0

package support

import (
	"strings"

	"landed/server/fleet"
)

// headlineData is what the sentences at the top of the status page are made from.
type headlineData struct {
	Shown, Models, Halted, Leaking int64
	NotShown                       int64 // models on which most handsets have not shown the effect, however they stand
	Figures

	first string // the sentence of the headline
}

// headline gathers what the first sentence speaks of.
func headline(v *Status) headlineData {
	d := headlineData{Models: int64(len(v.Models)), Figures: v.Totals}
	for _, m := range v.Models {
		if m.MostlyUnproven() {
			d.NotShown++
		}
		switch {
		case m.Standing == Shown:
			d.Shown++
		case m.Standing == Halted:
			d.Halted++
		case m.Standing == Leaking, m.Standing == Retired && m.Leaking() > 0:
			d.Leaking++
		}
	}
	return d
}

// key names the sentence that fits.
func (d headlineData) key() string {
	switch {
	case d.Installations == 0:
		return "headline.no_reports"
	case d.Running == 0:
		return "headline.none_running"
	case d.Shown == 0:
		return "headline.none_shown"
	}
	return "headline.shown"
}

// sayData is what the sentences of one model are made from.
type sayData struct {
	Model
	Migration string
	Why, Who  string // of the rollout that is halted
	Itself    bool   // halted by the server itself
}

// sayOf is what a support person can say about one model: how it stands, which is the largest
// group of handsets that have not shown the effect, and what the update does on a handset where
// the service was on.
func (s *Support) sayOf(snap *snapshot, m Model) string {
	d := sayData{Model: m, Migration: string(snap.source.EffectOn(m.Model).Migration)}
	for _, r := range m.Rollouts {
		if r.State == fleet.RolloutHalted {
			d.Why, d.Who, d.Itself = clip(r.Reason, sayable), r.By, r.ByItself()
		}
	}
	say := s.words.Say("say."+string(m.Standing), d)
	if u := m.Unproven(); u != nil { // whatever else is said, nobody may overlook these
		say += " " + s.words.Say("unproven."+u.Key, u)
	}
	if m.Standing != Retired && m.Standing != Halted && m.Standing != Leaking && m.Standing != NotOffered {
		say += " " + s.words.Say("say.migration."+d.Migration, d)
	}
	return say
}

// sayable is how many characters of a reason go into a sentence that is read out to a customer;
// the timeline of the model has all of them.
const sayable = 300

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return s
}

// Doc is the title of the page in the browser.
func (v *Status) Doc() string { return v.data.first }

// First is the headline's first sentence; the page says the rest beneath it.
func (v *Status) First() string { return v.data.first }

// Lead is the data of the sentences under the headline.
func (v *Status) Lead() headlineData { return v.data }

func (m Model) held() bool {
	for _, r := range m.Rollouts {
		if r.Stopped() {
			return true
		}
	}
	return false
}

// Bars are what "shown to work" asks for.
func (v *Status) Bars() any { return map[string]int{"Enough": EnoughJudged, "Percent": ShownPercent} }
