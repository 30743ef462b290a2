// SPDX-License-Identifier: Apache-2.0

package recount

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"landed/manifests/tally"
	"landed/server/rollout"
)

// shown is what is read of a page: the figures of models, and of all of them.
type shown struct {
	Release struct {
		Name string `json:"name"`
	} `json:"release"`
	Models    []json.RawMessage          `json:"models"`
	Totals    json.RawMessage            `json:"totals"`
	SilentFor map[string]json.RawMessage `json:"silent_for"`
}

// whole and part are the names of counts in a page; groups are lists of such.
var (
	part   = []string{"installations", "unmet", "running", "failed", "lost", "judged", "proven", "opposite"}
	whole  = append(slices.Clone(part), "proven_earlier", "opposite_earlier")
	groups = []string{"kinds", "verdicts", "progress", "before", "causes"}
)

// Page holds every count on a page, as programs read it, against those of the tally. The error names the first that
// differs. A page without counts passes.
func Page(t tally.Tally, name string, text []byte) error {
	if name == "releases.json" {
		return nil // it has sentences alone; what they are made of is on the page of each release
	}
	if t.Threshold > 0 {
		return publicPage(t, name, text)
	}
	var p shown
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("it is no JSON: %w", err)
	}
	cells := t.Models
	if folder, file := path.Split(name); folder == "releases/" {
		if release := strings.TrimSuffix(file, ".json"); p.Release.Name != release {
			return fmt.Errorf("it is of release %.80q", p.Release.Name)
		}
		cells = nil
		for _, c := range t.Cells {
			if c.Release == p.Release.Name {
				cells = append(cells, c)
			}
		}
	} else if name != "status.json" {
		return errors.New("it is no page that a tally speaks of")
	}
	if t.Schema < tally.Silence {
		return p.hold(cells)
	}
	var at time.Time
	if raw, ok := p.SilentFor["at"]; ok && (json.Unmarshal(raw, &at) != nil || !at.Equal(t.AsOf)) {
		return fmt.Errorf("silent_for is of %.40s, and the tally of %s", raw, t.AsOf.Format(time.RFC3339Nano))
	}
	if err := p.hold(cells); err != nil {
		return err
	}
	return p.silence(cells)
}

// hold compares the figures of all models, and their sum.
func (p shown) hold(cells []tally.Cell) error {
	totals, seen := numbers{}, map[string]bool{}
	for _, raw := range p.Models {
		var m struct{ Model, Release string }
		if err := json.Unmarshal(raw, &m); err != nil {
			return err
		}
		i := slices.IndexFunc(cells, func(c tally.Cell) bool { return c.Model == m.Model })
		if i < 0 {
			return fmt.Errorf("model %.80q: the tally has nothing of it", m.Model)
		}
		if m.Release != cells[i].Release || seen[m.Model] {
			return fmt.Errorf("model %s: it stands under release %.80q, and under %.80q in the tally", m.Model, m.Release, cells[i].Release)
		}
		seen[m.Model] = true
		have, err := read(raw)
		if err == nil {
			err = same(have, loud(cells[i].Numbers))
		}
		if err == nil {
			err = ranges(raw, have)
		}
		if err != nil {
			return fmt.Errorf("model %s: %w", m.Model, err)
		}
		AddTo(totals, loud(cells[i].Numbers))
	}
	for _, c := range cells {
		if !seen[c.Model] {
			return fmt.Errorf("model %s: it is in the tally, and not on the page", c.Model)
		}
	}
	have, err := read(p.Totals)
	if err == nil {
		err = same(have, totals)
	}
	if err == nil {
		err = ranges(p.Totals, have)
	}
	if err != nil {
		return fmt.Errorf("totals: %w", err)
	}
	return nil
}

// loud are numbers without those of silence, which a page has once, of all its models.
func loud(all map[string]int64) map[string]int64 {
	some := maps.Clone(all)
	maps.DeleteFunc(some, func(name string, _ int64) bool { return strings.HasPrefix(name, silent) })
	return some
}

