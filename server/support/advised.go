// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"strconv"
	"strings"
	"time"

	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/server/fleet"
	"landed/server/support/advice"
)

// Advice is the one answer about an installation: codes, and their words.
type Advice struct {
	Situation advice.Situation `json:"situation"`
	Say       string           `json:"say"`    // how it stands
	Recent    bool             `json:"recent"` // the newest report is young enough for the present tense
	Days      int              `json:"days"`   // since it came
	Age       string           `json:"age"`    // the same in words
	Do        []AdvisedStep    `json:"do"`
	Tell      []string         `json:"tell"`    // to the customer, sentence by sentence
	Failure   *AdvisedFailure  `json:"failure"` // null if none is known
	Switch    *AdvisedSwitch   `json:"switch"`  // null if the effect has none, or nothing is said of it
	// Since is when a report first said what stands against it, of those that say so without a break; zero if that is not known
	Since time.Time `json:"since,omitzero"`
}

// AdvisedStep is one thing to be done, and by whom.
type AdvisedStep struct {
	advice.Step
	By    string `json:"by"`
	Words string `json:"words"`
}

// AdvisedFailure is what stopped the update.
type AdvisedFailure struct {
	advice.Failure
	Phase   report.Phase `json:"phase"`
	Code    int          `json:"code"`
	Attempt int          `json:"attempt"` // which one it was; 0 if that is not known
	Words   string       `json:"words"`   // the cause
	Help    string       `json:"help"`    // the remedy
}

// AdvisedSwitch is what the newest report says of the switch of the effect.
type AdvisedSwitch struct {
	Probe  string `json:"probe"`
	Answer string `json:"answer"`
	Off    bool   `json:"off"`
	Words  string `json:"words"`
}

// Elsewhere says that a failure is known, and the main sentence does not say what it was.
func (a Advice) Elsewhere() bool {
	if !a.Recent {
		return a.Failure != nil
	}
	switch a.Situation {
	case advice.GaveUp, advice.FailedAgain, advice.FailedEnded, advice.AskedAgain:
		return false
	}
	return a.Failure != nil
}

// Stands says that the main sentence answers no question of the effect: the update does not run.
func (a Advice) Stands() bool { return a.Situation.Without() }

// advised is what the sentences of an advice may use.
type advised struct {
	At                             time.Time
	Days                           int64
	Class, Still, Do, Tell, ByHand string // words of the effect
	Switch, Cause, Because, Was    string
	Attempt                        int
	Since                          time.Time
	Recent                         bool
}

// course is what the reports of an installation tell together.
type course struct {
	since time.Time // of the verdict
	more  bool      // what speaks against it grew while the switch was off
}

// courseOf reads reports by sequence, the newest last; all says that there are none before them.
func courseOf(told []Statement, sw probe.Probe, all bool) (h course) {
	var newest, off *Statement // off: the first since which the switch is off
	same, quiet := true, true
	for n := len(told) - 1; n >= 0; n-- {
		st := &told[n]
		if st.Dropped != "" || st.Late {
			continue
		}
		if newest == nil {
			newest = st
		}
		if st.Release != newest.Release {
			all = true
			break
		}
		if same = same && st.Verdict == newest.Verdict; same {
			h.since = st.At
		}
		if quiet = quiet && st.Build == newest.Build && st.answer(sw) != "" && st.answer(sw) != probe.SwitchOn; quiet {
			off = st
		}
	}
	if same && !all {
		h.since = time.Time{} // it may have said so before
	}
	h.more = off != nil && grew(off.why, newest.why)
	return h
}

func (st Statement) answer(p probe.Probe) string { return st.answers[p.Name].String() }

// grew says if reasons count more than those before, or are others.
func grew(before, after []effect.Reason) bool {
	was := map[string]map[string]string{}
	for _, r := range before {
		was[r.Code] = r.Values
	}
	for _, r := range after {
		values, had := was[r.Code]
		if !had {
			return true
		}
		for name, value := range r.Values {
			then, err1 := strconv.ParseInt(values[name], 10, 64)
			now, err2 := strconv.ParseInt(value, 10, 64)
			if err1 == nil && err2 == nil && now > then {
				return true
			}
		}
	}
	return false
}

// askedAgain says if people asked handsets that gave up to try again, after a moment.
func askedAgain(ctx context.Context, tx fleet.Tx, rollout string, after time.Time) (bool, error) {
	trail, err := tx.Audit().Acts(ctx, rollout, timelineLength)
	for _, e := range trail {
		if e.Action == "rollout.retry" && e.At.After(after) {
			return true, err
		}
	}
	return false, err
}

