// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"landed/manifests/report"
	"landed/server/fleet"
)

// copyOf is how a copy of figures is kept: JSON without zeros, with names as short as a letter, since there are many.
type copyOf struct {
	All         *figuresOf `json:"a,omitempty"`
	Counted     *figuresOf `json:"c,omitempty"`
	Quarantined *figuresOf `json:"q,omitempty"`
}

type figuresOf struct {
	Installations int64                     `json:"n,omitempty"`
	Silent        int64                     `json:"s,omitempty"`
	Lost          int64                     `json:"l,omitempty"`
	Leaked        int64                     `json:"e,omitempty"`
	OutOfDraw     int64                     `json:"o,omitempty"`
	Verdicts      map[fleet.Class]int64     `json:"v,omitempty"`
	Kinds         map[fleet.Kind]int64      `json:"k,omitempty"`
	Progress      map[report.Progress]int64 `json:"p,omitempty"`
	Before        map[fleet.Before]int64    `json:"b,omitempty"`
	Causes        map[report.Cause]int64    `json:"u,omitempty"`
	Heard         []int64                   `json:"h,omitempty"` // how many, then the silent ones; programs of before had none
}

// nothing is the text of a copy in which everything is zero.
const nothing = "{}"

func copyText(c fleet.Counts) (string, error) {
	text, err := json.Marshal(copyOf{shortly(c.Figures), shortly(c.Counted), shortly(c.Quarantined)}) // maps in the order of keys
	return string(text), err
}

// shortly is nil if nobody is in any figure.
func shortly(f fleet.Figures) *figuresOf {
	short := figuresOf{
		f.Installations,
		f.Silent,
		f.Lost,
		f.Leaked,
		f.OutOfDraw,
		some(f.Verdicts),
		some(f.Kinds),
		some(f.Progress),
		some(f.Before),
		some(f.Causes),
		nil,
	}
	if f.Heard != nil && *f.Heard != (fleet.Heard{}) {
		short.Heard = append([]int64{f.Heard.Of}, f.Heard.Silent[:]...)
	}
	if f.Installations == 0 && f.Leaked == 0 && short.Heard == nil &&
		len(short.Kinds)+len(short.Verdicts)+len(short.Progress)+len(short.Before) == 0 {
		return nil
	}
	return &short
}

// some are the values that are not zero.
func some[K comparable](of map[K]int64) map[K]int64 {
	left := maps.Clone(of)
	maps.DeleteFunc(left, func(_ K, n int64) bool { return n == 0 })
	return left
}

// copied reads what copyText wrote.
func copied(of fleet.Cell, text string) (fleet.Counts, error) {
	c := zeroCounts(of.Release, of.Model, of.Channel)
	var short copyOf
	if err := json.Unmarshal([]byte(text), &short); err != nil {
		return c, fmt.Errorf("what is kept of it cannot be read: %w", err)
	}
	for _, one := range []struct {
		from *figuresOf
		into *fleet.Figures
	}{{short.All, &c.Figures}, {short.Counted, &c.Counted}, {short.Quarantined, &c.Quarantined}} {
		if one.from == nil {
			continue
		}
		f, into := one.from, one.into
		into.Installations, into.Silent, into.Lost, into.Leaked, into.OutOfDraw = f.Installations, f.Silent, f.Lost, f.Leaked, f.OutOfDraw
		maps.Copy(into.Verdicts, f.Verdicts)
		maps.Copy(into.Kinds, f.Kinds)
		maps.Copy(into.Progress, f.Progress)
		maps.Copy(into.Before, f.Before)
		maps.Copy(into.Causes, f.Causes)
		if h := f.Heard; len(h) > len(fleet.SilentFor) {
			into.Heard = &fleet.Heard{Of: h[0], Silent: [len(fleet.SilentFor)]int64(h[1:])}
		}
	}
	return c, nil
}

// sums says in words what in a copy does not add up, "" if all does.
func sums(c fleet.Counts) string {
	for whose, f := range map[string]fleet.Figures{"everybody": c.Figures, "the counted": c.Counted, "the quarantined": c.Quarantined} {
		for what, n := range map[string]int64{"verdicts": total(f.Verdicts), "kinds": total(f.Kinds), "steps": total(f.Progress)} {
			if n != f.Installations {
				return fmt.Sprintf("of %s it has %d installations, and %d by %s", whose, f.Installations, n, what)
			}
		}
		if h := f.Heard; h != nil &&
			!slices.IsSortedFunc(append([]int64{h.Of}, h.Silent[:]...), func(a, b int64) int { return cmp.Compare(b, a) }) {
			return fmt.Sprintf(
				"of %s it has %d that were heard of, and of these %v that are silent, longer and longer",
				whose,
				h.Of,
				h.Silent,
			)
		}
	}
	return ""
}

func total[K comparable](of map[K]int64) (n int64) {
	for _, one := range of {
		n += one
	}
	return n
}
