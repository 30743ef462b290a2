// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"context"
	"errors"
	"fmt"

	"landed/manifests/tufrepo"
	"landed/server/blob"
	"landed/server/fleet"
)

// present refuses to list a target for the first time whose content is not here: a listed file is never missing.
func (p *Publisher) present(ctx context.Context, prev, next state) error {
	listed := map[string]bool{}
	for _, t := range prev.targets() {
		listed[t.SHA256] = true
	}
	var faults []error
	for _, t := range next.targets() {
		if listed[t.SHA256] {
			continue
		}
		_, err := p.cfg.Blobs.Stat(ctx, blob.Ref(t.SHA256))
		if errors.Is(err, blob.ErrNotFound) {
			faults = append(faults, fmt.Errorf("%s", t.Path))
		} else if err != nil {
			return err
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fleet.Errorf(fleet.Conflict, "content_missing", "nothing was published, because the content of what would be listed is not in the store: %s; upload it again", inOneLine(err))
	}
	return nil
}

// linkAll puts every target into the folder. One whose content was lost after it was published is told and left out:
// to stop there would end the timestamps of every model, and with them all updates.
func (p *Publisher) linkAll(ctx context.Context, targets []tufrepo.Target) error {
	lost := map[string]bool{}
	for _, t := range targets {
		err := p.folder.link(ctx, t)
		if errors.Is(err, blob.ErrNotFound) {
			lost[t.Path] = true
			if !p.lost[t.Path] {
				p.cfg.Log.ErrorContext(ctx, "published content is lost; handsets cannot get it until the same file is uploaded again", "path", t.Path, "sha256", t.SHA256)
			}
		} else if err != nil {
			return err
		}
	}
	p.lost = lost
	return nil
}
