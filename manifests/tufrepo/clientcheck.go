// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"bytes"

	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// workflow runs go-tuf's state machine over the set, as a second reader. If held is not empty,
// it is what the client holds from its last visit; its files may be expired or no longer
// trusted, which the workflow allows.
func (c *checker) workflow(held Set) {
	step := func(what string, err error) bool {
		if err != nil {
			c.fault("a TUF client refuses the %s: %w", what, err)
		}
		return err == nil
	}
	t, err := trustedmetadata.New(c.set.Roots[0])
	if !step("first root", err) {
		return
	}
	t.RefTime = c.now
	for _, r := range c.set.Roots[1:] {
		if _, err := t.UpdateRoot(r); !step("next root", err) {
			return
		}
	}
	same := false
	if old, ok := held.Files[Timestamp]; ok {
		_, _ = t.UpdateTimestamp(old)
		same = t.Timestamp != nil && string(old) == string(c.set.Files[Timestamp])
	}
	if !same {
		if _, err := t.UpdateTimestamp(c.set.Files[Timestamp]); !step("timestamp", err) {
			return
		}
	}
	if old, ok := held.Files[Snapshot]; ok {
		_, _ = t.UpdateSnapshot(old, true)
	}
	if _, err := t.UpdateSnapshot(c.set.Files[Snapshot], false); !step("snapshot", err) {
		return
	}
	if _, err := t.UpdateTargets(c.set.Files[Targets]); !step("targets", err) {
		return
	}
	unchanged := func(role string) bool { return bytes.Equal(held.Files[role], c.set.Files[role]) }
	for _, m := range c.docs[Targets].info.Models {
		for _, role := range []string{m.Role, OffersRole(m.Role)} {
			if unchanged(Targets) && unchanged(role) {
				continue // went through here when it was published
			}
			if c.mayExpire(role) && c.expired(c.docs[role]) {
				continue // a client refuses it, and is meant to
			}
			_, err := t.UpdateDelegatedTargets(c.set.Files[role], role, Targets)
			step("role "+role, err)
		}
	}
}
