// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"encoding/json"
	"fmt"

	"landed/manifests/effect"
	"landed/manifests/report"
)

// judgement is what judge -json prints.
type judgement struct {
	Release   string      `json:"release"` // by whose rules
	Counter   int64       `json:"counter"`
	Effect    string      `json:"effect"`
	Model     string      `json:"model"`
	Document  string      `json:"document"`  // SHA-256 of the effect document
	Reference string      `json:"reference"` // of the installation
	Report    string      `json:"report"`    // its id
	Class     string      `json:"class"`
	Kind      effect.Kind `json:"kind"`
	Name      string      `json:"name"` // of the class, in words
	Reasons   []worded    `json:"reasons"`
	Notes     []string    `json:"notes"` // what could not be known
}

// worded is a reason with its words.
type worded struct {
	effect.Reason
	Words string `json:"words"`
}

// judgement puts a verdict into words.
func (f judgeFlags) judgement(by signedEffect, r report.Report, ref report.Reference, v effect.Verdict) judgement {
	words := by.Effect.Words[f.language]
	j := judgement{Release: by.Release, Counter: by.Counter, Effect: by.Effect.Name, Model: by.Model, Document: by.sha256,
		Reference: string(ref), Report: r.ID, Class: v.Class, Kind: v.Kind, Name: words.Classes[v.Class].Name,
		Reasons: []worded{}, Notes: f.unknowns(by, r)}
	if j.Name == "" {
		j.Name = commonClasses[v.Class]
	}
	for _, reason := range v.Because {
		text, ok := by.Effect.Reason(f.language, reason)
		if !ok {
			text = commonReasons[reason.Code]
		}
		j.Reasons = append(j.Reasons, worded{reason, text})
	}
	return j
}

func (a *app) sayJudgement(j judgement, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(a.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(j)
	}
	a.para("", fmt.Sprintf("%s: %s (%s)", j.Class, j.Name, j.Kind))
	for _, r := range j.Reasons {
		a.para("  ", r.Code+": "+r.Words)
	}
	a.say("")
	a.para("", fmt.Sprintf("Judged by effect %s of release %s, counter %d, for %s.",
		j.Effect, j.Release, j.Counter, j.Model))
	a.say("Effect document %s", j.Document)
	a.say("Installation    %s", plain(j.Reference))
	a.say("Report          %s", plain(j.Report))
	a.say("\nWhat cannot be known from these files:")
	for _, note := range j.Notes {
		a.para("  - ", note)
	}
	return nil
}
