// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"landed/internal/format"
	"landed/manifests"
)

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
		separate(slices.Concat(kindsOfRoot(root.info.Root), kindsOfTargets(targets.info)))...)
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
				if !c.sound[role] {
					c.faults = append(c.faults, checkDelegated(role, d.info)...)
				}
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
