// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"landed/internal/format"
	"landed/manifests"
)

// Set is the metadata of a feed, each file exactly as signed.
type Set struct {
	Roots [][]byte          // ascending, without a gap; the first is the oldest that handsets may hold
	Files map[string][]byte // role → its newest bytes: targets, snapshot, timestamp, delegated roles
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
	faults []error
	// mayExpire says if a delegated role is let pass although it expired: the handsets of its
	// model stop there, as they should, and nobody else looks at it.
	mayExpire func(role string) bool
}

func open(s Set, now time.Time) *checker { return openLike(s, now, &checker{}) }

// openLike is open for a set that shares files with another, which need not be parsed again.
func openLike(s Set, now time.Time, other *checker) *checker {
	c := &checker{set: s, now: now, docs: map[string]document{}, mayExpire: func(string) bool { return false }}
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
		d, err := parse(s.Files[role])
		if err == nil && d.info.Type != typeOf(role) {
			err = fmt.Errorf("metadata of type %s", d.info.Type)
		}
		if err == nil {
			err = CheckRole(role)
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

func (c *checker) checkOffline() {
	root, ok := c.lastRoot()
	targets, have := c.docs[Targets]
	if !ok {
		return
	}
	if !have {
		c.fault("%s: there is no such file", Targets)
		return
	}
	c.mustBeSigned(root, targets, Targets)
	c.mustBeFresh(targets, Targets)
	c.faults = append(c.faults,
		separate(slices.Concat(kindsOfRoot(root.info.Root), kindsOfModels(targets.info.Models)))...)
	if len(targets.info.Targets) > 0 {
		c.fault("%s: it lists files itself; the top-level role only delegates", Targets)
	}
	for _, m := range targets.info.Models {
		for _, role := range []string{m.Role, OffersRole(m.Role)} {
			if d, ok := c.docs[role]; ok {
				c.mustBeSigned(targets, d, role)
				if !c.mayExpire(role) {
					c.mustBeFresh(d, role)
				}
				c.faults = append(c.faults, checkDelegated(role, d.info)...)
			}
		}
	}
}

// checkDelegated judges what a delegated role lists.
func checkDelegated(role string, info Info) (faults []error) {
	if info.Delegates {
		faults = append(faults, fmt.Errorf("%s: it delegates further", role))
	}
	for _, t := range info.Targets {
		if !within(t.Path, role) {
			faults = append(faults, fmt.Errorf("%s: target %s lies outside %s; no client would find it", role, t.Path,
				Pattern(role)))
		}
		if !strings.HasSuffix(t.Path, ".zip") {
			continue
		}
		custom, err := readCustom(t.Custom)
		if t.Custom == nil {
			faults = append(faults, fmt.Errorf("%s: package %s has no custom part; a handset compares model, build, counter "+
				"and effect", role, t.Path))
		} else if err != nil {
			faults = append(faults, fmt.Errorf("%s: custom part of %s: %w", role, t.Path, err))
		} else if model, _ := ModelRole(role); strings.ToLower(custom.Model) != model {
			faults = append(faults, fmt.Errorf("%s: %s is a build for %q", role, t.Path, custom.Model))
		} else if !manifests.ValidChannel(custom.Channel) {
			faults = append(faults, fmt.Errorf("%s: %s is for the channel %q; wanted a lower-case letter, then "+
				"letters, digits and hyphens", role, t.Path, custom.Channel))
		}
	}
	return faults
}

func (c *checker) checkOnline() {
	root, ok := c.lastRoot()
	timestamp, haveTimestamp := c.docs[Timestamp]
	snapshot, haveSnapshot := c.docs[Snapshot]
	if !haveTimestamp || !haveSnapshot {
		c.fault("snapshot or timestamp is missing")
	}
	if !ok || !haveTimestamp || !haveSnapshot {
		return
	}
	c.mustBeSigned(root, timestamp, Timestamp)
	c.mustBeFresh(timestamp, Timestamp)
	c.mustBeSigned(root, snapshot, Snapshot)
	c.mustBeFresh(snapshot, Snapshot)
	c.mustBeListed(Timestamp, timestamp.info.Files[Snapshot], Snapshot)
	for _, role := range slices.Sorted(maps.Keys(snapshot.info.Files)) {
		c.mustBeListed(Snapshot, snapshot.info.Files[role], role)
	}
	for _, m := range c.docs[Targets].info.Models {
		for _, role := range []string{m.Role, OffersRole(m.Role)} {
			if _, ok := snapshot.info.Files[role]; !ok {
				c.fault("%s: it is delegated but the snapshot does not list it; look-ups for that model fail", role)
			}
		}
	}
	for role := range c.set.Files {
		if _, ok := snapshot.info.Files[role]; !ok && role != Snapshot && role != Timestamp {
			c.fault("%s: the file is there but the snapshot does not list it", role)
		}
	}
}

// mustBeListed compares a file with its entry in the list of by.
func (c *checker) mustBeListed(by string, entry RoleFile, role string) {
	d, ok := c.docs[role]
	if !ok {
		c.fault("%s: the %s lists it but the file is not there", role, by)
		return
	}
	text := c.set.Files[role]
	if entry.Version != d.info.Version {
		c.fault("%s: the %s lists version %d, the file is version %d", role, by, entry.Version, d.info.Version)
	}
	if entry.SHA256 != "" && (entry.SHA256 != format.SHA256(text) || entry.Length != int64(len(text))) {
		c.fault("%s: the %s lists other bytes than those of the file", role, by)
	}
}

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

// customOf reads the custom part of a package, if it has a readable one.
func customOf(raw json.RawMessage) (manifests.Custom, bool) {
	c, err := readCustom(raw)
	return c, raw != nil && err == nil
}

// readCustom reads a custom part as publishers and signers do: every member is known, and written in its one form.
// Parts of schema 1 stand in feeds that were published before there was another, and stay there.
func readCustom(raw json.RawMessage) (manifests.Custom, error) {
	c, err := manifests.ParseCustom(raw)
	switch {
	case err != nil:
		return c, err
	case c.Schema == 1:
		return c, exactly(raw, new(manifests.Custom1))
	case c.Schema != manifests.CustomSchema:
		return c, fmt.Errorf("schema is %d, this program reads 1 and %d", c.Schema, manifests.CustomSchema)
	}
	type closed manifests.Custom // without its own lenient reader
	return c, exactly(raw, new(closed))
}
