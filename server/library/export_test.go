// SPDX-License-Identifier: Apache-2.0

package library

import "context"

// AfterStep calls f after each step of a removal, and breaks it off if that fails.
func (l *Library) AfterStep(f func(done string) error) { l.removed = f }

// Leftovers are contents that are still to be deleted.
func (l *Library) Leftovers(ctx context.Context) ([]string, error) { return l.leftovers(ctx) }

// VariantOf is the image variant that a package of a model is for, or "".
var VariantOf = variantOf
