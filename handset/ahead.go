// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"slices"
	"time"

	"landed/handset/slots"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// ahead is what the state file holds of a release that people have signed for this handset, that nothing is offered of,
// and that reports do not speak of yet: they have another subject, which comes first.
type ahead struct {
	Release string    `json:"release,omitempty"` // "" for none
	Said    time.Time `json:"said,omitzero"`     // when the last baseline about it was made
	asked             // what it asks
}

// lookAhead takes notice of the newest release that people have signed for this handset, before any rollout of it
// starts: who is known then, and has committed to a draw, can be told from who comes for the rollout. If reports are
// about nothing else they are about it from now on. Else its baseline is sent once, beside them, and their subject stays.
// An error is a feed that does not give what it lists.
func (c *Client) lookAhead(p *poll, doc offers.Document, b slots.Build) error {
	met, err := p.newest(b, c.mem.Counter)
	if err != nil {
		return err
	}
	subject := c.Release()
	if met == nil || met.Release == subject {
		c.reports.nothingAhead()
		return nil
	}
	beside := c.reports.observing() || speaksOf(doc, subject, b.Variant)
	ask := c.asked
	if beside {
		ask = c.reports.askedAhead
	}
	if err := ask.learn(p, *met); err != nil {
		if isA[*manifests.NeedsError](err) {
			return nil // the next program looks again
		}
		return err
	}
	if beside {
		c.reports.seeAhead(met.Release)
	} else {
		c.meet(*met, b)
	}
	return nil
}

// speaksOf says if the offers for an image are about a release.
func speaksOf(doc offers.Document, release, variant string) bool {
	return slices.ContainsFunc(doc.Offers, func(o offers.Offer) bool {
		return o.Needs == "" && o.Custom.Release == release && o.Custom.Variant == variant
	})
}

// newest is the newest build that the model's offline role lists for this image and channel, above what runs and what
// ever ran; nil if there is none. A role that is out of reach is an error; one that cannot be believed, where nothing is
// offered of it, is as if it were empty.
func (p *poll) newest(b slots.Build, counter int64) (*manifests.Custom, error) {
	if _, err := p.target("builds/"+p.role+"/none", p.role); err != nil && !errors.Is(err, errUnlisted) {
		if r, ok := errors.AsType[*Refusal](err); ok && (r.Class == ClassNetwork || r.Class == ClassSlow) {
			return nil, err
		}
		p.log.Warn("what is signed for this model cannot be read", "err", Printable(err.Error()))
		return nil, nil
	}
	var newest *manifests.Custom
	for _, info := range p.up.GetTrustedMetadataSet().Targets[p.role].Signed.Targets {
		if info.Custom == nil {
			continue
		}
		custom, err := manifests.ParseCustom(*info.Custom)
		if err != nil || custom.Model != p.model || custom.Variant != b.Variant || custom.Channel != p.channel ||
			custom.Build.UTC <= b.UTC || custom.Counter <= counter {
			continue
		}
		if newest == nil || custom.Build.UTC > newest.Build.UTC {
			newest = &custom
		}
	}
	return newest, nil
}

// seeAhead makes the baseline about a release that was seen for the first time.
func (r *reporter) seeAhead(release string) {
	if r.ahead.Release != release {
		r.ahead.Release = release
		r.sayAhead()
	}
}

func (r *reporter) nothingAhead() { *r.ahead = ahead{} }

// sayAhead makes a baseline about the release ahead. It changes nothing of what the other reports are about.
func (r *reporter) sayAhead() {
	r.ahead.Said = r.clock.now()
	r.send(report.Report{Kind: report.KindBaseline, Release: r.ahead.Release, Progress: report.ProgressKnown,
		Answers: r.askedAhead.answers()})
}

// repeatAhead makes the weekly baseline about it, once what runs has been observed for as long as it has to be, and says
// if it did.
func (r *reporter) repeatAhead() bool {
	if at := r.aheadWake(); at.IsZero() || !r.clock.reached(at) {
		return false
	}
	r.sayAhead()
	return true
}

// aheadWake is when repeatAhead has something to do; zero if it is not known yet.
func (r *reporter) aheadWake() time.Time {
	if r.ahead.Release == "" {
		return time.Time{}
	}
	if r.observing() {
		if _, next := r.asked.observed(); next > 0 {
			return time.Time{}
		}
	}
	return r.ahead.Said.Add(weekly)
}
