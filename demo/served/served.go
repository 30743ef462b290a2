// SPDX-License-Identifier: Apache-2.0

// Package served reads a feed as it is served, and believes what is signed alone.
//
// Parties: the demo and its end-to-end stories ask what handsets are told at this moment. It promises that every step from
// the root to an offer is signed by whom the step before names. It refuses anything else, and keeps nothing: it looks for no
// rollback and no expiry, which is the handset's part.
package served

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"

	"landed/manifests/offers"
	"landed/manifests/tufrepo"
)

// Feed is a feed at an address, for a root that has not changed since.
type Feed struct {
	URL  string
	Root []byte // root.json as handsets are sold with it
	HTTP *http.Client
}

// State is what the signed offers say of a rollout, by its id (RELEASE.ROLE.CHANNEL): "running", "held", "halted" ….
func (f Feed) State(ctx context.Context, rollout string) (string, error) {
	part := strings.Split(rollout, ".")
	role := tufrepo.OffersRole(part[1])
	doc, err := f.Offers(ctx, part[1], part[2])
	if err != nil {
		return "", err
	}
	for _, o := range doc.Offers {
		if o.Rollout == rollout {
			return string(o.State), nil
		}
	}
	return "", fmt.Errorf("the offers of %s say nothing of %s", role, rollout)
}

// Offers is the document of a model's role and a channel; one without offers if the role lists none.
func (f Feed) Offers(ctx context.Context, model, channel string) (offers.Document, error) {
	targets, err := f.Targets(ctx, tufrepo.OffersRole(model))
	if err != nil {
		return offers.Document{}, err
	}
	for _, t := range targets {
		if t.Path != tufrepo.OffersPath(model, channel) {
			continue
		}
		text, err := f.get(ctx, "targets/"+tufrepo.StoredTarget(t.Path, t.SHA256))
		if err != nil {
			return offers.Document{}, err
		}
		if int64(len(text)) != t.Length || fmt.Sprintf("%x", sha256.Sum256(text)) != t.SHA256 {
			return offers.Document{}, fmt.Errorf("%s is not the file that is signed for", t.Path)
		}
		return offers.Parse(text)
	}
	return offers.Document{}, nil
}

// Targets are those that a delegated role signs for, such as "armani" and "armani-offers".
func (f Feed) Targets(ctx context.Context, role string) ([]tufrepo.Target, error) {
	_, timestamp, err := f.role(ctx, "timestamp.json", f.Root, tufrepo.Timestamp)
	if err != nil {
		return nil, err
	}
	file := tufrepo.MetadataFile(tufrepo.Snapshot, timestamp.Files[tufrepo.Snapshot].Version)
	_, snapshot, err := f.role(ctx, file, f.Root, tufrepo.Snapshot)
	if err != nil {
		return nil, err
	}
	file = tufrepo.MetadataFile(tufrepo.Targets, snapshot.Files[tufrepo.Targets].Version)
	delegator, _, err := f.role(ctx, file, f.Root, tufrepo.Targets)
	if err != nil {
		return nil, err
	}
	_, info, err := f.role(ctx, tufrepo.MetadataFile(role, snapshot.Files[role].Version), delegator, role)
	return info.Targets, err
}

// role reads metadata that a delegator must name the signers of.
func (f Feed) role(ctx context.Context, file string, delegator []byte, role string) ([]byte, tufrepo.Info, error) {
	doc, err := f.get(ctx, "metadata/"+file)
	if err != nil {
		return nil, tufrepo.Info{}, err
	}
	p, err := tufrepo.CountSignatures(delegator, role, doc)
	if err == nil && !p.Done() {
		err = fmt.Errorf("%s has %d of %d signatures", file, p.Have, p.Need)
	}
	if err != nil {
		return nil, tufrepo.Info{}, err
	}
	info, err := tufrepo.Read(doc)
	return doc, info, err
}

func (f Feed) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL+"/tuf/"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := f.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, resp.Status)
	}
	return io.ReadAll(resp.Body)
}
