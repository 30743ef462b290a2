// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"landed/manifests/offers"
	"landed/manifests/tufrepo"
)

// servedFeed reads a feed as a handset does: from the root that it was sold with down to a target, each step signed by
// whom the one before names. The root must not have changed since.
type servedFeed struct {
	url  string
	root []byte
	http *http.Client
}

// fresh asks on a connection of its own each time, as a handset that polls once a day does.
func fresh() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true
	return &http.Client{Transport: t, Timeout: 10 * time.Second}
}

func withPatience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// state is what the signed offers say of a rollout, whose name is RELEASE.ROLE.CHANNEL.
func (f servedFeed) state(ctx context.Context, rollout string) (string, error) {
	part := strings.Split(rollout, ".")
	role := tufrepo.OffersRole(part[1])
	_, targets, err := f.targets(ctx, role)
	if err != nil {
		return "", err
	}
	for _, t := range targets {
		if t.Path != tufrepo.OffersPath(part[1], part[2]) {
			continue
		}
		text, err := f.get(ctx, "targets/"+tufrepo.StoredTarget(t.Path, t.SHA256))
		if err != nil {
			return "", err
		}
		if int64(len(text)) != t.Length || fmt.Sprintf("%x", sha256.Sum256(text)) != t.SHA256 {
			return "", fmt.Errorf("%s is not the file that is signed for", t.Path)
		}
		doc, err := offers.Parse(text)
		if err != nil {
			return "", err
		}
		for _, o := range doc.Offers {
			if o.Rollout == rollout {
				return string(o.State), nil
			}
		}
	}
	return "", fmt.Errorf("the offers of %s say nothing of %s", role, rollout)
}

// targets are those that a delegated role signs for.
func (f servedFeed) targets(ctx context.Context, role string) ([]byte, []tufrepo.Target, error) {
	_, timestamp, err := f.role(ctx, "timestamp.json", f.root, tufrepo.Timestamp)
	if err != nil {
		return nil, nil, err
	}
	file := tufrepo.MetadataFile(tufrepo.Snapshot, timestamp.Files[tufrepo.Snapshot].Version)
	_, snapshot, err := f.role(ctx, file, f.root, tufrepo.Snapshot)
	if err != nil {
		return nil, nil, err
	}
	file = tufrepo.MetadataFile(tufrepo.Targets, snapshot.Files[tufrepo.Targets].Version)
	delegator, _, err := f.role(ctx, file, f.root, tufrepo.Targets)
	if err != nil {
		return nil, nil, err
	}
	doc, info, err := f.role(ctx, tufrepo.MetadataFile(role, snapshot.Files[role].Version), delegator, role)
	return doc, info.Targets, err
}

// role reads metadata that a delegator must name the signers of.
func (f servedFeed) role(ctx context.Context, file string, delegator []byte, role string) ([]byte, tufrepo.Info, error) {
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

func (f servedFeed) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url+"/tuf/"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := f.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, resp.Status)
	}
	return io.ReadAll(resp.Body)
}