// ranged is what is read of figures beside counts: the range of the share that was proven, null where nobody could be judged.
type ranged struct {
	Of *struct {
		Low        int `json:"low"`
		High       int `json:"high"`
		Confidence int `json:"confidence"`
	} `json:"proven_interval"`
}

// ranges holds the ranges on a page against what follows from its counts.
func ranges(raw json.RawMessage, counts map[string]int64) error {
	var all struct {
		ranged
		Counted ranged `json:"counted"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("proven_interval: %w", err)
	}
	for part, is := range map[string]ranged{"": all.ranged, "counted.": all.Counted} {
		judged := counts[part+"judged"]
		low, high := rollout.Hundredths(counts[part+"proven"], judged)
		switch {
		case (is.Of == nil) != (judged == 0):
			return fmt.Errorf("%sproven_interval is there for nobody, or missing for some", part)
		case is.Of != nil && (is.Of.Low != low || is.Of.High != high || is.Of.Confidence != rollout.Confidence):
			return fmt.Errorf("%sproven_interval is %d to %d at %d %%, and %d to %d at %d %% follows", part, is.Of.Low, is.Of.High,
				is.Of.Confidence, low, high, rollout.Confidence)
		}
	}
	return nil
}

// silence compares who has said nothing for how long.
func (p shown) silence(cells []tally.Cell) error {
	want, have := numbers{}, numbers{}
	for _, c := range cells {
		for name, n := range c.Numbers {
			if strings.HasPrefix(name, silent) {
				want[name] += n
			}
		}
	}
	parts := map[string]map[string]json.RawMessage{"": p.SilentFor, "counted.": nil, "quarantined.": nil}
	for name, raw := range p.SilentFor {
		var some map[string]json.RawMessage
		if _, is := parts[name+"."]; is {
			if err := json.Unmarshal(raw, &some); err != nil {
				return fmt.Errorf("%s%s: %w", silent, name, err)
			}
			parts[name+"."] = some
		}
	}
	for part, counts := range parts {
		for name, raw := range counts {
			if _, is := parts[name+"."]; is || name == "at" {
				continue
			}
			var n int64
			if err := json.Unmarshal(raw, &n); err != nil {
				return fmt.Errorf("%s%s%s is no count: %w", silent, part, name, err)
			}
			have.put(silent+part+name, n)
		}
	}
	return same(have, want)
}

// same names the first count that differs.
func same(have, want map[string]int64) error {
	names := maps.Clone(want)
	if names == nil {
		names = map[string]int64{}
	}
	maps.Copy(names, have)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if have[name] != want[name] {
			return fmt.Errorf("%s is %d on the page, and %d in the tally", name, have[name], want[name])
		}
	}
	return nil
}

// read are the counts of one set of figures; what is 0 is left out.
func read(raw json.RawMessage) (map[string]int64, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	n := numbers{}
	count := func(name string, raw json.RawMessage) error {
		var one int64
		if err := json.Unmarshal(raw, &one); err != nil {
			return fmt.Errorf("%s is no count: %w", name, err)
		}
		n.put(name, one)
		return nil
	}
	for _, name := range whole {
		if err := count(name, fields[name]); err != nil {
			return nil, err
		}
	}
	for _, group := range groups {
		var of map[string]json.RawMessage
		if err := json.Unmarshal(fields[group], &of); err != nil {
			return nil, fmt.Errorf("%s: %w", group, err)
		}
		for name, raw := range of {
			if err := count(group+"."+name, raw); err != nil {
				return nil, err
			}
		}
	}
	for _, of := range []string{"counted", "quarantined"} {
		var some map[string]json.RawMessage
		if err := json.Unmarshal(fields[of], &some); err != nil {
			return nil, fmt.Errorf("%s: %w", of, err)
		}
		for _, name := range part {
			if err := count(of+"."+name, some[name]); err != nil {
				return nil, err
			}
		}
	}
	return n, nil
}
