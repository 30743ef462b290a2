// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"maps"
	"slices"
)

// result is what the page says beside what is true. With -json it is the whole output.
type result struct {
	Release  string        `json:"release"`
	Handsets int           `json:"handsets"`
	Elapsed  float64       `json:"elapsed_s"` // real seconds
	Agrees   bool          `json:"agrees"`    // for every model, every class
	Models   []modelResult `json:"models"`
	Observer observer      `json:"observer"`
	// Observers is what outsiders signed; of the stories in which there are some.
	Observers *observersResult `json:"observers,omitempty"`
	// What follows is of a story with a second release.
	Releases     []releaseResult `json:"releases,omitempty"` // at the end
	TotalsBefore *totals         `json:"totals_before_second,omitempty"`
	TotalsAfter  *totals         `json:"totals_after_second,omitempty"`
	Dips         *int            `json:"dips,omitempty"`   // how often a total was seen lower than before
	Probes       int             `json:"probes,omitempty"` // how often the page was asked for that
	Known        *knownIssue     `json:"known_issue,omitempty"`
	Outage       *outageResult   `json:"outage,omitempty"` // of the story of that name
	Siege        *siegeResult    `json:"siege,omitempty"`  // of the story of that name
	Series       *pastResult     `json:"series,omitempty"` // of the story that goes on for a month
	Verified     *verified       `json:"verified,omitempty"`
	Others       *othersResult   `json:"others,omitempty"` // of the story of phones with other updaters
	headline     string
}

// releaseResult is what the page of a release says beside what is true under it.
type releaseResult struct {
	Release string        `json:"release"`
	Effect  string        `json:"effect"`
	Models  []modelResult `json:"models"`
}

// modelResult has every class of verdict in both maps, zeros too; both sum to Installations
// if the two agree.
type modelResult struct {
	Model         string           `json:"model"`
	RolloutState  string           `json:"rollout_state"`
	Installations int64            `json:"installations"`
	Verdicts      map[string]int64 `json:"verdicts"` // from the page
	Truth         map[string]int64 `json:"truth"`    // from the observer and the handsets' real state
	stage         int
}

// observer counts messages with an identifier that the stand-in for the maker's activation
// service received: while an unpatched build ran, and from patched builds whose user had not
// agreed. The second holds what leaked, and what handsets sent on whose service was carried over.
type observer struct {
	Before       int `json:"identifiers_received_before"`
	AfterPatched int `json:"identifiers_received_after_from_patched"`
}

// compareFirst holds the status page against what is so after the first release.
func (t *telling) compareFirst(ctx context.Context) (result, error) {
	page, err := t.site.status(ctx, "/status.json")
	if err != nil {
		return result{}, err
	}
	first := releaseResult{Models: t.compare(page, t.plan.first)}
	if t.plan.siege != nil {
		if err := t.compareOwn(ctx, first.Models); err != nil {
			return result{}, err
		}
	}
	r := result{Release: t.plan.first.Name, Models: first.Models, Agrees: first.agrees(), Observer: t.observed(),
		headline: page.Headline}
	for _, n := range t.fleet.Situations() {
		r.Handsets += n
	}
	if t.labs != nil {
		var good bool
		if r.Observers, good, err = t.labs.told(ctx, t); err != nil {
			return r, err
		}
		r.Agrees = r.Agrees && good
	}
	if t.plan.outage != nil {
		good := false
		r.Outage, good = t.plan.outage.told(t)
		r.Agrees = r.Agrees && good
	}
	if t.past != nil {
		var good bool
		if r.Series, good, err = t.toldPast(ctx, page); err != nil {
			return r, err
		}
		r.Agrees = r.Agrees && good
	}
	if t.plan.siege != nil {
		var good bool
		r.Siege, good, err = t.plan.siege.told(ctx, t)
		r.Agrees = r.Agrees && good
	}
	return r, err
}

// compareOwn has the page of each real installation say what it is, where the figures of all hold invented ones as well.
func (t *telling) compareOwn(ctx context.Context, models []modelResult) error {
	for k, m := range models {
		models[k].Installations, models[k].Verdicts = 0, map[string]int64{}
		for class := range m.Truth {
			models[k].Verdicts[class] = 0
		}
	}
	for _, i := range t.fleet.Installations() {
		k := slices.IndexFunc(models, func(m modelResult) bool { return m.Model == i.Model })
		if k < 0 || !i.Known {
			continue
		}
		verdict, err := t.site.verdict(ctx, string(i.Reference))
		if err != nil {
			return err
		}
		models[k].Installations++
		models[k].Verdicts[verdict]++
	}
	return nil
}

func (t *telling) observed() observer {
	ids := t.fleet.Identifiers()
	return observer{ids.Before, ids.AfterPatched}
}

// compare puts the figures of a page beside what is so under a release, for each of its models.
func (t *telling) compare(page statusPage, ship shipment) (all []modelResult) {
	for _, device := range t.fleet.Models() {
		if !slices.Contains(ship.models, device) {
			continue
		}
		m := modelResult{Model: device, Truth: map[string]int64{}, Verdicts: map[string]int64{}}
		for class, n := range t.fleet.Counts(device, ship.Name) {
			m.Truth[class] = int64(n)
		}
		for _, on := range page.Models {
			if on.Device != device {
				continue
			}
			m.Installations, m.Verdicts = on.Installations, on.Verdicts
			if len(on.Rollouts) > 0 {
				m.RolloutState, m.stage = on.Rollouts[0].State, on.Rollouts[0].Stage
			}
		}
		all = append(all, m)
	}
	return all
}

// agrees says if the page is right for every model, every class.
func (r releaseResult) agrees() bool {
	for _, m := range r.Models {
		if !maps.Equal(m.Verdicts, m.Truth) || sum(m.Verdicts) != m.Installations || m.Installations == 0 {
			return false
		}
	}
	return len(r.Models) > 0
}

func sum(counts map[string]int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
}
