// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"landed/server/fleet"
	"landed/server/reasons"
)

// Stop names why r is held or halted, as 8 hex digits; "" if it is neither. It stays while the reason is of one kind, so that
// nobody changes it by sending more reports, and is another when somebody else stops it, or something else does.
func Stop(r fleet.Rollout) string {
	var why fleet.Reason
	switch r.State {
	case fleet.RolloutHeld:
		why = r.Held
	case fleet.RolloutHalted:
		why = r.Reason
	default:
		return ""
	}
	words := fmt.Sprintf("%s %s", r.State, why.Code)
	if why.Code == fleet.SaidCode {
		words = fmt.Sprintf("%s %q %q %d", words, why.Values[fleet.TextValue], r.By, r.Changed.UnixMilli())
	}
	sum := sha256.Sum256([]byte(words))
	return hex.EncodeToString(sum[:4])
}

// CheckStop refuses to resume r for a stop that is not the one that a person saw. None, "", is that of any hold, and of no
// halt: what was sent to end a hold must not undo what somebody decided since.
func CheckStop(r fleet.Rollout, saw string) error {
	is := Stop(r)
	if is == "" || saw == is || saw == "" && r.State == fleet.RolloutHeld {
		return nil
	}
	why := "held because " + reasons.Words(r.Held)
	if r.State == fleet.RolloutHalted {
		why = "halted by " + r.By + " because " + reasons.Words(r.Reason)
	}
	return fleet.Errorf(fleet.Conflict, "stopped_otherwise", "the rollout is %s; if that is what you mean to end, say so: stop %s", why, is)
}

// CheckStage refuses to widen r to another stage than the next, the first of which is 1; the one after the last is to finish
// it. there says that it has been widened so already.
func CheckStage(r fleet.Rollout, to int) (there bool, err error) {
	at := r.Stage + 1
	if r.State == fleet.RolloutFinished {
		at = len(r.Stages) + 1
	}
	switch {
	case to == at && to > 1:
		return true, nil
	case to == at+1:
		return false, nil
	}
	return false, fleet.Errorf(fleet.Conflict, "stage_other", "the rollout is in stage %d of %d, so it goes to stage %d, and not to %d",
		min(at, len(r.Stages)), len(r.Stages), at+1, to)
}
