// SPDX-License-Identifier: Apache-2.0

package adapter

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"landed/manifests/release"
	"landed/manifests/tufrepo"
)

// said is what releases of a model say of its phones: what they ask for, and of which types of builds they are.
type said struct {
	devices []string // image variants of their own names, by what they ask for
	kinds   []string // ro.lineage.releasetype, in lower case
}

const (
	maxNotes    = 1 << 20 // bytes of one document
	maxReleases = 200     // of one model; the last by name are passed over
	notesEnd    = ".notes.json"
)

// named reads the notes of the releases of a model, which its role lists: so it is known what phones asked for whose build was
// halted since, or replaced. What could not be read is told.
func named(ctx context.Context, from Feed, role tufrepo.Info, device string) (s said, unread []string) {
	read := 0
	for _, t := range role.Targets {
		if !strings.HasSuffix(t.Path, notesEnd) {
			continue
		}
		if read++; read > maxReleases {
			unread = append(unread, fmt.Sprintf("%s has more than %d releases: what phones ask for by the others is not asked for", device,
				maxReleases))
			break
		}
		text, err := get(ctx, from, "/tuf/targets/"+tufrepo.StoredTarget(t.Path, t.SHA256), maxNotes)
		if err == nil && fmt.Sprintf("%x", sha256.Sum256(text)) != t.SHA256 {
			err = fmt.Errorf("%s is not the file that is signed for", t.Path)
		}
		var notes release.NotesDocument
		if err == nil {
			notes, err = release.ParsePublishedNotes(text)
		}
		if err != nil {
			unread = append(unread, fmt.Sprintf("what phones of %s ask for by one of its releases is not asked for: %v", device, err))
			continue
		}
		s.add(notes.Clients[device])
	}
	return s, unread
}

func (s *said) add(c release.Clients) {
	for _, name := range c.Devices {
		if !slices.Contains(s.devices, name) {
			s.devices = append(s.devices, name)
		}
	}
	if kind := strings.ToLower(c.ROMType); kind != "" && !slices.Contains(s.kinds, kind) {
		s.kinds = append(s.kinds, kind)
	}
	slices.Sort(s.devices)
	slices.Sort(s.kinds)
}

// runs is the version and API level of the first build of a LineageOS list, in either form, so that the phone that asks is one
// for which the build is made.
func runs(list string) (version string, sdk int) {
	type build struct {
		Version string `json:"version"`
		SDK     int    `json:"os_sdk_level"`
	}
	var v1 struct {
		Response []build `json:"response"`
	}
	var all []build
	if json.Unmarshal([]byte(list), &v1) == nil {
		all = v1.Response
	} else if json.Unmarshal([]byte(list), &all) != nil {
		return "", 0 // which the reader will say
	}
	if len(all) == 0 {
		return "", 0
	}
	return all[0].Version, all[0].SDK
}
