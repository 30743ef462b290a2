// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"encoding/json"
	"time"

	"landed/manifests/otapkg"
	"landed/server/fleet"
)

// Plan is the stages of one rollout.
type Plan struct {
	Rollout string  `json:"rollout"`
	Release string  `json:"release"`
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
	Release string    `json:"release"`

	// On the page, where a rollout was looked at again and again: how often before, and since when.
	Times int64     `json:"-"`
	Since time.Time `json:"-"`
}

// once puts lines that only say that a rollout was looked at again into the newest of them.
func once(trail []Event) (lines []Event) {
	for _, e := range trail { // newest first
		if last := len(lines) - 1; last >= 0 && e.Action == waited && lines[last].Action == waited && lines[last].Rollout == e.Rollout {
			lines[last].Times, lines[last].Since = lines[last].Times+1, e.At
			continue
		}
		lines = append(lines, e)
	}
	return lines
}

// waited is the action of a line that says what a rollout waits for.
const waited = fleet.ActionLook

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
		g := s.Gates
		out = append(out, Stage{i + 1, state, s.Share, int(s.Soak.Hours()), g.MinReports, g.MinProven, g.MaxFailures, leaks})
	}
	return out
}

// files adds the packages of a release for the model.
func (p modelPages) files(ctx context.Context, tx fleet.Tx, is *issue, v *ModelPage) error {
	for _, light := range is.Packages {
		if light.Model != v.Model.Model {
			continue
		}
		pkg, err := p.packages.get(ctx, tx, light.Ref())
		if err != nil {
			return err
		}
		v.Packages = append(v.Packages, packageView(pkg))
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
