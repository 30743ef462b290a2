// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"context"
	"time"
)

// RestoreTold is Restore, and tells each file that it put into another place.
func (d Dir) RestoreTold(ctx context.Context, file string, force bool, now func() time.Time, moved func(string)) (Restored, error) {
	return restorer{d, moved}.restore(ctx, file, force, now)
}
