// SPDX-License-Identifier: Apache-2.0

package recount

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"landed/manifests/effect"
	"landed/manifests/tally"
	"landed/server/cells"
	"landed/server/fleet"
	"landed/server/published"
)

// Public are the numbers of each model as everybody sees them where small ones are not shown: of the models that any release
// has, those of which there are cells.
func Public(shown []fleet.PublicCell, releases published.Releases, rollouts []fleet.Rollout) (all []tally.Cell) {
	known := ModelsOf(releases.Known(), rollouts)
	for _, c := range shown {
		if !slices.Contains(known, c.Model) {
			continue
		}
		if n := len(all); n == 0 || all[n-1].Model != c.Model {
			all = append(all, tally.Cell{Model: c.Model, Release: c.Release, Numbers: map[string]int64{}})
		}
		if c.Shown {
			all[len(all)-1].Numbers["kinds."+string(c.Kind)] = c.Number
		}
	}
	tally.Sort(all)
	return all
}

// Committed are cells without numbers: what they commit to is for auditors.
func Committed(all []tally.Cell) []tally.Cell {
	all = slices.Clone(all)
	for n := range all {
		all[n].Numbers = map[string]int64{}
	}
	return all
}

// carried counts the kinds of those that carry what is said of a model under a release.
func carried(release string, f Figures) map[fleet.Kind]int64 {
	cells, totals, most := f.Cells, f.Totals, int64(Everybody)
	if fleetOf := of(totals, counted); Sum(fleetOf...).Installations > 0 {
		_, all := UnderNewest(release, cells, totals, Everybody)
		cells, totals, most = of(cells, counted), fleetOf, f.mostUnmet(all)
	}
	c, _ := UnderNewest(release, cells, totals, most)
	return c.Kinds
}

// farOff says of each published number of t that is farther from what follows from the reports than the rule lets it stand.
func farOff(t tally.Tally, f Figures) (n int, far []string) {
	for _, m := range t.Models {
		if m.Release == "" {
			continue // nobody could judge
		}
		exact := carried(m.Release, f.Of(m.Model))
		for _, kind := range effect.Kinds {
			n++
			number, shown := m.Numbers["kinds."+string(kind)]
			switch off := exact[kind] - number; {
			case !shown && exact[kind] >= cells.Hidden(int64(t.Threshold), true):
				far = append(far, fmt.Sprintf("model %s: %d of kind %s follow from the reports, and none are shown, which hides more than "+
					"the rule does", m.Model, exact[kind], kind))
			case shown && max(off, -off) >= cells.Off(int64(t.Threshold)):
				far = append(far, fmt.Sprintf("model %s: %d of kind %s follow from the reports, and about %d are shown, which is farther off "+
					"than the rule lets it be", m.Model, exact[kind], kind, number))
			}
		}
	}
	return n, far
}

// outline is what is read of a page on which small numbers are not shown.
type outline struct {
	Threshold int64 `json:"threshold"`
	Release   *struct {
		Name string `json:"name"`
	} `json:"release"`
	Models []struct {
		Model   string            `json:"model"`
		Release string            `json:"release"`
		Kinds   map[string]*int64 `json:"kinds"`
		About   int64             `json:"about"`
	} `json:"models"`
	Totals *struct {
		Kinds  map[string]int64 `json:"kinds"`
		About  int64            `json:"about"`
		Hidden int64            `json:"models_not_shown"`
	} `json:"totals"`
}

// publicPage holds a page against a tally with a threshold.
func publicPage(t tally.Tally, name string, text []byte) error {
	var p outline
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("it is no JSON: %w", err)
	}
	folder, file := path.Split(name)
	ofRelease := folder == "releases/"
	switch {
	case !ofRelease && name != "status.json":
		return fmt.Errorf("it is no page that a tally speaks of")
	case p.Threshold != int64(t.Threshold):
		return fmt.Errorf("it hides numbers below %d, and the tally those below %d", p.Threshold, t.Threshold)
	case ofRelease && (p.Release == nil || p.Release.Name != strings.TrimSuffix(file, ".json")):
		return fmt.Errorf("it is of another release than its name says")
	case !ofRelease && p.Totals == nil:
		return fmt.Errorf("it has no totals")
	}
	sum, about, hidden, seen := map[string]int64{}, int64(0), int64(0), map[string]bool{}
	for _, m := range p.Models {
		if seen[m.Model] {
			return fmt.Errorf("model %.80q: it is there twice", m.Model)
		}
		seen[m.Model] = true
		have, of := map[string]int64{}, int64(0)
		for kind, n := range m.Kinds {
			if n != nil {
				have["kinds."+kind], of = *n, of+*n
				sum[kind], about = sum[kind]+*n, about+*n
			}
		}
		if len(have) == 0 {
			hidden++
		}
		want := map[string]int64{}
		if i := slices.IndexFunc(t.Models, func(c tally.Cell) bool { return c.Model == m.Model && c.Release == m.Release }); i >= 0 {
			want = t.Models[i].Numbers
		}
		err := same(have, want)
		if err == nil && of != m.About {
			err = fmt.Errorf("together they are %d, and it says %d", of, m.About)
		}
		if err != nil {
			return fmt.Errorf("model %.80q: %w", m.Model, err)
		}
	}
	if ofRelease {
		return nil
	}
	for _, c := range t.Models {
		if !seen[c.Model] {
			return fmt.Errorf("model %s: it is in the tally, and not on the page", c.Model)
		}
	}
	if !maps.Equal(sum, p.Totals.Kinds) || p.Totals.About != about || p.Totals.Hidden != hidden {
		return fmt.Errorf("totals: they are not the sums of what is shown")
	}
	return nil
}
