// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"strings"
	"time"

	"landed/handset/sim"
)

// result is what the page says beside what is true. With -json it is the whole output.
type result struct {
	Release  string        `json:"release"`
	Handsets int           `json:"handsets"`
	Elapsed  float64       `json:"elapsed_s"` // real seconds
	Agrees   bool          `json:"agrees"`    // for every model, every class
	Models   []modelResult `json:"models"`
	Observer observer      `json:"observer"`
	headline string
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

// compare reads the page and asks the fleet.
func compare(ctx context.Context, h *house, fleet *sim.Fleet, elapsed time.Duration) (result, error) {
	page, err := h.status(ctx)
	if err != nil {
		return result{}, err
	}
	ids := fleet.Identifiers()
	r := result{
		Release: page.Release.Name, Elapsed: math.Round(elapsed.Seconds()*10) / 10, Agrees: true, headline: page.Headline,
		Observer: observer{ids.Before, ids.AfterPatched},
	}
	for _, n := range fleet.Situations() {
		r.Handsets += n
	}
	for _, device := range fleet.Models() {
		m := modelResult{Model: device, Truth: map[string]int64{}, Verdicts: map[string]int64{}}
		for class, n := range fleet.Counts(device) {
			m.Truth[class], m.Verdicts[class] = int64(n), 0
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
		r.Agrees = r.Agrees && maps.Equal(m.Verdicts, m.Truth) && sum(m.Verdicts) == m.Installations && m.Installations > 0
		r.Models = append(r.Models, m)
	}
	return r, nil
}

func sum(counts map[string]int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
}

// print shows the result: for each model the classes that it has, and where the page is wrong.
func (r result) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n\n", wrap(r.headline, ""))
	for _, m := range r.Models {
		fmt.Fprintf(w, "%-15s %s, stage %d, %d known\n", m.Model, m.RolloutState, m.stage, m.Installations)
		var cells []string
		for _, class := range sim.Classes {
			n, truth := m.Verdicts[class], m.Truth[class]
			cell := fmt.Sprintf("%d %s", n, class)
			if truth != n {
				cell += fmt.Sprintf(" (is %d)", truth)
			}
			if n > 0 || truth > 0 {
				cells = append(cells, cell)
			}
		}
		indent := strings.Repeat(" ", 4)
		fmt.Fprintln(w, wrap(indent+strings.Join(cells, ", "), indent))
	}
	fmt.Fprintf(w, "\nThe observer received %d messages with identifiers from unpatched handsets,\nand %d from patched "+
		"ones whose user had not agreed.\n", r.Observer.Before, r.Observer.AfterPatched)
	if r.Agrees {
		fmt.Fprintf(w, "The page agrees with what %d handsets really did, class by class (%.1f s).\n", r.Handsets, r.Elapsed)
	} else {
		fmt.Fprintln(w, "The page does NOT agree with what the handsets really did.")
	}
}
