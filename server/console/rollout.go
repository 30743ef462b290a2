// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/grounds"
	"landed/server/proposals"
	"landed/server/reasons"
	"landed/server/render"
	"landed/server/repo"
	"landed/server/rollout"
	"landed/server/rollouts"
)

// rolloutAPI lets releases go to models, and stops them.
type rolloutAPI struct {
	rollouts *rollouts.Rollouts
	store    fleet.Viewer
	now      func() time.Time
}

func (a rolloutAPI) doors() []Door {
	return []Door{
		{"GET", "/rollouts", support, a.list},
		{"POST", "/rollouts", engineer, a.start},
		{"GET", "/rollouts/{id}", support, a.show},
		{"POST", "/rollouts/{id}/halt", engineer, a.halt},
		{"POST", "/rollouts/{id}/resume", engineer, a.resume},
		{"POST", "/rollouts/{id}/pause", engineer, a.pause},
		{"POST", "/rollouts/{id}/widen", engineer, a.widen},
		{"POST", "/rollouts/{id}/retry", engineer, a.retry},
		{"POST", "/rollouts/{id}/stages", engineer, a.stages},
	}
}

func (a rolloutAPI) start(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Release string      `json:"release"`
		Models  []string    `json:"models"`  // empty: all of the release
		Channel string      `json:"channel"` // empty: stable
		Stages  []stageWire `json:"stages"`  // empty: the default ones
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	start := rollouts.Start{Release: in.Release, Models: in.Models, Channel: in.Channel, By: auth.Actor(r.Context())}
	var err error
	if start.Stages, err = stagesOf(in.Stages); err != nil {
		return err
	}
	started, err := a.rollouts.Start(r.Context(), start)
	if err != nil {
		return err
	}
	return a.answer(w, r, http.StatusCreated, started)
}

func (a rolloutAPI) list(w http.ResponseWriter, r *http.Request) error {
	var all []fleet.Rollout
	err := a.store.View(r.Context(), func(tx fleet.Tx) (err error) {
		all, err = tx.Rollouts().List(r.Context())
		return err
	})
	if err != nil {
		return err
	}
	return a.answer(w, r, http.StatusOK, all)
}

