// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"slices"

	"landed/handset/slots"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/report"
)

// decide says which offer applies, and takes notice of what both roles agree on. An offer whose manifest was made for a
// newer program counts as one that says so itself: an older one behind it may apply, and bring that program.
func (c *Client) decide(p *poll, doc offers.Document, b slots.Build) (offers.Decision, error) {
	for left := len(doc.Offers); ; left-- { // of which each time one fewer can apply
		for i, o := range doc.Offers {
			if needs := c.asked.needs(o.Custom.Manifest); needs != nil {
				doc.Offers[i].Needs = needs.Error()
			}
		}
		d := offers.Decide(doc, offers.Handset{Model: b.Model, Variant: b.Variant, Build: b.Fingerprint, UTC: b.UTC,
			Counter: c.mem.Counter, Begun: c.mem.Begun, Secret: c.own.Secret})
		c.mem.Reason, c.mem.Needs = d.Words(), d.Needs
		if d.Reason == offers.ReasonWrongModel {
			return d, refuse(ClassHardware, report.PhaseMetadata, codeRecoveryWrong, "the offers for %s were made for %.50q",
				b.Model, doc.Model)
		}
		err := c.noteOffers(p, doc, d, b)
		if _, needs := errors.AsType[*manifests.NeedsError](err); !needs || left == 0 {
			return d, err
		}
	}
}

// noteOffers takes from a document what the offline role agrees with, and nothing else: counter, release and effect too
// stay with the handset. An error is a quarrel about what is offered to this handset, or a feed out of reach; an
// offer to others, or of what runs, that the offline role does not back is as if it were not there.
func (c *Client) noteOffers(p *poll, doc offers.Document, d offers.Decision, b slots.Build) error {
	if d.Offer != nil {
		err := p.crosscheck(*d.Offer)
		if custom, ok := p.offlineCustom(*d.Offer, b); ok && disagreement(err) && c.asked.learn(p, custom) == nil {
			c.meet(custom, b)
		}
		if err == nil {
			err = c.asked.learn(p, d.Offer.Custom)
		}
		if err != nil {
			return err
		}
		c.meet(d.Offer.Custom, b)
		return nil
	}
	for _, o := range relevantOffers(doc, b) {
		err := p.crosscheck(o)
		if err == nil {
			if err := c.asked.learn(p, o.Custom); err != nil {
				return err
			}
			c.meet(o.Custom, b)
			return nil
		}
		if !disagreement(err) {
			return err
		}
		c.log.Warn("an offer is not believed", "rollout", o.Rollout, "err", err)
	}
	return nil
}

// meet takes notice of a release, by what the offline role says of it.
func (c *Client) meet(met manifests.Custom, b slots.Build) {
	if met.Build.Fingerprint == b.Fingerprint {
		c.mem.Counter = max(c.mem.Counter, met.Counter)
	}
	c.reports.meet(met, b)
}

// relevantOffers lists what a document says to a handset that is offered nothing: of the build that runs, else of
// newer ones.
func relevantOffers(doc offers.Document, b slots.Build) []offers.Offer {
	var running, newer []offers.Offer
	for _, o := range doc.Offers {
		switch {
		case o.Needs != "", o.Custom.Variant != b.Variant:
		case o.Custom.Build.Fingerprint == b.Fingerprint:
			running = append(running, o)
		case o.Custom.Build.UTC > b.UTC:
			newer = append(newer, o)
		}
	}
	return slices.Concat(running, newer)
}
