// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"slices"
	"strings"
	"testing"
)

// knowns are all that may be known of an installation: nothing, an issue of one question, or one of each.
func knowns() (all [][]Known) {
	whos := []Who{Owner, Service, Engineers, Nobody}
	all = append(all, nil)
	for _, who := range whos {
		all = append(all, []Known{{false, who}}, []Known{{true, who}})
		for _, other := range whos {
			all = append(all, []Known{{false, who}, {true, other}})
		}
	}
	return all
}

// withKnown gives every combination of facts with one of the known issues, another with each; those that make no difference to
// what is said of known issues are fixed.
func withKnown(yield func(Facts)) {
	n, some := 0, knowns()
	all(func(f Facts) {
		if n++; n%37 == 0 { // no divisor of how many there are of anything
			for _, k := range some {
				f.Known = k
				yield(f)
			}
			return
		}
		f.Known = some[n%len(some)]
		yield(f)
	})
}

// TestKnownIssuesContradictNothing holds what is said of known issues against the rest, and the rest against them.
func TestKnownIssuesContradictNothing(t *testing.T) {
	n, faults, told := 0, 0, map[string]int{}
	withKnown(func(f Facts) {
		n++
		a := Of(f)
		has := func(code string) bool { return slices.Contains(a.Tell, code) }
		step := func(code string) int { return slices.IndexFunc(a.Do, func(s Step) bool { return s.Code == code }) }
		engineers := func(verdict bool) bool { return slices.Contains(f.Known, Known{verdict, Engineers}) }
		gone := a.Say == Unreadable
		want, acts, present := len(f.Known), false, true
		if gone && f.knows(true) {
			want--
		}
		for _, one := range a.Known {
			k := f.Known[one.N]
			present = present && one.Now == (f.Days <= Recent)
			acts = acts || one.Acts != k.Who && (one.Acts != "" || k.Who != Nobody) ||
				k.Who != Nobody && step("known."+string(k.Who)) < 0
		}
		nobody := slices.ContainsFunc(a.Known, func(k Told) bool { return k.Acts == Nobody })
		somebody := slices.ContainsFunc(a.Do, func(s Step) bool { return s.Who != Nobody && s.Code != "check" })
		ended := f.Offer.Reason == ModelRetired || f.Offer.Reason == "halted" || f.Offer.Reason == NoRollout || f.Offer.Halting &&
			f.Offer.Reason == "offered"
		stuck := a.Say.Without() && (ended || a.Failure != nil && a.Failure.GaveUp)
		known := slices.IndexFunc(a.Do, func(s Step) bool { return strings.HasPrefix(s.Code, "known.") })
		remedy := slices.IndexFunc(a.Do, func(s Step) bool { return strings.HasPrefix(s.Code, "remedy.") })
		words := slices.DeleteFunc(slices.Clone(a.Tell), func(c string) bool { return !strings.HasPrefix(c, "known") })
		for _, is := range []struct {
			what string
			bad  bool
		}{
			{"one is not told, or twice", len(a.Known) != want},
			{"the wrong time", !present},
			{"who acts is another one, or has no step", acts},
			{"nobody has to act, and somebody has to", nobody && somebody},
			{"nobody has to act, and the update does not come", nobody && stuck},
			{"the customer hears the same, and nothing comes", has("known_nobody") && stuck},
			{"the one that the main sentence is about is not first", len(a.Known) == 2 && f.Known[a.Known[0].N].Verdict == a.Say.Without()},
			{"the remedy comes before what people wrote", known >= 0 && remedy >= 0 && remedy < known},
			{"what is known is passed on", f.engineersKnow(false) && a.Failure != nil && (step("ask_retry") >= 0 || has("ask_retry"))},
			{"what is known is looked at anew", engineers(false) && slices.ContainsFunc(a.Do, Step.superseded)},
			{"“we do not know why” of what is known", f.knows(false) && has("remedy.pass_on")},
			{"what nobody knows of is not passed on", (a.Say == Contradictory || a.Say == NoRule || a.Say == Still) && !engineers(true) &&
				step("pass_on") < 0},
			{"what failed without a reason is not passed on", a.Failure != nil && a.Failure.Remedy == PassOn && !engineers(false) &&
				step("pass_on") < 0 && step("ask_retry") < 0},
			{"what is known is passed on all the same", step("pass_on") >= 0 && engineers(false) && engineers(true)},
			{"the customer is told of none, or of one that is not", len(a.Known) > 0 != (len(words) == 1)},
			{"the customer is told of the past as of now", f.Days > Recent && len(words) == 1 && words[0] != "known_was"},
			{"nothing to do, beside something", step("nothing") >= 0 && len(a.Do) > 1 || len(a.Do) == 0},
		} {
			if faults < 10 && is.bad {
				faults++
				t.Errorf("%s: %+v, failure %+v: %+v", is.what, f, f.Failure, a)
			}
		}
		for _, code := range words {
			told[code]++
		}
	})
	for _, code := range []string{"known", "known_engineers", "known_nobody", "known_was"} {
		if told[code] == 0 {
			t.Errorf("no facts lead to %s", code)
		}
	}
	t.Logf("%d combinations", n)
}
