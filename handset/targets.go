// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"encoding/hex"
	"errors"
	"os"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

// errUnlisted says that the role in question was verified, and does not list the path.
var errUnlisted = errors.New("the role does not list it")

// target looks up a path and requires that the given role, and no other, vouches for it.
func (f *feed) target(path, role string) (*metadata.TargetFiles, error) {
	var info *metadata.TargetFiles
	err := f.guard(func() (err error) {
		info, err = f.up.GetTargetInfo(path)
		return err
	})
	trusted := f.up.GetTrustedMetadataSet()
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
func (f *feed) retired() bool {
	top := f.up.GetTrustedMetadataSet().Targets[metadata.TARGETS]
	if top == nil {
		return false
	}
	if top.Signed.Delegations == nil {
		return true
	}
	return !slices.ContainsFunc(top.Signed.Delegations.Roles, func(d metadata.DelegatedRole) bool {
		return d.Name == f.role || d.Name == tufrepo.OffersRole(f.role)
	})
}

// offers is the verified document of what is offered now, from the disk if it is the one from there. A model or channel
// that never had a rollout has none: then nothing is offered.
func (f *feed) offers() (offers.Document, error) {
	path := tufrepo.OffersPath(f.role, f.c.cfg.Channel)
	info, err := f.target(path, tufrepo.OffersRole(f.role))
	if errors.Is(err, errUnlisted) {
		return offers.Document{Schema: offers.Schema, Model: f.model, Channel: f.c.cfg.Channel}, nil
	}
	if err != nil {
		return offers.Document{}, err
	}
	role := tufrepo.OffersRole(f.role)
	if err := f.lasting(role, f.up.GetTrustedMetadataSet().Targets[role].Signed.Expires); err != nil {
		return offers.Document{}, err
	}
	sum := sha256Of(info)
	text, err := os.ReadFile(f.c.path(offersFile))
	if err != nil || info.VerifyLengthHashes(text) != nil {
		url := f.c.targetURL(tufrepo.StoredTarget(path, sum))
		if text, err = f.fetch.DownloadFile(url, min(info.Length, maxOffers), 0); err != nil {
			return offers.Document{}, metadataRefusal(err, f.fetch.network)
		}
		if err := info.VerifyLengthHashes(text); err != nil {
			return offers.Document{}, refuse(ClassHash, report.PhaseMetadata, codePayloadHash, "%s: %w", path, err)
		}
		if err := replaceFile(f.c.path(offersFile), text); err != nil {
			return offers.Document{}, err
		}
	}
	doc, err := offers.Parse(text)
	if err != nil {
		return doc, refuse(ClassMix, report.PhaseMetadata, codeMetadata, "%w", err)
	}
	return doc, nil
}

func sha256Of(info *metadata.TargetFiles) string {
	if len(info.Hashes) != 1 {
		return "" // two hashes name two files; this profile lists one
	}
	return hex.EncodeToString(info.Hashes["sha256"])
}
