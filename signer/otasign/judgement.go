// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"fmt"
	"slices"
	"strings"

	"landed/manifests/effect"
	"landed/manifests/effect/probe"
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
func (f judgeFlags) judgement(by signedEffect, known []signedEffect, r report.Report, ref report.Reference,
	v effect.Verdict) judgement {
	words := by.Effect.Words[f.language]
	j := judgement{Release: by.Release, Counter: by.Counter, Effect: by.Effect.Name, Model: by.Model, Document: by.sha256,
		Reference: string(ref), Report: r.ID, Class: v.Class, Kind: v.Kind, Name: words.Classes[v.Class].Name,
		Reasons: []worded{}, Notes: f.unknowns(by, known, r)}
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

// unknowns are what this judgement cannot know, and what it was told. known are the documents that were named.
func (f judgeFlags) unknowns(by signedEffect, known []signedEffect, r report.Report) []string {
	notes := []string{"Whether the effect document is the one that was signed: its SHA-256 stands in " +
		"the feed's metadata, which otasign verify checks."}
	earlier := func(d signedEffect) bool { return d.Model == by.Model && d.Counter < by.Counter }
	if by.Counter > 1 && !slices.ContainsFunc(known, earlier) {
		// The server knows every earlier build; without them a handset that only waits may look as if it misbehaved.
		notes = append(notes, fmt.Sprintf("Whether the running build is of an earlier release: %s has counter %d, and no "+
			"effect document of a lower counter was named. What such a build does is not judged by this release; the class "+
			"may be another one then. Name those documents too, with --release.", by.Release, by.Counter))
	}
	if f.last == "" {
		notes = append(notes, "How long the handset has been silent: say when the report came with --last, "+
			"and as of when with --now.")
	}
	if !f.cloned {
		notes = append(notes, "Whether another handset uses the same key: a server sees that by two different reports "+
			"with one sequence number (--cloned).")
	}
	if err := probe.Check(by.Effect.Probes, r.Answers); err != nil && r.Schema > 1 {
		notes = append(notes, "A server would not have taken this report: "+strings.ReplaceAll(err.Error(), "\n", "; ")+".")
	}
	return notes
}

func (j *judging) tell(found judgement, asJSON bool) error {
	if asJSON {
		return j.term.json(found)
	}
	j.term.para("", fmt.Sprintf("%s: %s (%s)", found.Class, found.Name, found.Kind))
	for _, r := range found.Reasons {
		j.term.para("  ", r.Code+": "+r.Words)
	}
	j.term.say("")
	j.term.para("", fmt.Sprintf("Judged by effect %s of release %s, counter %d, for %s.",
		found.Effect, found.Release, found.Counter, found.Model))
	j.term.say("Effect document %s", found.Document)
	j.term.say("Installation    %s", found.Reference)
	j.term.say("Report          %s", found.Report)
	j.term.say("\nWhat cannot be known from these files:")
	for _, note := range found.Notes {
		j.term.para("  - ", note)
	}
	return nil
}
