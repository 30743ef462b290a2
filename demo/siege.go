// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"landed/handset/sim"
	"landed/manifests"
	"landed/server/otactl/client"
)

// siege is an attacker without a key that counts, who invents as many installations as there are handsets, twice. The
// patient ones report for two months before the rollout starts, so that they are known by then; the impatient ones
// appear when it does. A third of each claim that the fix is proven, a third that it leaks, a third that it fails.
type siege struct {
	arrives, strikes  int    // days on which the patient ones begin, and on which the first rollout and the impatient ones do
	attacked, watched string // models

	lab       keeper
	attackers []*attacker
	stops     int            // of rollouts, by the server itself
	halts     int            // of those
	ended     int            // by a resume
	opened    []opening      // stages that the server opened
	seen      map[string]int // by rollout: the stage that it was in
}

// attacker is one forger, and when it wants to be called again.
type attacker struct {
	*sim.Forger
	patient bool
	wake    time.Time
}

// opening is a stage that the server opened.
type opening struct {
	Stage  int   `json:"stage"`
	Judged int64 `json:"judged"` // real handsets that had shown by then what the build does
	Wanted int64 `json:"wanted"` // by the gates of the stage before, at most
}

// besiege lets the attackers come when it is their time, and the engineers end what they achieve.
func (t *telling) besiege() error {
	s := t.plan.siege
	for k, forgery := range sim.Forgeries {
		for _, patient := range []bool{true, false} {
			cfg := sim.ForgerConfig{Forgery: forgery, N: (t.handsets + k) / len(sim.Forgeries), URL: t.site.url,
				Model: s.attacked, Seed: t.seed, Now: t.clock.Now}
			arrives := s.strikes
			if patient {
				cfg.Seed, cfg.Patient, arrives = t.seed+1, time.Duration(s.strikes-s.arrives)*day, s.arrives
			}
			f, err := sim.NewForger(cfg)
			if err != nil {
				return err
			}
			s.attackers = append(s.attackers, &attacker{f, patient, t.clock.start.Add(time.Duration(arrives) * day)})
		}
	}
	t.fleet.Every(2*time.Hour, func(ctx context.Context) error { return errors.Join(s.attack(ctx, t), s.answer(ctx, t)) })
	return nil
}

func (s *siege) attack(ctx context.Context, t *telling) error {
	for _, a := range s.attackers {
		if t.clock.Now().Before(a.wake) || a.Done() {
			continue
		}
		wake, err := a.Step(ctx)
		if err != nil {
			return fmt.Errorf("the attacker: %w", err)
		}
		a.wake = wake
	}
	return nil
}

// answer is what the engineers do, two hours at most after a rollout was stopped: they look, see that no handset of
// theirs shows it, and let it go on.
func (s *siege) answer(ctx context.Context, t *telling) error {
	all, err := t.site.api.Rollouts().List(ctx)
	for _, r := range all {
		if err == nil && r.Stage > s.seen[r.ID] {
			s.note(t, r)
		}
		stopped := r.State == "held" || r.State == "halted"
		if err != nil || !stopped {
			continue
		}
		s.stops++
		if r.State == "halted" {
			s.halts++
		}
		if _, err = t.site.api.Rollouts().Resume(ctx, r.ID, r.Stop, "no handset that counts shows it, and none in the lab"); err == nil {
			s.ended++
		}
	}
	return err
}

// note takes down that a stage was opened; the first is opened by whoever starts the rollout.
func (s *siege) note(t *telling, r client.Rollout) {
	s.seen[r.ID] = r.Stage
	if r.Stage == 1 {
		return
	}
	o := opening{Stage: r.Stage, Wanted: r.Stages[r.Stage-2].Gates.MinReports}
	for class, n := range t.fleet.Counts(r.Model, r.Release) {
		if class != "unpatched" && class != "unknown" && class != "not_exercised" {
			o.Judged += int64(n)
		}
	}
	s.opened = append(s.opened, o)
}

