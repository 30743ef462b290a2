// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"

	"landed/server/otactl/client"
	"landed/server/otactl/verify"
)

// verified is what somebody outside finds who fetches what is public, and counts every number again.
type verified struct {
	Tally   int64 `json:"tally"` // the number of the newest
	Pages   int   `json:"pages"`
	Numbers int   `json:"numbers"` // that were counted again
	Reports int64 `json:"reports"`
	Effects int   `json:"effects"` // documents by which reports are judged, that people signed
}

// verify checks the site as otactl verify-status does, with nothing but its address and the root that handsets are sold with. Of several
// servers each is asked in turn, so that what one of them published comes from all.
func (t *telling) verify(ctx context.Context, r *result) error {
	dir := t.save
	if dir == "" {
		temp, err := os.MkdirTemp("", "landed-verify-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		dir = temp
	}
	stranger, err := client.New(t.site.url, "", nil)
	if err == nil {
		err = verify.Fetch(ctx, stranger, dir, verify.Wanted{})
	}
	if err != nil {
		return fmt.Errorf("what is public cannot be fetched: %w", err)
	}
	found, err := verify.Folder(ctx, dir, verify.Options{Root: t.people.root})
	if err != nil {
		return fmt.Errorf("what is public does not hold: %w", err)
	}
	r.Verified = &verified{found.Number, found.Pages, found.Numbers, found.Reports, found.Effects}
	r.Agrees = r.Agrees && found.Recounted
	return nil
}
