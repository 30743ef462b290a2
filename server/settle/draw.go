// SPDX-License-Identifier: Apache-2.0

package settle

import (
	"encoding/hex"
	"time"

	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/server/fleet"
)

// commitKept is how much of a commitment is kept, in hex digits: 16 bytes. To find two secrets that share them takes
// 2⁶⁴ tries, for one handset and one release.
const commitKept = 32

// draw holds what the newest report of a state says of its draw against its rollout. The first commitment that came
// before the salt stands. A report that shows another secret than was committed to, or begins what it has not drawn, is
// out of draw; the next one is looked at anew, because shares grow.
func (h *Handset) draw(i *fleet.Installation, now time.Time, r report.Report) {
	i.OutOfDraw = false
	rollout, going := h.Loaded.Control.Rollout(i, now)
	if !going {
		if r.DrawCommit != "" && i.Commit == "" {
			i.Commit = r.DrawCommit[:commitKept]
		}
		return
	}
	i.Absent = i.Absent || rollout.Started.After(i.Away) && !rollout.Started.After(i.Back)
	if r.Draw != "" && (i.Commit != "" || i.Drawn >= 0) {
		i.OutOfDraw = !opened(i, r.Draw, rollout.Salt)
	}
	if i.Progress != report.ProgressKnown && i.Drawn >= rollout.ShareAt(now) {
		i.OutOfDraw = true
	}
}

// opened says if a secret is what i committed to, and keeps what it drew with it.
func opened(i *fleet.Installation, secret, salt string) bool {
	s, err := hex.DecodeString(secret)
	if err != nil {
		return false
	}
	drawn := offers.Draw(s, salt)
	if i.Commit == "" {
		return drawn == i.Drawn
	}
	if offers.Commitment(s)[:commitKept] != i.Commit {
		return false
	}
	i.Commit, i.Drawn = "", drawn
	return true
}
