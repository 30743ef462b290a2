// SPDX-License-Identifier: Apache-2.0

package library

import (
	"context"
	"io"
	"time"

	"landed/manifests/otapkg"
)

// AfterStep calls f after each step of a removal, and breaks it off if that fails.
func (l *Library) AfterStep(f func(done string) error) { l.removed = f }

// Leftovers are contents that are still to be deleted.
func (l *Library) Leftovers(ctx context.Context) ([]string, error) { return l.leftovers(ctx) }

// VariantOf is the image variant that a package of a model is for, or "".
var VariantOf = variantOf

// Inspect is what happens to an upload once its bytes are here.
func (l *Library) Inspect(
	ctx context.Context, name string, r io.ReaderAt, size int64, policy otapkg.Policy,
) (otapkg.Facts, otapkg.Findings, error) {
	return l.inspect(ctx, name, r, size, policy)
}

// SetPatience says how long a package waits for its inspection.
func (l *Library) SetPatience(d time.Duration) { l.patience = d }
