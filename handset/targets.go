// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"encoding/hex"
	"errors"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

// errUnlisted says that the role in question was verified, and does not list the path.
var errUnlisted = errors.New("the role does not list it")

// target looks up a path and requires that the given role, and no other, vouches for it.
func (p *poll) target(path, role string) (*metadata.TargetFiles, error) {
	var info *metadata.TargetFiles
	err := p.guard(func() (err error) {
		info, err = p.up.GetTargetInfo(path)
		return err
	})
	trusted := p.up.GetTrustedMetadataSet()
	if doc := trusted.Targets[role]; err != nil && doc != nil && doc.Signed.Targets[path] == nil {
		return nil, refuse(ClassDisagree, report.PhaseMetadata, codeExcluded, "%s: %w", path, errUnlisted)
	}
	if err != nil {
		return nil, err
	}
	for name, doc := range trusted.Targets {
		if name != metadata.TARGETS && doc.Signed.Delegations != nil {
			return nil, refuse(ClassDisagree, report.PhaseMetadata, codeExcluded,
				"role %s delegates, which no role of a model may", name)
		}
	}
	doc := trusted.Targets[role]
	if doc == nil || doc.Signed.Targets[path] == nil {
		return nil, refuse(ClassDisagree, report.PhaseMetadata, codeExcluded, "%s is vouched for, but not by role %s",
			path, role)
	}
	if sha256Of(info) == "" {
		return nil, refuse(ClassMix, report.PhaseMetadata, codeMetadata, "%s has no sha256", path)
	}
	return info, nil
}

// retired says that the people who sign for all models delegate to nobody for this one: it was given up, or never
// brought in. Only they can say so, and the handset is at rest then, with nothing to refuse.
func (p *poll) retired() bool {
	top := p.up.GetTrustedMetadataSet().Targets[metadata.TARGETS]
	if top == nil {
		return false
	}
	if top.Signed.Delegations == nil {
		return true
	}
	return !slices.ContainsFunc(top.Signed.Delegations.Roles, func(d metadata.DelegatedRole) bool {
		return d.Name == p.role || d.Name == tufrepo.OffersRole(p.role)
	})
}

// offers is the verified document of what is offered now, from the disk if it is the one from there. A model or channel
// that never had a rollout has none: then nothing is offered.
func (p *poll) offers() (offers.Document, error) {
	path, role := tufrepo.OffersPath(p.role, p.channel), tufrepo.OffersRole(p.role)
	info, err := p.target(path, role)
	if errors.Is(err, errUnlisted) {
		return offers.Document{Schema: offers.Schema, Model: p.model, Channel: p.channel}, nil
	}
	if err != nil {
		return offers.Document{}, err
	}
	if err := p.checkLifetime(role, p.up.GetTrustedMetadataSet().Targets[role].Signed.Expires); err != nil {
		return offers.Document{}, err
	}
	text := p.copies.offers()
	if info.VerifyLengthHashes(text) != nil {
		if text, err = p.fetchOffers(path, info); err != nil {
			return offers.Document{}, err
		}
	}
	doc, err := offers.Parse(text)
	if err != nil {
		return doc, refuse(ClassMix, report.PhaseMetadata, codeMetadata, "%w", err)
	}
	return doc, nil
}

func (p *poll) fetchOffers(path string, info *metadata.TargetFiles) ([]byte, error) {
	text, err := p.fetch.target(path, sha256Of(info), min(info.Length, maxOffers))
	if err != nil {
		return nil, err
	}
	if err := info.VerifyLengthHashes(text); err != nil {
		return nil, refuse(ClassHash, report.PhaseMetadata, codePayloadHash, "%s: %w", path, err)
	}
	return text, p.copies.keepOffers(text)
}

func sha256Of(info *metadata.TargetFiles) string {
	if len(info.Hashes) != 1 {
		return "" // two hashes name two files; this profile lists one
	}
	return hex.EncodeToString(info.Hashes["sha256"])
}
