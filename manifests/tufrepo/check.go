// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Set is the metadata of a feed, each file exactly as signed.
type Set struct {
	Roots [][]byte          // ascending, without a gap; the first is the oldest that handsets may hold
	Files map[string][]byte // role → its newest bytes: targets, snapshot, timestamp, delegated roles

	memo *Memo // nil: every file is read again
}

// Check runs the whole workflow of a client over s, from the oldest root, as of now. On top
// of what TUF asks it wants every listed file to be there, and the rules of this profile.
// All faults are returned.
func (s Set) Check(now time.Time) error {
	c := open(s, now)
	c.checkRoots()
	c.checkOffline()
	c.checkOnline()
	if len(c.faults) == 0 {
		c.workflow(Set{})
	}
	if len(c.faults) == 0 {
		s.memo.passed(c)
	}
	return c.err()
}

// CheckServed is Check for a feed that is served already: the roles of models, builds and offers,
// may have expired. Their own handsets wait then; the others go on.
func (s Set) CheckServed(now time.Time) error {
	c := open(s, now)
	c.mayExpire = func(string) bool { return true }
	c.checkRoots()
	c.checkOffline()
	c.checkOnline()
	if len(c.faults) == 0 {
		c.workflow(Set{})
	}
	return c.err()
}

// CheckOffline checks the part of s that people sign: roots, targets, and the builds of those
// models whose file is there. Snapshot, timestamp and offers need not exist yet.
func (s Set) CheckOffline(now time.Time) error {
	c := open(s, now)
	c.checkRoots()
	c.checkOffline()
	return c.err()
}

// checker holds the parsed set; what cannot be parsed is a fault and left out.
type checker struct {
	set    Set
	now    time.Time
	roots  []document
	docs   map[string]document
	sound  map[string]bool // files that went through a check before, byte for byte
	faults []error
	// mayExpire says if a delegated role is let pass although it expired: the handsets of its
	// model stop there, as they should, and nobody else looks at it.
	mayExpire func(role string) bool
}

func open(s Set, now time.Time) *checker { return openLike(s, now, &checker{}) }

// openLike is open for a set that shares files with another, which need not be parsed again.
func openLike(s Set, now time.Time, other *checker) *checker {
	c := &checker{set: s, now: now, docs: map[string]document{}, sound: map[string]bool{}, mayExpire: func(string) bool { return false }}
	for i, text := range s.Roots {
		d, err := parse(text)
		if err == nil && d.info.Type != Root {
			err = fmt.Errorf("metadata of type %s", d.info.Type)
		}
		if err != nil {
			c.fault("root %d of the list: %w", i+1, err)
			continue
		}
		c.roots = append(c.roots, d)
	}
	for _, role := range slices.Sorted(maps.Keys(s.Files)) {
		if d, ok := other.docs[role]; ok && bytes.Equal(s.Files[role], other.set.Files[role]) {
			c.docs[role] = d
			continue
		}
		if d, ok := s.memo.find(role, s.Files[role]); ok {
			c.docs[role], c.sound[role] = d, true
			continue
		}
		d, err := parse(s.Files[role])
		if err == nil && d.info.Type != typeOf(role) {
			err = fmt.Errorf("metadata of type %s", d.info.Type)
		}
		if err == nil {
			err = CheckRole(role)
		}
		if err == nil && OutsiderRole(role) {
			err = errors.New("outsiders sign statements; no metadata file is theirs")
		}
		if err != nil {
			c.fault("%s: %w", role, err)
			continue
		}
		c.docs[role] = d
	}
	return c
}

// typeOf is the metadata type of a role: delegated roles are of type targets.
func typeOf(role string) string {
	if topLevel(role) {
		return role
	}
	return Targets
}

func (c *checker) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

func (c *checker) err() error { return errors.Join(c.faults...) }

// lastRoot is the newest root, if there is any.
func (c *checker) lastRoot() (document, bool) {
	if len(c.roots) == 0 {
		return document{}, false
	}
	return c.roots[len(c.roots)-1], true
}

func (c *checker) checkRoots() {
	if len(c.roots) == 0 || len(c.roots) > MaxRoots {
		c.fault("%d roots; wanted 1 to %d, clients step through no more", len(c.roots), MaxRoots)
		return
	}
	for i, r := range c.roots {
		c.mustBeSigned(r, r, Root)
		if i == 0 {
			continue
		}
		before := c.roots[i-1]
		c.mustBeSigned(before, r, Root)
		if r.info.Version != before.info.Version+1 {
			c.fault("root: version %d follows %d; a client at %d would be stranded", r.info.Version, before.info.Version,
				before.info.Version)
		}
	}
	last, _ := c.lastRoot()
	c.mustBeFresh(last, Root)
}

// mustBeSigned wants the threshold that by sets for role on d.
func (c *checker) mustBeSigned(by, d document, role string) {
	who, ok := by.roles[role]
	if !ok {
		c.fault("%s: version %d of %s does not say who signs it", role, by.info.Version, by.info.Type)
		return
	}
	if p := d.count(role, who); !p.Done() {
		c.fault("%s: version %d has %d good signatures by keys of %s version %d, wanted %d", role, d.info.Version, p.Have,
			by.info.Type, by.info.Version, p.Need)
	}
}

func (c *checker) expired(d document) bool { return !d.info.Expires.After(c.now) }

func (c *checker) mustBeFresh(d document, role string) {
	if c.expired(d) {
		c.fault("%s: version %d expired on %s", role, d.info.Version, d.info.Expires.Format(time.RFC3339))
	}
}
