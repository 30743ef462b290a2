// SPDX-License-Identifier: Apache-2.0

package support

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
	"landed/server/fleet"
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
	Still     string          `json:"still"`    // the answer to it, in a few words
	Do        string          `json:"do"`       // what the customer should do, in a few words
	Tell      string          `json:"tell"`     // what to tell the customer
	Offer     Offer           `json:"offer"`    // why the update is, or is not, offered
	First     time.Time       `json:"first"`    // when its first report came
	Last      time.Time       `json:"last"`     // when its newest report came
	Shown     []ShownOf       `json:"releases"` // what it has shown of each release, the current one first
	Reports   []Statement     `json:"reports"`  // by sequence: the newest, or those before what Next named
	Next      string          `json:"next"`     // path of the JSON with the reports before these; "" if there are none

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
	lineup   *lineup
	offers   *offerings
	locale   *web.Locale
	links    web.Links
}

func (p installationPages) show(r *http.Request) (view, error) {
	ctx := r.Context()
	ref, err := reference(r)
	if err != nil {
		return nil, err
	}
	var v *InstallationPage
	var known published.Releases
	var stored []fleet.StoredReport
	var first fleet.StoredReport
	from := 0
	err = p.evidence.releases(ctx, func(tx fleet.Tx, all published.Releases) error {
		i, err := tx.Installations().Get(ctx, ref)
		if err != nil {
			return unknownInstallation(err)
		}
		i = i.At(p.evidence.now())
		v = p.page(i, p.evidence.words.named(all, i.Release))
		if v.Offer, err = p.offers.to(ctx, tx, i); err != nil {
			return err
		}
		states, err := tx.Installations().Of(ctx, ref)
		if err != nil {
			return err
		}
		for _, state := range states[ref] {
			v.Shown = append(v.Shown, shownOf(state.At(p.evidence.now()), p.evidence.words.named(all, state.Release)))
		}
		known = all
		if first, err = tx.Reports().First(ctx, ref); err != nil {
			return err
		}
		stored, from, err = tx.Reports().Page(ctx, ref, before(r.URL.Query()), reportsShown+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	opened, _, err := envelope.Open(first.Envelope)
	if err != nil {
		return nil, err
	}
	return v, p.reports(v, ref, statements{p, known, opened.Build}, stored, from)
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
	for _, sr := range stored {
		st, err := of.statement(sr)
		if err != nil {
			return err
		}
		v.Reports = append(v.Reports, st.since(v.Reports))
	}
	if len(v.Reports) > reportsShown {
		v.Reports = v.Reports[1:]
		v.Earlier = p.links.To(fmt.Sprintf("/installations/%s?before=%d", ref, from+1))
		v.Next = p.links.To(fmt.Sprintf("/installations/%s.json?before=%d", ref, from+1))
	}
	return nil
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
		Because: lex.reasons(i.Because), Question: clean(lex.question()), Still: clean(w.Still), Do: clean(w.Do),
		Tell:  clean(w.Tell),
		First: i.First.UTC(), Last: i.Last.UTC(), Shown: []ShownOf{}, Reports: []Statement{},
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
