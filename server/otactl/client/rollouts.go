// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net/url"
	"time"
)

// Rollout is a release going to one model on one channel.
type Rollout struct {
	ID       string    `json:"id"` // "<release>.<role>.<channel>"
	Release  string    `json:"release"`
	Model    string    `json:"model"`
	Channel  string    `json:"channel"`
	Packages []string  `json:"packages"` // SHA-256, one for each image variant
	Salt     string    `json:"salt"`
	State    string    `json:"state"`              // "running", "held", "halting", "halted", "finished"
	Missing  string    `json:"missing,omitempty"`  // what the served offers do not say yet, in words
	Repeated bool      `json:"repeated,omitempty"` // it was as it was asked to be already
	Stage    int       `json:"stage"`              // 1, 2, 3 …
	Share    int       `json:"share"`              // offered now, in hundredths of a percent
	Stages   []Stage   `json:"stages"`
	Held     string    `json:"held,omitempty"`   // why it stays at its share
	Reason   string    `json:"reason,omitempty"` // why it was halted
	Stop     string    `json:"stop,omitempty"`   // why it is held or halted, in 8 digits: Resume wants it
	By       string    `json:"by"`               // who halted or resumed it last; "landed" for the loop itself
	Waiting  []string  `json:"waiting"`          // what its stage waits for, in words
	Waits    []Reason  `json:"waits,omitempty"`  // the same as codes with values
	Known    int64     `json:"known"`            // counted installations when its salt was drawn, 0: nobody vouched
	Retry    int       `json:"retry"`            // how often handsets that gave up were asked to try again
	Cautions []string  `json:"cautions"`         // what is unwise about its stages, in words
	Counts   *Counts   `json:"counts,omitempty"`
	Since    time.Time `json:"since"` // when this stage was entered, or resumed
	Started  time.Time `json:"started"`
	Changed  time.Time `json:"changed"`
	Revision int64     `json:"revision"`
	Seconded bool      `json:"seconded,omitempty"` // two persons resumed it last
	// What waits for a second person.
	Proposals []Proposal `json:"proposals,omitempty"`
}

// Stage is one step of a rollout.
type Stage struct {
	Share int    `json:"share"` // 1…10,000 hundredths of a percent
	Soak  string `json:"soak"`  // at least this long, as Go writes durations: "48h0m0s"
	Gates Gates  `json:"gates"`
}

// Gates are the conditions to leave a stage. Shares are hundredths of a percent.
type Gates struct {
	MinReports  int64 `json:"min_reports"`
	MinProven   int   `json:"min_proven"`
	MaxFailures int   `json:"max_failures"`
	HaltLeaks   int64 `json:"halt_leaks,omitempty"` // 0: the server's default
}

// Reason is a code with the values that its sentence holds.
type Reason struct {
	Code   string            `json:"code"`
	Values map[string]string `json:"values,omitempty"`
}

// Counts are installations of one rollout's model and channel: everybody, and beside them the counted fleet, which gates
// go by.
type Counts struct {
	Figures
	Counted Figures `json:"counted"` // zeros from a server that does not count yet
}

// Figures say of some installations how many are what.
type Figures struct {
	Installations int64            `json:"installations"`
	Began         int64            `json:"began"`
	Running       int64            `json:"running"`
	Failed        int64            `json:"failed"`
	Lost          int64            `json:"lost"`   // said that they installed it, and nothing more for 72 hours
	Causes        map[string]int64 `json:"causes"` // of those that failed: "network", "server", "storage", "package", "build"
	Proven        int64            `json:"proven"`
	Judged        int64            `json:"judged"`
	Leaked        int64            `json:"leaked"`   // ever
	Verdicts      map[string]int64 `json:"verdicts"` // by class, zeros too
}

// Rollouts are the rollouts of a server.
type Rollouts struct{ t *transport }

type rollouts struct {
	Rollouts []Rollout `json:"rollouts"`
}

// List gives all rollouts.
func (r Rollouts) List(ctx context.Context) ([]Rollout, error) {
	var a rollouts
	err := r.t.get(ctx, "/v1/rollouts", &a)
	return a.Rollouts, err
}

// Get gives one rollout.
func (r Rollouts) Get(ctx context.Context, id string) (Rollout, error) {
	var one Rollout
	err := r.t.get(ctx, "/v1/rollouts/"+url.PathEscape(id), &one)
	return one, err
}

// Start lets a published release go to models; none means every model of it. channel "" is stable, no stages are the
// server's default ones.
func (r Rollouts) Start(
	ctx context.Context, release string, models []string, channel string, stages []Stage,
) ([]Rollout, error) {
	in := struct {
		Release string   `json:"release"`
		Models  []string `json:"models"`
		Channel string   `json:"channel"`
		Stages  []Stage  `json:"stages"`
	}{release, models, channel, stages}
	var a rollouts
	err := r.t.post(ctx, "/v1/rollouts", in, &a)
	return a.Rollouts, err
}

// Halt stops a rollout at once: handsets that have not begun do not begin. It may be repeated. An error of the code
// "stored_not_published" says that it is stored, and that the server goes on publishing it.
func (r Rollouts) Halt(ctx context.Context, id, reason string) (Rollout, error) {
	return r.change(ctx, id, "halt", reason)
}

// Resume lets a held or halted rollout go on that is stopped for what the caller saw: stop is that of the rollout, or "" for
// any hold. It may be repeated, as Halt.
func (r Rollouts) Resume(ctx context.Context, id, stop, reason string) (Rollout, error) {
	return r.ask(ctx, id, "resume", map[string]any{"reason": reason, "stop": stop})
}

// Pause has a rollout stay at its share until it is resumed.
func (r Rollouts) Pause(ctx context.Context, id, reason string) (Rollout, error) {
	return r.change(ctx, id, "pause", reason)
}

// Widen goes to a stage now, the first of which is 1, whatever the gates before it wait for. It must be the next one, or
// that after the last to finish it; to be there already is no error.
func (r Rollouts) Widen(ctx context.Context, id string, to int, reason string) (Rollout, error) {
	return r.ask(ctx, id, "widen", map[string]any{"reason": reason, "to": to})
}

// Retry asks handsets that gave up to try again.
func (r Rollouts) Retry(ctx context.Context, id, reason string) (Rollout, error) {
	return r.change(ctx, id, "retry", reason)
}

// SetStages changes the stages that were not reached yet. The list is whole.
func (r Rollouts) SetStages(ctx context.Context, id, reason string, stages []Stage) (Rollout, error) {
	in := struct {
		Reason string  `json:"reason"`
		Stages []Stage `json:"stages"`
	}{reason, stages}
	var changed Rollout
	err := r.t.post(ctx, "/v1/rollouts/"+url.PathEscape(id)+"/stages", in, &changed)
	return changed, err
}

func (r Rollouts) change(ctx context.Context, id, how, reason string) (Rollout, error) {
	return r.ask(ctx, id, how, map[string]any{"reason": reason})
}

func (r Rollouts) ask(ctx context.Context, id, how string, in map[string]any) (changed Rollout, err error) {
	err = r.t.post(ctx, "/v1/rollouts/"+url.PathEscape(id)+"/"+how, in, &changed)
	return changed, err
}
