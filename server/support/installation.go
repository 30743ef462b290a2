// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/known"
	"landed/server/published"
	"landed/web"
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
	Kind      fleet.Kind      `json:"kind"` // of the verdict
	Because   []string        `json:"because"`
	Question  string          `json:"question"` // that a customer asks
	Still     string          `json:"still"`    // how it stands: Advice.Say
	Do        string          `json:"do"`       // what is to be done: the words of Advice.Do
	Tell      string          `json:"tell"`     // what to tell the customer: those of Advice.Tell
	Advice    Advice          `json:"advice"`   // the one answer
	// What is known of such a handset: at most one of how far the update is and one of the verdict, as they are told.
	Issues  []KnownTold `json:"known_issues"`
	Offer   Offer       `json:"offer"`    // why the update is, or is not, offered
	First   time.Time   `json:"first"`    // when its first report came
	Last    time.Time   `json:"last"`     // when its newest report came
	Shown   []ShownOf   `json:"releases"` // what it has shown of each release, the current one first
	Reports []Statement `json:"reports"`  // by sequence: the newest, or those before what Next named
	Fields  []Field     `json:"fields"`   // of the newest report, and all that each can hold
	Story   []Moment    `json:"story"`    // the oldest first; empty on pages of older reports
	Next    string      `json:"next"`     // path of the JSON with the reports before these; "" if there are none

	Name, Means, Found, Colour string `json:"-"` // of the verdict and of what was found before
	Earlier                    string `json:"-"` // path of the page with the reports before these
	hours                      int    // that the newest report counts on the running build
}

// ShownOf is what an installation has shown of one release.
type ShownOf struct {
	Release string      `json:"release"`
	Effect  string      `json:"effect"`
	Current bool        `json:"current"` // its newest report speaks of it
	Verdict fleet.Class `json:"verdict"`
	Kind    fleet.Kind  `json:"kind"`
	Because []string    `json:"because"`
	Last    time.Time   `json:"last"` // when its newest report about it came

	Name, Colour string `json:"-"`
}

// installationPages show one installation, and its reports as they were signed.
type installationPages struct {
	evidence *evidence
	says     describer
	lineup   *lineup
	offers   *offerings
	locale   *web.Locale
	links    web.Links
}

func (p installationPages) show(r *http.Request) (view, error) {
	ref, err := reference(r)
	if err != nil {
		return nil, err
	}
	q := query{ref: ref, before: before(r.URL.Query())}
	if err := p.evidence.releases(r.Context(), func(tx fleet.Tx, all published.Releases) error {
		q.all = all
		return p.read(r.Context(), tx, &q)
	}); err != nil {
		return nil, err
	}
	opened, _, err := envelope.Open(q.first.Envelope)
	if err != nil {
		return nil, err
	}
	of := statements{p, q.all, opened.Build}
	if err := p.reports(q.page, ref, of, q.stored, q.from); err != nil {
		return nil, err
	}
	recent, whole := q.page.Reports, q.page.Next == ""
	if q.before > 0 {
		if recent, err = of.each(q.newest); err != nil {
			return nil, err
		}
		whole = len(recent) <= reportsShown
	}
	family := ""
	if m, ok := p.lineup.device(q.is.Model); ok {
		family = m.Profile.Family
	}
	lex := p.evidence.words.named(q.all, q.is.Release)
	var sw probe.Probe
	if lex.effect != nil {
		sw, _ = lex.effect.Switch()
	}
	p.advise(&q, lex, family, courseOf(recent, sw, whole))
	q.page.Fields = p.fields(q.is.Newest, lex, family)
	if q.before == 0 {
		q.page.Story = p.story(q.page.First, q.page.Shown, recent, whole)
	}
	return q.page, nil
}

// query is what one look at an installation reads.
type query struct {
	ref            report.Reference
	before         int // 0: the newest reports
	all            published.Releases
	is             fleet.Installation
	known          []fleet.KnownIssue // that explain it
	page           *InstallationPage
	first          fleet.StoredReport
	stored, newest []fleet.StoredReport // of the page; of its newest reports, if those are others and make a difference
	from           int
}

// read reads what a page says, in one transaction.
func (p installationPages) read(ctx context.Context, tx fleet.Tx, q *query) error {
	now := p.evidence.now()
	i, err := tx.Installations().Get(ctx, q.ref)
	if err != nil {
		return unknownInstallation(err)
	}
	q.is = i.At(now)
	q.page = p.page(q.is, p.evidence.words.named(q.all, i.Release))
	q.page.Advice.Days = daysSince(now, i.Last)
	if q.page.Offer, err = p.offers.to(ctx, tx, q.is); err != nil {
		return err
	}
	holding, err := tx.KnownIssues().Standing(ctx, 0)
	if err != nil {
		return err
	}
	q.known = known.Of(holding, q.is)
	states, err := tx.Installations().Of(ctx, q.ref)
	if err != nil {
		return err
	}
	for _, state := range states[q.ref] {
		q.page.Shown = append(q.page.Shown, shownOf(state.At(now), p.evidence.words.named(q.all, state.Release)))
	}
	if q.first, err = tx.Reports().First(ctx, q.ref); err != nil {
		return err
	}
	if q.before > 0 && q.is.Kind == effect.Bad { // if it goes on, its newest reports tell
		if q.newest, _, err = tx.Reports().Page(ctx, q.ref, 0, reportsShown+1); err != nil {
			return err
		}
	}
	q.stored, q.from, err = tx.Reports().Page(ctx, q.ref, q.before, reportsShown+1)
	return err
}

