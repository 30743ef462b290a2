// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"
)

// MaxJump bounds how far a version may leap, so that a slip of the pen does not use numbers up
// for ever; after a restore from a backup a leap is needed.
const MaxJump = 10_000

// MaxLife is the longest that new metadata of a role may be valid.
func MaxLife(role string) time.Duration {
	const day = 24 * time.Hour
	_, isOffers := ModelRole(role)
	switch {
	case role == Root:
		return 800 * day
	case role == Timestamp:
		return 8 * day
	case role == Snapshot || isOffers:
		return 32 * day
	}
	return 400 * day
}

// CheckNext checks that next may be published after prev: Check(next), and what a client that
// holds prev would refuse. Versions grow where bytes change, roles do not vanish from the
// snapshot, roots are kept for ever. What changes must be fresh, and so must root, targets,
// snapshot and timestamp; a role of a model that stays as it is may have expired, so that one
// forgotten model stops nobody but its own handsets. Only a change of the online keys in the root permits
// lower versions, as TUF's recovery from a fast-forward attack needs it.
func CheckNext(prev, next Set, now time.Time) error {
	c := open(next, now)
	c.mayExpire = func(role string) bool {
		return prev.Files[role] != nil && bytes.Equal(prev.Files[role], next.Files[role])
	}
	c.checkRoots()
	c.checkOffline()
	c.checkOnline()
	old := openLike(prev, now, c)
	old.faults = nil // what was published is judged by whether next follows from it
	c.checkKept(prev)
	c.checkGrowth(old)
	if len(c.faults) == 0 {
		c.workflow(prev)
	}
	if len(c.faults) == 0 {
		next.memo.passed(c)
	}
	return c.err()
}

// checkKept wants every published root again, byte for byte.
func (c *checker) checkKept(prev Set) {
	for i, r := range prev.Roots {
		if i >= len(c.set.Roots) || !bytes.Equal(r, c.set.Roots[i]) {
			c.fault("root: number %d of the published roots is missing or has other bytes; keep all roots for ever", i+1)
		}
	}
	for _, r := range c.roots[min(len(prev.Roots), len(c.roots)):] {
		c.mustNotLast(r, Root)
	}
}

func (c *checker) mustNotLast(d document, role string) {
	if limit := MaxLife(role); d.info.Expires.After(c.now.Add(limit)) {
		c.fault("%s: version %d is valid until %s; the limit is %d days", role, d.info.Version,
			d.info.Expires.Format(time.DateOnly), limit/(24*time.Hour))
	}
}

func (c *checker) checkGrowth(old *checker) {
	root, ok := c.lastRoot()
	if !ok {
		return
	}
	// A client forgets what the new root does not vouch for.
	forgot := func(role string) bool {
		d, ok := old.docs[role]
		return ok && !d.count(role, root.roles[role]).Done()
	}
	lostTimestamp, lostSnapshot := forgot(Timestamp), forgot(Snapshot)
	for _, role := range slices.Sorted(maps.Keys(old.docs)) {
		mayFall := lostSnapshot
		if role == Timestamp || role == Snapshot {
			mayFall = lostTimestamp
		}
		next, ok := c.docs[role]
		if !ok {
			if !mayFall {
				c.fault("%s: it vanished; every client that has seen it would stop. Keep the file, and its entry in the snapshot",
					role)
			}
			continue
		}
		if !bytes.Equal(c.set.Files[role], old.set.Files[role]) && !mayFall {
			c.mustGrow(role, old.docs[role].info.Version, next.info.Version)
		}
	}
	for role, d := range c.docs {
		if !bytes.Equal(c.set.Files[role], old.set.Files[role]) {
			c.mustNotLast(d, role)
		}
	}
}

func (c *checker) mustGrow(role string, from, to int64) {
	switch {
	case to == from:
		c.fault("%s: version %d is published with other bytes; clients would keep the old ones", role, to)
	case to < from:
		c.fault("%s: version %d is lower than %d, which is published; clients refuse it", role, to, from)
	case to > from+MaxJump:
		c.fault("%s: version leaps from %d to %d; the limit is %d", role, from, to, MaxJump)
	}
}

