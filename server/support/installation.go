// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"landed/manifests"
	"landed/manifests/effect"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/reasons"
)

// InstallationPage is one installation: the page /installations/{ref} and its JSON.
type InstallationPage struct {
	Schema    int             `json:"schema"`    // 1
	Reference string          `json:"reference"` // in groups of four
	Model     string          `json:"model"`     // ro.product.device
	Role      string          `json:"role"`
	Product   string          `json:"product"`
	Channel   string          `json:"channel"`
	Release   string          `json:"release"` // that it is judged against
	Progress  report.Progress `json:"progress"`
	Before    fleet.Before    `json:"before"`
	Verdict   fleet.Class     `json:"verdict"`
	Because   []string        `json:"because"`
	Still     string          `json:"still"`   // does it still activate itself? In a few words
	Do        string          `json:"do"`      // what the customer should do, in a few words
	Tell      string          `json:"tell"`    // what to tell the customer
	Offer     Offer           `json:"offer"`   // why the update is, or is not, offered
	First     time.Time       `json:"first"`   // when its first report came
	Last      time.Time       `json:"last"`    // when its newest report came
	Reports   []Statement     `json:"reports"` // by sequence

	hours int // that the newest report counts on the running build
}

// Statement is one report in words, and what it proved on the day it came.
type Statement struct {
	ID       string          `json:"id"`
	Seq      int64           `json:"seq"`
	At       time.Time       `json:"at"`
	Late     bool            `json:"late"` // came after a newer one; history only
	Kind     report.Kind     `json:"kind"`
	Progress report.Progress `json:"progress"`
	Build    string          `json:"build"`
	Said     []string        `json:"said"`
	Changed  []string        `json:"changed"` // of what it said, what the report before did not; all of it in the first
	Verdict  fleet.Class     `json:"verdict"`
	Because  []string        `json:"because"`
	Envelope string          `json:"envelope"` // path of the report as it was signed

	Before   int64 `json:"-"` // sequence of the report before; 0 in the first
	NewBuild bool  `json:"-"` // the report before ran another build
}

func (s *Support) installation(r *http.Request) (view, error) {
	ctx := r.Context()
	ref, err := reference(r)
	if err != nil {
		return nil, err
	}
	var v *InstallationPage
	err = s.view.View(ctx, func(tx fleet.Tx) error {
		i, err := tx.Installations().Get(ctx, ref)
		if err != nil {
			return unknownInstallation(err)
		}
		v = s.installationView(i)
		if v.Offer, err = s.offer(ctx, tx, i); err != nil {
			return err
		}
		stored, err := tx.Reports().Of(ctx, ref)
		if err != nil {
			return err
		}
		for _, sr := range stored {
			st, err := s.statement(ctx, tx, sr)
			if err != nil {
				return err
			}
			v.Reports = append(v.Reports, st.since(v.Reports))
		}
		return nil
	})
	return v, err
}

func (s *Support) installationView(i fleet.Installation) *InstallationPage {
	v := &InstallationPage{
		Schema: 1, Reference: i.Ref.String(), Model: i.Model, Role: strings.ToLower(i.Model), Product: i.Model, Channel: i.Channel,
		Release: i.Release, Progress: i.Progress, Before: i.Before, Verdict: i.Verdict, Because: []string{},
		First: i.First.UTC(), Last: i.Last.UTC(), Reports: []Statement{}, hours: int(i.Newest.Answers["observed_hours"].Int()),
	}
	if m, ok := s.models[i.Model]; ok {
		v.Role, v.Product = m.Role(), clean(m.Product)
	}
	for _, because := range reasons.All(i.Because) {
		v.Because = append(v.Because, clean(because))
	}
	words := func(part string) string { return s.words.Say("class."+string(i.Verdict)+"."+part, nil) }
	v.Still, v.Do, v.Tell = words("still"), words("do"), words("tell")
	return v
}

// statement puts one stored report into words and judges it, against the release it speaks
// of, as of the day it came.
func (s *Support) statement(ctx context.Context, tx fleet.Tx, sr fleet.StoredReport) (Statement, error) {
	r, _, err := envelope.Open(sr.Envelope)
	if err != nil {
		return Statement{}, err // it opened when it was stored: the store is damaged
	}
	rule, err := s.rule(ctx, tx, r.Release, r.Model)
	if err != nil {
		return Statement{}, err
	}
	family := ""
	if m, ok := s.models[r.Model]; ok {
		family = m.Profile.Family
	}
	judged := effect.Judge(sr.At, effect.Subject{Newest: r, Last: sr.At}, rule)
	return Statement{
		ID: sr.ID, Seq: sr.Seq, At: sr.At.UTC(), Late: sr.Late, Kind: r.Kind, Progress: r.Progress, Build: r.Build,
		Said: s.said(r, family), Verdict: fleet.Class(judged.Class), Because: reasons.All(judged.Because),
		Envelope: "/installations/" + string(sr.Ref) + "/reports/" + url.PathEscape(sr.ID),
	}, nil
}

