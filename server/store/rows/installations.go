// SPDX-License-Identifier: Apache-2.0

package rows

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
)

// installations, of whom asked is what an Intake holds.
type installations struct {
	q     Querier
	asked *asked
}

const (
	installationKey   = `ref, release`
	installationState = `current, model, channel, seq, newest, progress, verdict, kind, because, before, leaked, cloned, reports,
	first, last, cause, away, back, admitted, who, draw_commit, drawn`
	installationColumns = installationKey + `, ` + installationState
)

// Get implements fleet.Installations.
func (s installations) Get(ctx context.Context, ref report.Reference) (fleet.Installation, error) {
	var i fleet.Installation
	err := s.q.Row(ctx, installationFields(&i), `SELECT `+installationColumns+
		` FROM installations WHERE ref = $1 AND current`, string(ref))
	if err != nil {
		return i, notFound(err, "installation_unknown", "no report of an installation %s has come in", ref)
	}
	return i, s.open(ctx, &i)
}

// open reads the newest report of a state again.
func (s installations) open(ctx context.Context, i *fleet.Installation) error {
	id := fleet.ReportID{Ref: i.Ref, Seq: i.Seq, ID: i.Newest.ID}
	stored, err := reports{s.q, nil}.Stored(ctx, id)
	if s, ok := stored[id]; err == nil && !ok {
		err = fleet.Errorf(fleet.NotFound, "report_unknown", "installation %s has sent no such report", i.Ref)
	} else if err == nil {
		i.Newest, _, err = envelope.Open(s.Envelope)
	}
	if err != nil {
		return fmt.Errorf("newest report of %s: %w", i.Ref, err)
	}
	return nil
}

// Of implements fleet.Installations.
func (s installations) Of(
	ctx context.Context, refs ...report.Reference,
) (map[report.Reference][]fleet.Installation, error) {
	if len(refs) == 0 {
		return map[report.Reference][]fleet.Installation{}, nil
	}
	keys := make([]string, len(refs))
	for n, ref := range refs {
		keys[n] = string(ref)
	}
	if s.asked != nil {
		if err := s.q.Hold(ctx, keys); err != nil {
			return nil, err
		}
		for _, ref := range refs {
			s.asked.refs[ref] = true
		}
	}
	rows, err := s.q.QueryKeys(ctx, `SELECT `+installationColumns+` FROM installations WHERE ref IN (SELECT {0} FROM {keys})`, keys)
	byRef := make(map[report.Reference][]fleet.Installation, len(refs))
	return byRef, Each(rows, err, func(rows Rows) error {
		i, err := scanInstallation(rows.Scan)
		if s.asked != nil {
			s.asked.states[stateKey{i.Ref, i.Release}] = true
		}
		if had := byRef[i.Ref]; i.Current {
			byRef[i.Ref] = slices.Insert(had, 0, i)
		} else {
			byRef[i.Ref] = append(had, i)
		}
		return err
	})
}

var putInstallations = NewUpsert("installations", installationKey, installationState)

// addInstallations is putInstallations of those that are new: it leaves out whoever is there.
var addInstallations = &Insert{"installations", installationColumns, `ON CONFLICT (` + installationKey + `) DO NOTHING`}

