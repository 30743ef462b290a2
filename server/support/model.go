// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/server/fleet"
)

// ModelPage is one model in depth: the page /models/{role} and its JSON.
type ModelPage struct {
	Schema  int      `json:"schema"` // 1
	Release *Release `json:"release"`
	Model
	Migration manifests.Migration `json:"migration"` // what the image does where the service was on
	Plans     []Plan              `json:"plans"`
	Timeline  []Event             `json:"timeline"` // newest first
	Packages  []Package           `json:"packages"`
	Notes     []Note              `json:"notes"`
}

// Plan is the stages of one rollout.
type Plan struct {
	Rollout string  `json:"rollout"`
	Channel string  `json:"channel"`
	Stages  []Stage `json:"stages"`
}

// Stage is one step of a plan. Shares are hundredths of a percent.
type Stage struct {
	N           int    `json:"n"`
	State       string `json:"state"` // "done", "now", "next"
	Share       int    `json:"share"`
	SoakHours   int    `json:"soak_hours"`
	MinReports  int64  `json:"min_reports"`
	MinProven   int    `json:"min_proven"`
	MaxFailures int    `json:"max_failures"`
	HaltLeaks   int64  `json:"halt_leaks"`
}

// Event is one line of the audit trail of a rollout.
type Event struct {
	At      time.Time `json:"at"`
	Action  string    `json:"action"` // "rollout.halt" …
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	Rollout string    `json:"rollout"`
}

// Package is what is installed: facts of the file.
type Package struct {
	Name        string `json:"name"`
	Variant     string `json:"variant"`
	Channel     string `json:"channel"`
	Build       string `json:"build"` // fingerprint that runs afterwards
	Incremental string `json:"incremental"`
	Size        int64  `json:"size"` // bytes
	SHA256      string `json:"sha256"`
	SignedBy    string `json:"signed_by"` // SHA-256 of the public key that signed the file, "" if unknown
	SignedAs    string `json:"signed_as"` // the name in its certificate, which proves nothing
	KeyKnown    bool   `json:"key_known"` // the key is one of those pinned for the channel
	Algorithm   string `json:"algorithm"` // "RSA-2048, SHA-1"
}

// Note is the release note in one language.
type Note struct {
	Lang string `json:"lang"`
	Text string `json:"text"`
}

// timelineLength is how many lines of the trail a page shows.
const timelineLength = 50

func (s *Support) model(r *http.Request) (view, error) {
	known, ok := s.catalogue.ByRole(r.PathValue("role"))
	if !ok {
		return nil, fleet.Errorf(fleet.NotFound, "model_unknown", "no model of the catalogue has that name; the status page lists them")
	}
	ctx, v := r.Context(), &ModelPage{Schema: 1, Plans: []Plan{}, Timeline: []Event{}, Packages: []Package{}, Notes: []Note{}}
	v.Model = Model{Model: known.Device, Role: known.Role(), Product: clean(known.Product), Numbers: numbers(known), Standing: NotOffered, Figures: figures(), Rollouts: []Rollout{}}
	err := s.view.View(ctx, func(tx fleet.Tx) error {
		snap, err := s.newest(ctx, tx)
		if err != nil || snap == nil {
			return err
		}
		if _, told := snap.retired[known.Device]; !told { // the newest release does not concern it
			retired, err := s.retired(ctx, tx)
			if err != nil {
				return err
			}
			if snap.retired[known.Device], err = retired(known.Role()); err != nil {
				return err
			}
		}
		v.Release, v.Model = releaseView(snap), s.modelView(snap, known.Device)
		v.Migration = snap.source.EffectOn(known.Device).Migration
		for _, tag := range manifests.Languages {
			v.Notes = append(v.Notes, Note{tag, clean(snap.source.Notes[tag])})
		}
		if err := s.plans(ctx, tx, snap, v); err != nil {
			return err
		}
		return s.files(ctx, tx, snap, v)
	})
	if err != nil {
		return nil, err
	}
	if v.Release == nil {
		v.Say = s.words.Say("headline.no_release", nil)
	}
	return v, nil
}

// plans adds the stages and the trail of every rollout of the model.
func (s *Support) plans(ctx context.Context, tx fleet.Tx, snap *snapshot, v *ModelPage) error {
	for _, r := range snap.rollouts {
		if r.Model != v.Model.Model {
			continue
		}
		v.Plans = append(v.Plans, Plan{r.ID, r.Channel, stages(r)})
		trail, err := tx.Audit().OfSubject(ctx, r.ID, timelineLength)
		if err != nil {
			return err
		}
		for _, e := range trail {
			v.Timeline = append(v.Timeline, Event{e.At.UTC(), clean(e.Action), clean(e.Actor), clean(e.Reason), r.ID})
		}
	}
	slices.SortStableFunc(v.Timeline, func(a, b Event) int { return b.At.Compare(a.At) })
	return nil
}

func stages(r fleet.Rollout) []Stage {
	var out []Stage
	for i, s := range r.Stages {
		state := "next"
		switch {
		case i < r.Stage || r.State == fleet.RolloutFinished:
			state = "done"
		case i == r.Stage:
			state = "now"
		}
		leaks := s.Gates.HaltLeaks
		if leaks == 0 {
			leaks = fleet.DefaultHaltLeaks
		}
		out = append(out, Stage{i + 1, state, s.Share, int(s.Soak.Hours()), s.Gates.MinReports, s.Gates.MinProven, s.Gates.MaxFailures, leaks})
	}
	return out
}

// files adds the packages of the release for the model.
func (s *Support) files(ctx context.Context, tx fleet.Tx, snap *snapshot, v *ModelPage) error {
	for _, ref := range snap.release.Packages {
		p, err := s.pkg(ctx, tx, ref)
		if err != nil {
			return err
		}
		if p.Model == v.Model.Model {
			v.Packages = append(v.Packages, packageView(p))
		}
	}
	return nil
}

func packageView(p fleet.Package) Package {
	v := Package{
		Name: clean(p.Name), Variant: clean(p.Variant), Channel: p.Channel, Build: clean(p.Build.Fingerprint),
		Incremental: clean(p.Build.Incremental), Size: p.Size, SHA256: p.SHA256,
	}
	var facts otapkg.Facts
	if json.Unmarshal(p.Facts, &facts) == nil && facts.Signer != nil {
		v.SignedBy, v.SignedAs, v.KeyKnown = facts.Signer.KeySHA256, clean(facts.Signer.Subject), facts.Signer.Pinned
		v.Algorithm = clean(facts.Signer.Algorithm + ", " + facts.Signer.Hash)
	}
	return v
}

// openEvents is how many lines of the trail stand open on the page; older ones are folded.
const openEvents = 3

// Newest are the newest lines of the trail.
func (v *ModelPage) Newest() []Event { return v.Timeline[:min(len(v.Timeline), openEvents)] }

// Older are the lines of the trail that Newest leaves out.
func (v *ModelPage) Older() []Event { return v.Timeline[len(v.Newest()):] }

// Doc is the title of the page in the browser.
func (v *ModelPage) Doc() string { return v.Product }