// CheckStaged checks new offline metadata, by role, before or while it is signed: root, targets
// and builds of models. Each is read strictly, follows the version that is published, does not
// live too long, and bears only good signatures, if any. A change of keys must bring along
// every file that the old keys signed.
func CheckStaged(prev Set, staged map[string][]byte, now time.Time) error {
	next := prev.With(staged)
	c := open(next, now)
	old := openLike(prev, now, c)
	old.faults = nil
	root, ok := c.lastRoot()
	if !ok {
		c.fault("there is no root, neither published nor staged")
		return c.err()
	}
	c.faults = append(c.faults,
		separate(slices.Concat(kindsOfRoot(root.info.Root), kindsOfTargets(c.docs[Targets].info)))...)
	for _, role := range slices.Sorted(maps.Keys(staged)) {
		if role == Root {
			c.checkStagedRoot(old)
		} else {
			c.checkStagedRole(role, old)
		}
	}
	for role, who := range c.offlineRoles() {
		_, isStaged := staged[role]
		d, have := c.docs[role]
		if !have {
			c.fault("%s: it is delegated but has no file; make an empty one in the same change", role)
		} else if !isStaged && !d.count(role, who).Done() {
			c.fault("%s: its keys change but its file is not signed again in the same change; clients would refuse it", role)
		}
	}
	return c.err()
}

// offlineRoles are the roles that people sign, under the newest root and targets.
func (c *checker) offlineRoles() map[string]RoleKeys {
	roles := map[string]RoleKeys{}
	if root, ok := c.lastRoot(); ok {
		roles[Targets] = root.roles[Targets]
	}
	for _, m := range c.docs[Targets].info.Models {
		roles[m.Role] = m.Builds
	}
	return roles
}

func (c *checker) checkStagedRoot(old *checker) {
	root, _ := c.lastRoot()
	c.mustBeFresh(root, Root)
	c.mustNotLast(root, Root)
	signers := slices.Clone(root.roles[Root].Keys)
	if before, ok := old.lastRoot(); ok {
		if root.info.Version != before.info.Version+1 {
			c.fault("root: version %d is staged, %d is published; the next is %d", root.info.Version, before.info.Version,
				before.info.Version+1)
		}
		signers = append(signers, before.roles[Root].Keys...)
	}
	c.mustBeGood(root, Root, signers)
}

func (c *checker) checkStagedRole(role string, old *checker) {
	d, ok := c.docs[role]
	if !ok {
		return // a fault already
	}
	who, ok := c.offlineRoles()[role]
	if !ok {
		c.fault("%s: people do not sign it, or nobody may; wanted root, targets or the builds of a model", role)
		return
	}
	before := old.docs[role].info.Version
	if d.info.Version <= before || d.info.Version > before+MaxJump {
		c.fault("%s: version %d is staged, %d is published; the next is %d", role, d.info.Version, before, before+1)
	}
	c.mustBeFresh(d, role)
	c.mustNotLast(d, role)
	c.mustBeGood(d, role, who.Keys)
	if role == Targets && len(d.info.Targets) > 0 {
		c.fault("%s: it lists files itself; the top-level role only delegates", role)
	} else if role != Targets {
		c.faults = append(c.faults, checkDelegated(role, d.info)...)
	}
}

// mustBeGood refuses signatures by strangers, and bad ones.
func (c *checker) mustBeGood(d document, role string, keys []Key) {
	for _, id := range d.info.Signers {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.ID() == id && d.signedBy(k) }) {
			c.fault("%s: the signature of key %.8s is bad, or the key is not one of the role's", role, id)
		}
	}
}

// With returns s with newer files in place; a root is added to the end unless it is there
// already. s is not changed.
func (s Set) With(files map[string][]byte) Set {
	next := Set{Roots: slices.Clone(s.Roots), Files: maps.Clone(s.Files), memo: s.memo}
	if next.Files == nil {
		next.Files = map[string][]byte{}
	}
	for role, text := range files {
		if role != Root {
			next.Files[role] = text
		} else if n := len(next.Roots); n == 0 || !bytes.Equal(next.Roots[n-1], text) {
			next.Roots = append(next.Roots, text)
		}
	}
	return next
}

// Delegator is the file that says who signs role: the newest root, or the targets.
func (s Set) Delegator(role string) ([]byte, error) {
	if topLevel(role) && len(s.Roots) > 0 {
		return s.Roots[len(s.Roots)-1], nil
	}
	if text, ok := s.Files[Targets]; ok && !topLevel(role) {
		return text, nil
	}
	return nil, fmt.Errorf("nothing here says who signs %s", role)
}