// siegeResult is what came of it.
type siegeResult struct {
	Patient     int            `json:"forged_patient"`   // installations that were invented
	Impatient   int            `json:"forged_impatient"` // likewise
	Claims      int            `json:"forged_claims"`    // of them that made a claim
	Became      map[string]int `json:"forged_reports"`   // by what they were answered
	Counted     int64          `json:"counted"`          // installations that count, in the end
	Admitted    int64          `json:"forged_counted"`   // of those: invented
	Headline    float64        `json:"headline_percent"` // of those: proven
	Without     float64        `json:"headline_percent_without_forged"`
	Moved       float64        `json:"moved_points"`
	AtMost      float64        `json:"moved_points_at_most"` // 1, or what the admitted ones can move of a smaller fleet
	Quarantined int64          `json:"quarantined"`          // installations, to know the figure without them
	Opened      []opening      `json:"stages_opened"`
	ByForgeries int            `json:"stages_opened_by_forgeries"` // of those: the real handsets alone would not have sufficed
	Stops       int            `json:"stops"`                      // holds and halts by the server itself
	Halts       int            `json:"halts"`
	Ended       int            `json:"stops_ended"`     // by otactl rollout resume
	Finished    bool           `json:"finished"`        // the rollout that was attacked, at the whole fleet
	WitnessHalt float64        `json:"witness_halt_ms"` // from the report of a lab's handset until the served offers say halted
}

// pageAge is how old a page may be that is given out, and a little.
const pageAge = 1200 * time.Millisecond

// admittedBy is how many more the budget of a small fleet admits by itself once a person has vouched.
const admittedBy = 1

// told says what came of it, and takes the forgeries out to know what they had moved.
func (s *siege) told(ctx context.Context, t *telling) (*siegeResult, bool, error) {
	r := &siegeResult{Became: map[string]int{}, Opened: s.opened, Stops: s.stops, Halts: s.halts, Ended: s.ended}
	for _, a := range s.attackers {
		for answer, n := range a.Became() {
			r.Became[answer] += n
		}
		r.Claims += a.Struck()
		if n := len(a.References()); a.patient {
			r.Patient += n
		} else {
			r.Impatient += n
		}
	}
	for _, o := range s.opened {
		if o.Judged < o.Wanted {
			r.ByForgeries++
		}
	}
	one, err := t.site.api.Rollouts().Get(ctx, s.rollout(t, s.attacked))
	r.Finished = one.Share == 10_000 && (one.State == "finished" || one.State == "running")
	var err1, err2, err3, err4 error
	var took time.Duration
	r.Counted, r.Headline, err1 = t.headline(ctx)
	r.Quarantined, err2 = s.takeOut(ctx, t)
	time.Sleep(pageAge)
	var without int64
	without, r.Without, err3 = t.headline(ctx)
	r.Admitted = r.Counted - without
	took, err4 = s.lab.strike(ctx, t, s.rollout(t, s.watched))
	r.WitnessHalt = float64(took.Microseconds()) / 1000
	r.Moved = math.Round(100*math.Abs(r.Headline-r.Without)) / 100
	r.AtMost = math.Ceil(max(1, 100*admittedBy/float64(max(r.Counted, 1)))*100) / 100
	good := r.Counted > 0 && r.Claims > 0 && r.Moved <= r.AtMost && r.ByForgeries == 0 && r.Halts == 0 && r.Stops == r.Ended && r.Finished
	return r, good, errors.Join(err, err1, err2, err3, err4)
}

func (s *siege) rollout(t *telling, device string) string {
	return t.plan.first.Name + "." + manifests.Model{Device: device}.Role() + ".stable"
}

// takeOut quarantines whoever was first heard of when the attackers came: they know when the flood was, and nothing else.
func (s *siege) takeOut(ctx context.Context, t *telling) (n int64, err error) {
	at := func(d int) time.Time { return t.clock.start.Add(time.Duration(d) * day) }
	for _, flood := range [][2]time.Time{{at(s.arrives), at(s.arrives + 16)}, {at(s.strikes), t.clock.Now()}} {
		q, err := t.site.api.Fleet().Quarantine(ctx, flood[0], flood[1], "", "a flood of new installations")
		if err != nil {
			return n, err
		}
		n += q.Installations
	}
	return n, nil
}

// headline is how many count, and how many percent of those the page calls proven.
func (t *telling) headline(ctx context.Context) (counted int64, percent float64, err error) {
	page, err := t.site.status(ctx, "/status.json")
	var proven int64
	for _, m := range page.Models {
		counted += m.Counted.Installations
		proven += m.Counted.Proven
	}
	return counted, math.Round(10_000*float64(proven)/float64(max(counted, 1))) / 100, err
}
