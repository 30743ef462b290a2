// SPDX-License-Identifier: Apache-2.0

package rollouts

import "time"

// AlarmAfter sets when a person hears of what cannot be published.
func (rs *Rollouts) AlarmAfter(d time.Duration) { rs.again.alarm = d }
