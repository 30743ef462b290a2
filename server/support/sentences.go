// SPDX-License-Identifier: Apache-2.0

package support

import (
	"slices"
	"strings"

	"landed/server/fleet"
	"landed/server/rollout"
	"landed/web"
)

// headlineData is what the sentences at the top of the status page are made from.
type headlineData struct {
	Shown, Halted, Leaking int64 // models
	Spreading, Open        int64 // models on which it is shown where it runs; of which nothing can be said yet
	Models                 int64 // whose release claims an effect; all of them if none does
	Claims                 bool
	NotShown               int64  // models on which most handsets have not shown the effect, however they stand
	Claim                  string // of a proven handset, "" if models stand under different effects
	Vouched                bool   // figures are of those that count
	Figures

	first string // the sentence of the headline
}

// headline gathers what the first sentence speaks of.
func headline(v *Status) headlineData {
	d := headlineData{Figures: v.Totals.Carry(), Vouched: v.Totals.Vouched()}
	for _, m := range v.Models {
		if m.claims {
			d.Models, d.Claims = d.Models+1, true
		}
		if m.Carry().MostlyUnproven() {
			d.NotShown++
		}
		switch {
		case m.Standing == Shown:
			d.Shown++
		case m.Standing == Spreading:
			d.Spreading++
		case m.Standing == Testing, m.Standing == Waiting, m.Standing == Offered, m.Standing == NotOffered:
			d.Open++
		case m.Standing == Halted:
			d.Halted++
		case m.Standing == Leaking, m.Standing == Retired && m.Carry().Opposite > 0:
			d.Leaking++
		}
	}
	if !d.Claims {
		d.Models = int64(len(v.Models))
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
	case !d.Claims:
		return "headline.plain"
	case d.Shown == 0 && d.Spreading > 0:
		return "headline.spreading"
	case d.Shown == 0:
		return "headline.none_shown"
	}
	return "headline.shown"
}

// Second says that there is more to say than the first sentence does.
func (d headlineData) Second() bool {
	return d.NotShown > 0 || d.Halted > 0 || d.Leaking > 0 || d.Running > 0 && d.Open > 0 || d.Shown > 0 && d.Spreading > 0
}

// sayData is what the sentences of one model are made from.
type sayData struct {
	Model
	Claim    string // of a proven handset
	ByHand   string // what a customer can do without the update, "" for nothing
	Limits   string
	Earlier  string // release that was halted on the model before this one
	Worst    string // what handsets that show the opposite do
	Why, Who string // of the rollout that is halted
	Itself   bool   // halted by the server itself
	Vouched  bool   // figures are of those that count
	Others   int64  // that do not count and report the opposite
}

// say is what a support person can say about one model: how it stands, which is the largest
// group of handsets that have not shown the effect, and what the update does on a handset where
// the service was on.
func (d describer) say(is *issue, m Model, earlier string) string {
	w := is.lex.words
	data := sayData{Claim: w.Shown, ByHand: w.ByHand, Limits: w.Limits, Earlier: earlier, Vouched: m.Vouched(), Others: m.Unconfirmed()}
	m.Figures = m.Carry()
	data.Model = m
	for _, r := range m.Rollouts {
		if r.State == fleet.RolloutHalted || r.State == fleet.RolloutHalting {
			data.Why, data.Who, data.Itself = clip(r.Reason, sayable), r.By, r.ByItself()
		}
	}
	if worst := m.Adverse(); worst != nil {
		data.Worst = worst.Means
	}
	key := "say." + string(m.Standing)
	if m.Public != nil && d.words.locale.Has("outline."+key) { // in which no number is exact
		key = "outline." + key
	}
	say := d.words.locale.Say(key, data)
	if m.Public == nil && data.Others > 0 { // they change no standing, and are not hushed up
		say = d.words.locale.Sentences(say, d.words.locale.Say("say.others", data))
	}
	if u := m.Unproven(); u != nil { // whatever else is said, nobody may overlook these
		say = d.words.locale.Sentences(say, d.words.locale.Say("unproven", u))
	}
	if m.ProvenEarlier+m.OppositeEarlier > 0 {
		say = d.words.locale.Sentences(say, d.words.locale.Say("earlier", m))
	}
	if earlier != "" && !slices.Contains([]Standing{Shown, Spreading, Halting, Halted, Retired}, m.Standing) {
		say = d.words.locale.Sentences(say, d.words.locale.Say("say.earlier", data))
	}
	if m.Standing != Retired && m.Standing != Halting && m.Standing != Halted && m.Standing != Leaking && m.Standing != NotOffered {
		if policy := w.Migration[string(is.AskOn(m.Model).Migration)]; policy != "" {
			say = d.words.locale.Sentences(say, policy)
		}
	}
	return clean(say)
}

// sayable is how many characters of a reason go into a sentence that is read out to a customer;
// the timeline of the model has all of them.
const sayable = 300

func clip(s string, most int) string {
	if r := []rune(web.Plain(s)); len(r) <= most {
		return s
	}
	r := []rune(s)
	return web.Closed(strings.TrimSpace(string(r[:most-1]))) + "…"
}

// Doc is the title of the page in the browser.
func (v *Status) Doc() string { return v.data.first }

// First is the headline's first sentence; the page says the rest beneath it.
func (v *Status) First() string { return v.data.first }

// Lead is the data of the sentences under the headline.
func (v *Status) Lead() headlineData { return v.data }

// Mixed says that models stand under different releases.
func (v *Status) Mixed() bool {
	for _, m := range v.Models {
		if m.Release != v.Models[0].Release {
			return true
		}
	}
	return false
}

func (m Model) held() bool { return slices.ContainsFunc(m.Rollouts, Rollout.Stopped) }

// Bars are what "shown" asks for.
func (v *Status) Bars() any {
	return map[string]int{"Percent": ShownPercent, "Widely": WidelyPercent, "Confidence": rollout.Confidence}
}
