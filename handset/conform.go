// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"fmt"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"landed/manifests"
	"landed/manifests/report"
)

// Trusted is a feed as this client trusts it now: the part of a poll that is TUF, with no offers and no decision. It is there
// for suites that test clients of TUF by repositories of their own, and goes the ways of a poll; an update goes on where this
// ends.
type Trusted struct {
	client *Client
	poll   *poll
}

// Refresh asks the feed for news and does the workflow of TUF (5.3 to 5.6) upon what this client trusts, in the requests of a
// poll. Errors are those of a poll, and nothing is recorded of them. nil without an error if the feed answered that nothing has
// changed since a poll that was settled.
func (c *Client) Refresh(ctx context.Context) (*Trusted, error) {
	img, err := c.slots.Image()
	if err != nil {
		return nil, err
	}
	p, err := c.feed.poll(ctx, img.Build.Model, true)
	if err != nil || p == nil {
		return nil, err
	}
	return &Trusted{c, p}, nil
}

// Behind says if the feed served an older timestamp than the trusted one, signed by the keys that count. It was discarded, and a
// handset goes on from the trusted one; TUF (5.4.3) calls that an update cycle that was aborted.
func (t *Trusted) Behind() bool { return t.poll.behind }

// Settle remembers the poll as one that led to a decision, as a handset does which found its offers.
func (t *Trusted) Settle() error {
	t.client.feed.done(t.poll)
	return t.client.store.save()
}

// Target finds what the roles list under path. A handset refuses it further unless the role of its model lists it, which delegates
// to nobody; here any role may. Refused are a target without exactly one hash, a SHA-256, and what a role says to which two
// delegate: go-tuf verifies such a role by the keys of the first that led to it alone.
func (t *Trusted) Target(path string) (manifests.Package, error) {
	var info *metadata.TargetFiles
	err := t.poll.guard(func() (err error) {
		info, err = t.poll.up.GetTargetInfo(path)
		return err
	})
	if err != nil {
		return manifests.Package{}, err
	}
	if err := t.oneDelegator(); err != nil {
		return manifests.Package{}, err
	}
	sum := sha256Of(info)
	if sum == "" {
		return manifests.Package{}, refuse(ClassMix, report.PhaseMetadata, codeMetadata, "%s has no sha256 alone", path)
	}
	return manifests.Package{Path: path, Length: info.Length, SHA256: sum}, nil
}

func (t *Trusted) oneDelegator() error {
	by := map[string]string{}
	for name, doc := range t.poll.up.GetTrustedMetadataSet().Targets {
		if doc.Signed.Delegations == nil {
			continue
		}
		for _, role := range doc.Signed.Delegations.Roles {
			if other, twice := by[role.Name]; twice {
				return refuse(ClassDisagree, report.PhaseMetadata, codeExcluded, "both %s and %s delegate to %s", other, name, role.Name)
			}
			by[role.Name] = name
		}
	}
	return nil
}

// Download brings a target to the disk, as a package is brought: streamed, resumed, no longer than it is signed, with its hash.
// file is in the client's folder, and is the next download's.
func (t *Trusted) Download(ctx context.Context, target manifests.Package) (file string, err error) {
	d := t.client.download
	if err := d.remove(); err != nil {
		return "", fmt.Errorf("make room for %s: %w", target.Path, err)
	}
	_, err = d.fetch(ctx, target, nil)
	return d.path, err
}
