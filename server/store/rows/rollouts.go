// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"context"
	"errors"

	"landed/server/fleet"
)

type rollouts struct{ q Querier }

// rolloutColumns has package, which is written empty: a rollout offers every package of its release for its model and
// channel.
const rolloutColumns = `id, release, model, channel, package, salt, stages, state, stage, since, held, reason, by,
	forgiven, started, changed, revision, known, excused, looked, retries, forgiven_counted, excused_lost, reached, seconded`

// Create implements fleet.Rollouts.
func (s rollouts) Create(ctx context.Context, r fleet.Rollout) error {
	stages, held, reason, reached, err := texts(r)
	if err != nil {
		return err
	}
	_, err = s.q.Try(ctx, `INSERT INTO rollouts (`+rolloutColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
		$12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)`,
		r.ID, r.Release, r.Model, r.Channel, "", r.Salt, stages, r.State, r.Stage, millis(r.Since), held,
		reason, r.By, r.Forgiven, millis(r.Started), millis(r.Changed), r.Revision, r.Known, r.Excused,
		millis(r.Looked), r.Retries, r.ForgivenCounted, r.ExcusedLost, reached, bit(r.Seconded))
	if err == nil {
		return record(ctx, s.q, "rollouts", r.ID)
	}
	return conflict(err, "rollout_exists", "the rollout %s exists; a release goes to a model and channel once", r.ID)
}

// Get implements fleet.Rollouts.
func (s rollouts) Get(ctx context.Context, id string) (fleet.Rollout, error) {
	var r fleet.Rollout
	err := s.q.Row(ctx, rolloutFields(&r), `SELECT `+rolloutColumns+` FROM rollouts WHERE id = $1`, id)
	return r, notFound(err, "rollout_unknown", "there is no rollout %s", id)
}

// Save implements fleet.Rollouts. What a rollout is (its release, model, channel, salt, known)
// never changes; the rest does.
func (s rollouts) Save(ctx context.Context, r fleet.Rollout) error {
	stages, held, reason, reached, err := texts(r)
	if err != nil {
		return err
	}
	n, err := s.q.Exec(ctx, `UPDATE rollouts SET package = $2, stages = $3, state = $4, stage = $5, since = $6, held = $7,
		reason = $8, by = $9, forgiven = $10, started = $11, changed = $12, excused = $14, looked = $15, retries = $16,
		forgiven_counted = $17, excused_lost = $18, reached = $19, seconded = $20, revision = revision + 1
		WHERE id = $1 AND revision = $13`,
		r.ID, "", stages, r.State, r.Stage, millis(r.Since), held, reason, r.By, r.Forgiven, millis(r.Started),
		millis(r.Changed), r.Revision, r.Excused, millis(r.Looked), r.Retries,
		r.ForgivenCounted, r.ExcusedLost, reached, bit(r.Seconded))
	if err != nil {
		return err
	}
	if n == 1 {
		return record(ctx, s.q, "rollouts", r.ID)
	}
	now, err := s.Get(ctx, r.ID)
	if err != nil {
		return err
	}
	return fleet.Errorf(fleet.Conflict, "rollout_moved", "rollout %s changed meanwhile (revision %d, not %d); load "+
		"it again", r.ID, now.Revision, r.Revision)
}

// List implements fleet.Rollouts.
func (s rollouts) List(ctx context.Context) ([]fleet.Rollout, error) {
	return s.list(ctx, `SELECT `+rolloutColumns+` FROM rollouts ORDER BY release, model, channel`)
}

// OfModel implements fleet.Rollouts.
func (s rollouts) OfModel(ctx context.Context, model, channel string) ([]fleet.Rollout, error) {
	return s.list(ctx, `SELECT `+rolloutColumns+` FROM rollouts o WHERE model = $1 AND ($2 = '' OR channel = $2)
		ORDER BY coalesce((SELECT counter FROM releases WHERE name = o.release), -1) DESC, started DESC, id`, model, channel)
}

func (s rollouts) list(ctx context.Context, text string, args ...any) ([]fleet.Rollout, error) {
	rows, err := s.q.Query(ctx, text, args...)
	had := map[string][]fleet.Stage{} // most rollouts have the stages of others
	return Collect(rows, err, func(scan func(...any) error) (r fleet.Rollout, err error) {
		fields := rolloutFields(&r)
		fields[rolloutStages] = asListAgain[fleet.Stage]{asList[fleet.Stage]{&r.Stages}, had}
		return r, scan(fields...)
	})
}

// texts are the parts of a rollout that are stored as JSON.
func texts(r fleet.Rollout) (stages, held, why, reached string, err error) {
	stages, err1 := list(r.Stages)
	held, err2 := reason(r.Held)
	why, err3 := reason(r.Reason)
	reached, err4 := list(r.Reached)
	return stages, held, why, reached, errors.Join(err1, err2, err3, err4)
}

// rolloutStages is where the stages are among them.
const rolloutStages = 6

func rolloutFields(r *fleet.Rollout) []any {
	return []any{&r.ID, &r.Release, &r.Model, &r.Channel, new(string), &r.Salt, asList[fleet.Stage]{&r.Stages}, &r.State,
		&r.Stage, asTime{&r.Since},
		asReason{&r.Held}, asReason{&r.Reason}, &r.By, &r.Forgiven, asTime{&r.Started}, asTime{&r.Changed}, &r.Revision,
		&r.Known, &r.Excused, asTime{&r.Looked}, &r.Retries, &r.ForgivenCounted, &r.ExcusedLost,
		asList[fleet.Reach]{&r.Reached}, asBit{&r.Seconded}}
}
