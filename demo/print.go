// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"landed/manifests/evidence"
)

// print shows the result: for each model the classes that it has, and where the page is wrong.
func (r result) print(w io.Writer) {
	if r.Others != nil {
		r.Others.print(w, r.Agrees)
		return
	}
	fmt.Fprintf(w, "\n%s\n\n", wrap(r.headline, ""))
	if len(r.Releases) == 0 {
		printModels(w, r.Models)
	}
	for _, release := range r.Releases {
		fmt.Fprintf(w, "%s (%s)\n", release.Release, release.Effect)
		printModels(w, release.Models)
	}
	fmt.Fprintf(w, "\nThe observer received %d messages with identifiers from unpatched handsets,\nand %d from patched "+
		"ones whose user had not agreed.\n", r.Observer.Before, r.Observer.AfterPatched)
	r.Observers.print(w)
	if r.Dips != nil {
		fmt.Fprintf(w, "%d installations before the second release, %d after it; asked %d times, the page went down %d "+
			"times.\n", r.TotalsBefore.All, r.TotalsAfter.All, r.Probes, *r.Dips)
	}
	if k := r.Known; k != nil {
		fmt.Fprintf(w, "What support was told of the bad build explains %d handsets; %d leak.\n", k.Explained, k.Truth)
	}
	if o := r.Outage; o != nil {
		fmt.Fprintf(w, "%d of %d downloads were cut off, %d requests met 503; %d halts, %d holds, %d without the update.\n", o.Cut,
			o.Downloads, o.Refused, o.Halts, o.Holds, o.NotInstalled)
	}
	if r.Series != nil {
		fmt.Fprintln(w, wrap(r.Series.words()+".", ""))
	}
	if s := r.Siege; s != nil {
		fmt.Fprintf(w, "%d invented installations stopped the rollout %d times, and people let it go on %d times; they opened %d "+
			"stages.\nOf %d handsets that count %.2f %% are proven, without the invented ones %.2f %%. A lab's handset halted its "+
			"model in %.0f ms.\n", s.Patient+s.Impatient, s.Stops, s.Ended, s.ByForgeries, s.Counted, s.Headline, s.Without,
			s.WitnessHalt)
	}
	if v := r.Verified; v != nil {
		fmt.Fprintf(
			w,
			"Somebody outside fetched tally %d: its %d pages are as signed, and all %d numbers follow from %d reports.\n",
			v.Tally,
			v.Pages,
			v.Numbers,
			v.Reports,
		)
	}
	if r.Agrees {
		fmt.Fprintf(w, "The page agrees with what %d handsets really did, class by class (%.1f s).\n", r.Handsets, r.Elapsed)
	} else {
		fmt.Fprintln(w, "The page does NOT agree with what the handsets really did.")
	}
}

// print shows what outsiders found, one line for each model and kind that they tested.
func (o *observersResult) print(w io.Writer) {
	if o == nil {
		return
	}
	fmt.Fprintf(w, "\n%d statements of observers; %d of %d must confirm.\n", o.Statements, o.Need, o.Named)
	for _, m := range o.Models {
		for _, k := range m.Kinds {
			if k.First == "" {
				continue
			}
			line := fmt.Sprintf("%-15s %-9s %s: %s", m.Model, k.Kind, k.Standing, k.Say)
			if k.First == evidence.Refutes && k.Standing == evidence.Confirmed {
				line += "; refuted before"
			}
			if k.Truth != k.Standing {
				line += fmt.Sprintf(" (is %s)", k.Truth)
			}
			fmt.Fprintln(w, line)
		}
	}
	fmt.Fprintln(w)
}

func printModels(w io.Writer, models []modelResult) {
	for _, m := range models {
		fmt.Fprintf(w, "%-15s %s, stage %d, %d known\n", m.Model, m.RolloutState, m.stage, m.Installations)
		classes := maps.Clone(m.Truth)
		maps.Copy(classes, m.Verdicts)
		var cells []string
		for _, class := range slices.Sorted(maps.Keys(classes)) {
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
}