// since says what changed between the last of earlier and st.
func (st Statement) since(earlier []Statement) Statement {
	if len(earlier) == 0 {
		st.Changed, st.NewBuild = st.Said, true
		return st
	}
	last := earlier[len(earlier)-1]
	st.Before, st.NewBuild, st.Changed = last.Seq, st.Build != last.Build, []string{}
	for _, sentence := range st.Said {
		if !slices.Contains(last.Said, sentence) {
			st.Changed = append(st.Changed, sentence)
		}
	}
	return st
}

// Newest lists the reports as a reader wants them: the newest first.
func (v *InstallationPage) Newest() []Statement {
	newest := slices.Clone(v.Reports)
	slices.Reverse(newest)
	return newest
}

// envelope hands out one report as it was signed.
func (s *Support) envelope(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	ref, err := reference(r)
	var found fleet.StoredReport
	if err == nil {
		err = s.view.View(r.Context(), func(tx fleet.Tx) (err error) {
			found, err = tx.Reports().Get(r.Context(), ref, r.PathValue("id"))
			return err
		})
		if fleet.Is(err, fleet.NotFound) {
			err = fleet.Errorf(fleet.NotFound, "report_unknown", "this installation has sent no report of that id; its page lists those that it sent")
		}
	}
	if err != nil {
		s.refuse(w, r, false, err)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="report-`+string(ref)+"-"+found.ID+`.dsse.json"`)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	send(w, http.StatusOK, "application/json", found.Envelope)
}

// lookUp takes what was typed into the form to the page of that installation.
func (s *Support) lookUp(w http.ResponseWriter, r *http.Request) {
	guard(w.Header())
	typed := r.URL.Query().Get("ref")
	if strings.TrimSpace(typed) == "" {
		http.Redirect(w, r, "/#lookup", http.StatusSeeOther)
		return
	}
	ref, err := report.ParseReference(strings.TrimSpace(typed))
	if err != nil && s.namesModel(typed) { // typed into the wrong box
		http.Redirect(w, r, asked{Find: askedOf(url.Values{"find": {typed}}).Find}.Path(), http.StatusSeeOther)
		return
	}
	if err != nil {
		r.SetPathValue("ref", typed) // so that the form shows what to mend
		s.refuse(w, r, false, badReference(err))
		return
	}
	http.Redirect(w, r, "/installations/"+ref.String(), http.StatusSeeOther)
}

// namesModel says if what was typed is the name or a number of a model.
func (s *Support) namesModel(typed string) bool {
	a := askedOf(url.Values{"find": {typed}})
	return a.Find != "" && slices.ContainsFunc(s.catalogue.Models(), func(m manifests.Model) bool {
		return a.finds(Model{Model: m.Device, Product: m.Product, Numbers: m.Numbers})
	})
}

func reference(r *http.Request) (report.Reference, error) {
	ref, err := report.ParseReference(r.PathValue("ref"))
	if err != nil {
		return "", badReference(err)
	}
	return ref, nil
}

// badReference is "not found" on purpose: nothing can be there.
func badReference(err error) error {
	return fleet.Errorf(fleet.NotFound, "reference_unreadable", "%v", err)
}

func unknownInstallation(err error) error {
	if fleet.Is(err, fleet.NotFound) {
		return fleet.Errorf(fleet.NotFound, "installation_unknown", "no handset has reported under this reference; compare it with the handset's screen, and remember that a factory reset makes a new one")
	}
	return err
}

// knownData is what a reader needs in order to see when a handset's word reaches further back
// than what the server knows of it.
type knownData struct {
	First  time.Time
	Hours  int
	Longer bool // the handset counts more hours on the update than the server had known it
}

// Known is the data of the sentence beside the verdict.
func (v *InstallationPage) Known() any {
	longer := v.Progress == report.ProgressRunning && time.Duration(v.hours)*time.Hour > v.Last.Sub(v.First)
	return knownData{v.First, v.hours, longer}
}

// Doc is the title of the page in the browser.
func (v *InstallationPage) Doc() string { return v.Reference }