// advise gives the page of an installation its one answer, with what is known of it.
func (p installationPages) advise(q *query, lex lexicon, family string, h course) {
	f, data := factsOf(q.page, q.is, lex, family, h)
	f.Known = knownTo(q.known)
	a := advice.Of(f)
	p.word(q.page, a, data, f)
	for _, told := range a.Known {
		q.page.Issues = append(q.page.Issues, KnownTold{p.says.knownIssue(q.known[told.N], lex), told})
	}
}

// factsOf gathers what decides, and what the sentences may use.
func factsOf(v *InstallationPage, i fleet.Installation, lex lexicon, family string, h course) (advice.Facts, advised) {
	f := advice.Facts{
		Class: string(v.Verdict), Kind: v.Kind, ByHand: lex.words.ByHand != "", Progress: i.Progress, Failure: i.Newest.Failure,
		Family: family, Asked: v.Offer.asked, More: h.more, Days: v.Advice.Days,
		Offer: advice.Offer{
			Reason: v.Offer.Reason, Held: v.Offer.State == string(fleet.RolloutHeld),
			Halting: v.Offer.State == string(fleet.RolloutHalting),
			Another: v.Offer.release != "" && v.Offer.release != i.Release,
		},
	}
	because := i.Because
	if lex.unread {
		_, _, because = unread()
	}
	if len(because) > 0 {
		f.Reason = because[0].Code
	}
	w := lex.classWords(string(i.Verdict), because)
	data := advised{At: v.Last, Days: int64(v.Advice.Days), Class: v.Name, Still: clean(w.Still), Do: clean(w.Do), Tell: clean(w.Tell),
		ByHand: clean(lex.words.ByHand), Because: strings.Join(v.Because, "; "), Attempt: i.Newest.Attempt, Since: h.since}
	if v.Advice.Switch = lex.switchOf(i.Newest); v.Advice.Switch != nil {
		f.Switch, data.Switch = advice.On, v.Advice.Switch.Words
		if v.Advice.Switch.Off {
			f.Switch = advice.Off
		}
		for _, r := range because {
			_, looks := r.Values[v.Advice.Switch.Probe]
			f.Looked = f.Looked || looks
		}
	}
	return f, data
}

// word puts an answer into words.
func (p installationPages) word(v *InstallationPage, a advice.Answer, data advised, f advice.Facts) {
	data.Recent = a.Recent
	say := func(key string) string { return p.locale.Say("advice."+key, data) }
	to := &v.Advice
	to.Situation, to.Recent, to.Since = a.Say, a.Recent, data.Since.UTC()
	if a.Failure != nil {
		is := AdvisedFailure{Failure: *a.Failure, Attempt: data.Attempt}
		if is.Words = p.locale.Say("failure.unsaid", nil); f.Failure != nil {
			is.Phase, is.Code, is.Words = f.Failure.Phase, f.Failure.Code, p.failure(*f.Failure, f.Family)
		}
		data.Cause = is.Words
		is.Help = say("do.remedy." + string(a.Failure.Remedy))
		to.Failure = &is
	}
	data.Was = say("was." + a.Was)
	if to.Say = say("say." + string(a.Say)); !a.Recent && a.Say != advice.Unreadable {
		to.Say = say("say.old")
	}
	to.Age = say("age")
	for _, step := range a.Do {
		to.Do = append(to.Do, AdvisedStep{step, say("who." + string(step.Who)), say("do." + step.Code)})
	}
	for _, code := range a.Tell {
		to.Tell = append(to.Tell, say("tell."+code))
	}
	v.Still, v.Tell = to.Say, p.locale.Sentences(to.Tell...)
	var do []string
	for _, step := range to.Do {
		do = append(do, step.Words)
	}
	v.Do = p.locale.Sentences(do...)
	v.Offer.Code = a.Offer
	v.Offer.Words = p.locale.Say("offer."+a.Offer, v.Offer)
}

// switchOf is what a report says of the switch of the effect.
func (l lexicon) switchOf(r report.Report) *AdvisedSwitch {
	if l.effect == nil {
		return nil
	}
	sw, ok := l.effect.Switch()
	value, answered := r.Answers[sw.Name]
	if !ok || !answered || !sw.Allows(value) {
		return nil
	}
	words := strings.TrimRight(clean(l.sentence(sw.Name, value.String())), ".。")
	return &AdvisedSwitch{sw.Name, value.String(), value.String() != probe.SwitchOn, words}
}

// daysSince is how many days of UTC went by, as silence is counted.
func daysSince(now, last time.Time) int { return int(max(0, effect.Day(now)-effect.Day(last))) }
