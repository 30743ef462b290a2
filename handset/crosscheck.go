// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"strings"

	"landed/handset/slots"
	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

// crosscheck requires that the offline role of the model lists the offered package with the same length and hash, and
// the same custom part: every member of it, whether this program knows it or not.
func (p *poll) crosscheck(o offers.Offer) error {
	disagree := func(format string, args ...any) error {
		return refuse(ClassDisagree, report.PhaseMetadata, codeExcluded, "offered package %s: "+format,
			append([]any{o.Package.Path}, args...)...)
	}
	if !strings.HasPrefix(o.Package.Path, "builds/"+p.role+"/") || tufrepo.CheckPath(o.Package.Path) != nil {
		return refuse(ClassHardware, report.PhaseMetadata, codeRecoveryWrong,
			"offered package %s does not lie under builds/%s/", o.Package.Path, p.role)
	}
	info, err := p.target(o.Package.Path, p.role)
	if err != nil {
		if errors.Is(err, errUnlisted) {
			return disagree("the offline role does not list it")
		}
		return err
	}
	if info.Length != o.Package.Length || sha256Of(info) != o.Package.SHA256 {
		return disagree("length or hash differ from what the offline role signed")
	}
	if info.Custom == nil {
		return disagree("the offline role says nothing about it")
	}
	offered, err := o.CustomJSON()
	if err != nil || !manifests.SameJSON(*info.Custom, offered) {
		return disagree("the custom fields differ from what the offline role signed")
	}
	custom, err := manifests.ParseCustom(*info.Custom)
	if err != nil {
		return disagree("%w", err)
	}
	if custom.Model != p.model {
		return refuse(ClassHardware, report.PhaseMetadata, codeRecoveryWrong, "%s is for %s, this handset is a %s",
			o.Package.Path, custom.Model, p.model)
	}
	if custom.Channel != p.channel {
		return disagree("it is signed for the channel %s, this handset is on %s", custom.Channel, p.channel)
	}
	return nil
}

// disagreement says if err is about what the two roles say, and not about reaching them.
func disagreement(err error) bool {
	r, ok := errors.AsType[*Refusal](err)
	return ok && (r.Class == ClassDisagree || r.Class == ClassHardware)
}

// offlineCustom is what the offline role says of the release that an offer names, though it does not say what the offer
// says: so that a report of the quarrel can tell which release it is about in words that are signed offline.
func (p *poll) offlineCustom(o offers.Offer, b slots.Build) (manifests.Custom, bool) {
	doc := p.up.GetTrustedMetadataSet().Targets[p.role]
	if doc == nil {
		return manifests.Custom{}, false
	}
	for _, info := range doc.Signed.Targets {
		if info.Custom == nil {
			continue
		}
		if custom, err := manifests.ParseCustom(*info.Custom); err == nil && custom.Release == o.Custom.Release &&
			custom.Variant == b.Variant && custom.Channel == p.channel && custom.Build.UTC > b.UTC {
			return custom, true
		}
	}
	return manifests.Custom{}, false
}