// Put implements fleet.Installations. Of a state that is put twice the last one stays. All who write put them in one order.
func (s installations) Put(ctx context.Context, states ...fleet.Installation) error {
	last := make(map[stateKey]*fleet.Installation, len(states))
	for n, i := range states {
		last[stateKey{i.Ref, i.Release}] = &states[n]
	}
	var known, fresh [][]any
	for _, key := range slices.SortedFunc(maps.Keys(last), compareStates) {
		row, err := installationRow(last[key])
		switch {
		case err != nil:
			return err
		case s.asked == nil || s.asked.states[key]:
			known = append(known, row)
		case !s.asked.refs[key.ref]:
			return fleet.Errorf(fleet.Forbidden, "not_asked", "a fault of the program: an Intake puts installations that it asked for")
		default:
			fresh = append(fresh, row)
			s.asked.states[key] = true
		}
	}
	if len(fresh) > 0 {
		added, err := s.q.Insert(ctx, addInstallations, fresh)
		if err != nil {
			return err
		}
		if int(added) < len(fresh) {
			s.asked.overtaken = true
			return fleet.Errorf(fleet.Busy, "database_busy", "another server was first with %d installations; try again", len(fresh)-int(added))
		}
	}
	if s.asked == nil {
		_, err := s.q.Insert(ctx, &putInstallations.Insert, known)
		return err
	}
	there, err := s.q.Update(ctx, putInstallations, known)
	if err == nil && int(there) != len(known) {
		err = fmt.Errorf("%d of %d installations are not there, which this transaction read", len(known)-int(there), len(known))
	}
	return err
}

func compareStates(a, b stateKey) int {
	return cmp.Or(cmp.Compare(a.ref, b.ref), cmp.Compare(a.release, b.release))
}

func installationRow(i *fleet.Installation) ([]any, error) {
	because, err1 := list(i.Because)
	commit, err2 := hex.DecodeString(i.Commit)
	return []any{
		string(i.Ref), i.Release, i.Current, i.Model, i.Channel, i.Seq, i.Newest.ID, string(i.Progress),
		string(i.Verdict), string(i.Kind),
		because, string(i.Before), i.Leaked, i.Cloned, i.Reports, millis(i.First), millis(i.Last),
		string(i.Cause), millis(i.Away), millis(i.Back), millis(i.Admitted), whoBits(i), bytes(commit), int64(i.Drawn),
	}, errors.Join(err1, err2)
}

// Alarming implements fleet.Installations.
func (s installations) Alarming(ctx context.Context, release, model string, limit int) ([]fleet.Installation, error) {
	return s.list(ctx, `SELECT `+installationColumns+` FROM installations
		WHERE kind = 'bad' AND release = $1 AND model = $2 ORDER BY last DESC, ref LIMIT $3`, release, model, limit)
}

// Walk implements fleet.Installations. It reads the table in its order, past the states of other releases.
func (s installations) Walk(
	ctx context.Context, release string, after report.Reference, limit int,
) ([]fleet.Installation, error) {
	all, err := s.list(ctx, `SELECT `+installationColumns+` FROM installations WHERE ref > $1 AND release = $2
		ORDER BY ref LIMIT $3`,
		string(after), release, limit)
	if err != nil {
		return nil, err
	}
	for n := range all {
		if err := s.open(ctx, &all[n]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Refs implements fleet.Installations.
func (s installations) Refs(ctx context.Context, after report.Reference, limit int) ([]report.Reference, error) {
	rows, err := s.q.Query(ctx, `SELECT DISTINCT ref FROM installations WHERE ref > $1 ORDER BY ref LIMIT $2`, string(after),
		limit)
	return Collect(rows, err, func(scan func(...any) error) (r report.Reference, err error) { return r, scan(&r) })
}

func (s installations) list(ctx context.Context, text string, args ...any) ([]fleet.Installation, error) {
	rows, err := s.q.Query(ctx, text, args...)
	return Collect(rows, err, scanInstallation)
}

func scanInstallation(scan func(...any) error) (i fleet.Installation, err error) {
	err = scan(installationFields(&i)...)
	i.Newest.Seq = i.Seq
	return i, err
}

func installationFields(i *fleet.Installation) []any {
	return []any{
		&i.Ref, &i.Release, &i.Current, &i.Model, &i.Channel, &i.Seq, &i.Newest.ID, &i.Progress, &i.Verdict, &i.Kind,
		asList[fleet.Reason]{&i.Because}, &i.Before, &i.Leaked, &i.Cloned, &i.Reports, asTime{&i.First}, asTime{&i.Last},
		&i.Cause, asTime{&i.Away}, asTime{&i.Back}, asTime{&i.Admitted}, asWho{i}, asHex{&i.Commit}, &i.Drawn,
	}
}
