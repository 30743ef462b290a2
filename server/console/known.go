// SPDX-License-Identifier: Apache-2.0

package console

import (
	"net/http"
	"strconv"
	"time"

	"landed/server/auth"
	"landed/server/fleet"
	"landed/server/known/book"
	"landed/server/render"
)

// knownAPI takes known issues down. What it says goes to everybody who reads the pages, so it takes an engineer's token.
type knownAPI struct{ book *book.Book }

func (a knownAPI) doors() []Door {
	return []Door{
		{"GET", "/known-issues", support, a.list},
		{"POST", "/known-issues", engineer, a.add},
		{"POST", "/known-issues/{id}/withdraw", engineer, a.withdraw},
	}
}

type knownWire struct {
	ID      int64             `json:"id"`
	Models  []string          `json:"models"`  // none: every model
	Release string            `json:"release"` // "": any
	Subject string            `json:"subject"` // cause, progress or class
	Value   string            `json:"value"`
	Text    map[string]string `json:"text"` // by language
	Link    string            `json:"link"`
	Since   string            `json:"since"` // a day
	Who     string            `json:"who"`
	By      string            `json:"by"`
	At      time.Time         `json:"at"`
	Reason  string            `json:"reason"`
	// Only of one that was withdrawn.
	Ended       *time.Time `json:"ended,omitempty"`
	EndedBy     string     `json:"ended_by,omitempty"`
	EndedReason string     `json:"ended_reason,omitempty"`
}

func knownToWire(k fleet.KnownIssue) knownWire {
	text := map[string]string{}
	for _, t := range k.Text {
		text[t.Lang] = t.Text
	}
	return knownWire{k.ID, orEmpty(k.Models), k.Release, string(k.Subject), k.Value, text, k.Link, k.Since.Format(time.DateOnly),
		string(k.Who), k.By, k.At, k.Reason, when(k.Ended), k.EndedBy, k.EndedReason}
}

// list gives all of them, by id; withdrawn ones, too.
func (a knownAPI) list(w http.ResponseWriter, r *http.Request) error {
	found, err := a.book.List(r.Context())
	if err != nil {
		return err
	}
	all := []knownWire{}
	for _, k := range found {
		all = append(all, knownToWire(k))
	}
	return render.JSON(w, http.StatusOK, map[string]any{"known_issues": all})
}

// add takes the YAML of one.
func (a knownAPI) add(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Source string `json:"source"` // YAML, as known.Parse reads it
		Reason string `json:"reason"` // may be empty
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	k, err := a.book.Add(r.Context(), []byte(in.Source), auth.Actor(r.Context()), in.Reason)
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusCreated, knownToWire(k))
}

// withdraw ends one.
func (a knownAPI) withdraw(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return fleet.Errorf(fleet.NotFound, "known_issue_unknown", "%.40q is no number of a known issue; otactl known-issue list "+
			"shows all", r.PathValue("id"))
	}
	k, err := a.book.Withdraw(r.Context(), id, auth.Actor(r.Context()), in.Reason)
	if err != nil {
		return err
	}
	return render.JSON(w, http.StatusOK, knownToWire(k))
}