// reportsShown is how many reports a page opens and judges: each costs a signature.
const reportsShown = 20

// before is which of its reports a reader asks for: those of the first so many; 0 is all.
func before(q url.Values) int {
	n, err := strconv.Atoi(q.Get("before"))
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// reports opens and judges stored, of which from stand before. It is done after the transaction, which others wait for.
// One more than are shown says what the first of them changed.
func (p installationPages) reports(
	v *InstallationPage, ref report.Reference, of statements, stored []fleet.StoredReport, from int,
) error {
	all, err := of.each(stored)
	if err != nil {
		return err
	}
	v.Reports = append(v.Reports, all...)
	if len(v.Reports) > reportsShown {
		v.Reports = v.Reports[1:]
		v.Earlier = p.links.To(fmt.Sprintf("/installations/%s?before=%d", ref, from+1))
		v.Next = p.links.To(fmt.Sprintf("/installations/%s.json?before=%d", ref, from+1))
	}
	return nil
}

// each puts reports into words, each after the one before.
func (p statements) each(stored []fleet.StoredReport) ([]Statement, error) {
	var all []Statement
	for _, sr := range stored {
		st, err := p.statement(sr)
		if err != nil {
			return nil, err
		}
		all = append(all, st.since(all))
	}
	return all, nil
}

func (p installationPages) page(i fleet.Installation, lex lexicon) *InstallationPage {
	if lex.unread {
		i.Verdict, i.Kind, i.Because = unread()
	}
	w := lex.classWords(string(i.Verdict), i.Because)
	v := &InstallationPage{
		Schema: 1, Reference: i.Ref.String(), Model: i.Model, Role: strings.ToLower(i.Model), Product: i.Model,
		Channel: i.Channel,
		Release: i.Release, Progress: i.Progress, Before: i.Before, Verdict: i.Verdict, Kind: i.Kind,
		Because: lex.reasons(i.Because), Question: clean(lex.question()),
		First: i.First.UTC(), Last: i.Last.UTC(), Issues: []KnownTold{}, Shown: []ShownOf{}, Reports: []Statement{}, Story: []Moment{},
		Name: clean(w.Name), Means: clean(w.Means), Found: lex.finding(string(i.Before)),
		Colour: lex.colour(string(i.Verdict)),
		hours:  int(i.Newest.Answers["observed_hours"].Int()),
	}
	if m, ok := p.lineup.device(i.Model); ok {
		v.Role, v.Product = m.Role(), clean(m.Product)
	}
	return v
}

func shownOf(i fleet.Installation, lex lexicon) ShownOf {
	if lex.unread {
		i.Verdict, i.Kind, i.Because = unread()
	}
	return ShownOf{
		Release: i.Release, Effect: lex.name(), Current: i.Current, Verdict: i.Verdict, Kind: i.Kind,
		Because: lex.reasons(i.Because), Last: i.Last.UTC(),
		Name: clean(lex.classWords(string(i.Verdict), i.Because).Name), Colour: lex.colour(string(i.Verdict)),
	}
}

// envelope hands out one report as it was signed.
func (p installationPages) envelope(w http.ResponseWriter, r *http.Request) error {
	ref, err := reference(r)
	if err != nil {
		return err
	}
	var found fleet.StoredReport
	err = p.evidence.view.View(r.Context(), func(tx fleet.Tx) (err error) {
		found, err = tx.Reports().Get(r.Context(), ref, r.PathValue("id"))
		return err
	})
	if fleet.Is(err, fleet.NotFound) {
		return fleet.Errorf(fleet.NotFound, "report_unknown",
			"this installation has sent no report of that id; its page lists those that it sent")
	}
	if err == nil && found.Dropped() {
		return fleet.Errorf(
			fleet.NotFound,
			"report_dropped",
			"the body of this report was dropped, as the release engineers ruled for its "+
				"release; what is left is its number, when it came, and the SHA-256 of what was signed: %x",
			found.Sum,
		)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Disposition", `attachment; filename="report-`+string(ref)+"-"+found.ID+`.dsse.json"`)
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	send(w, http.StatusOK, "application/json", found.Envelope)
	return nil
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