func (a rolloutAPI) answer(w http.ResponseWriter, r *http.Request, status int, rollouts []fleet.Rollout) error {
	all := []rolloutWire{}
	err := a.store.View(r.Context(), func(tx fleet.Tx) error {
		for _, one := range rollouts {
			wire, err := a.toWire(r.Context(), tx, one)
			if err != nil {
				return err
			}
			all = append(all, wire)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return render.JSON(w, status, map[string]any{"rollouts": all})
}

func (a rolloutAPI) toWire(ctx context.Context, tx fleet.Tx, r fleet.Rollout) (rolloutWire, error) {
	known, err := grounds.Of(ctx, tx, r, a.now())
	unknown := fleet.Is(err, fleet.Damaged) // the reports: what was done to the rollout is said all the same
	if err != nil && !unknown {
		return rolloutWire{}, err
	}
	counts := known.Counts.At(a.now())
	told := err
	packages, err := rollouts.Packages(ctx, tx, r)
	w := rolloutWire{
		ID: r.ID, Release: r.Release, Model: r.Model, Channel: r.Channel, Salt: r.Salt, State: r.State,
		Stage: r.Stage + 1, Share: r.Share(), Held: reasons.Words(r.Held), Reason: reasons.Words(r.Reason), By: r.By,
		Packages: []string{}, Waiting: []string{}, Waits: []reasonWire{}, Counts: countsToWire(counts),
		Since: r.Since, Started: r.Started, Changed: r.Changed, Revision: r.Revision,
		Stop: rollout.Stop(r), Known: r.Known, Retry: r.Retries, Cautions: orEmpty(rollout.Cautions(r.Stages, r.Known)),
	}
	waits, err2 := proposals.Waits(ctx, tx, r.ID, a.now())
	if err = errors.Join(err, err2); err != nil {
		return w, err
	}
	for _, p := range waits {
		w.Proposals = append(w.Proposals, proposalToWire(p))
	}
	w.Seconded = r.Seconded
	is := a.rollouts.Standing(ctx, r)
	w.State, w.Missing = is.State, is.Missing
	if unknown {
		w.Counts, w.Known, w.Cautions = nil, 0, []string{"its figures are not known: " + repo.Why(told)}
	} else if r.State == fleet.RolloutRunning {
		waits := rollout.Waiting(a.now(), r, known)
		w.Waiting, w.Waits = reasons.All(waits), reasonsToWire(waits)
	}
	for _, p := range packages {
		w.Packages = append(w.Packages, p.SHA256)
	}
	for _, s := range r.Stages {
		w.Stages = append(w.Stages, stageToWire(s))
	}
	return w, err
}

func (a rolloutAPI) show(w http.ResponseWriter, r *http.Request) error {
	return a.showAs(w, r, false)
}

// showAs shows one rollout; repeated says that it was as it was asked to be already.
func (a rolloutAPI) showAs(w http.ResponseWriter, r *http.Request, repeated bool) error {
	var answer rolloutWire
	err := a.store.View(r.Context(), func(tx fleet.Tx) error {
		one, err := tx.Rollouts().Get(r.Context(), r.PathValue("id"))
		if err != nil {
			return err
		}
		answer, err = a.toWire(r.Context(), tx, one)
		return err
	})
	if err != nil {
		return err
	}
	answer.Repeated = repeated
	return render.JSON(w, http.StatusOK, answer)
}

func (a rolloutAPI) halt(w http.ResponseWriter, r *http.Request) error {
	return a.change(w, r, plain(a.rollouts.Halt))
}

func (a rolloutAPI) resume(w http.ResponseWriter, r *http.Request) error {
	return a.change(w, r, func(ctx context.Context, id, by string, in turnWire) (fleet.Rollout, error) {
		return a.rollouts.Resume(ctx, id, by, in.Reason, rollouts.IfStopped(in.Stop))
	})
}

func (a rolloutAPI) pause(w http.ResponseWriter, r *http.Request) error {
	return a.change(w, r, plain(a.rollouts.Pause))
}

func (a rolloutAPI) widen(w http.ResponseWriter, r *http.Request) error {
	return a.change(w, r, func(ctx context.Context, id, by string, in turnWire) (fleet.Rollout, error) {
		return a.rollouts.Widen(ctx, id, by, in.Reason, rollouts.IfNext(in.To))
	})
}

func (a rolloutAPI) retry(w http.ResponseWriter, r *http.Request) error {
	return a.change(w, r, plain(a.rollouts.Retry))
}

func (a rolloutAPI) stages(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Reason string      `json:"reason"`
		Stages []stageWire `json:"stages"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	stages, err := stagesOf(in.Stages)
	if err != nil {
		return err
	}
	_, err = a.rollouts.SetStages(r.Context(), r.PathValue("id"), auth.Actor(r.Context()), in.Reason, stages)
	if err != nil {
		return err
	}
	return a.show(w, r)
}

// turnWire is what somebody wants of a rollout.
type turnWire struct {
	Reason string `json:"reason"`
	Stop   string `json:"stop"` // of resume: the "stop" of the rollout that she saw; "": any hold
	To     int    `json:"to"`   // of widen: the stage that it goes to, the first is 1
}

// changing does it.
type changing func(ctx context.Context, id, by string, in turnWire) (fleet.Rollout, error)

func plain(how func(ctx context.Context, id, by, reason string) (fleet.Rollout, error)) changing {
	return func(ctx context.Context, id, by string, in turnWire) (fleet.Rollout, error) {
		return how(ctx, id, by, in.Reason)
	}
}

func (a rolloutAPI) change(w http.ResponseWriter, r *http.Request, how changing) error {
	var in turnWire
	if err := read(w, r, &in); err != nil {
		return err
	}
	var before fleet.Rollout
	err := a.store.View(r.Context(), func(tx fleet.Tx) (err error) {
		before, err = tx.Rollouts().Get(r.Context(), r.PathValue("id"))
		return err
	})
	if err != nil {
		return err
	}
	now, err := how(r.Context(), before.ID, auth.Actor(r.Context()), in)
	if err != nil {
		return err
	}
	return a.showAs(w, r, now.State == before.State && now.Stage == before.Stage && now.Retries == before.Retries)
}
