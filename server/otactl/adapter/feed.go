// SPDX-License-Identifier: Apache-2.0

package adapter

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"landed/manifests"
	"landed/manifests/shelf"
	"landed/manifests/tufrepo"
)

// Feed is the server whose signed feed says what phones should be told. Both give fs.ErrNotExist if there is nothing.
type Feed interface {
	Metadata(ctx context.Context, name string) ([]byte, error)
	Public(ctx context.Context, path string) (io.ReadCloser, error)
}

// shelfOf is what the feed has for phones with other updaters on a model and channel.
type shelfOf struct {
	model, channel string
	protocols      []manifests.Protocol // by which phones of the model poll, as its page says
	files          []shelf.File
	kinds          map[string]string // type of builds, by what phones ask for
	said           said              // by its releases
}

type shelves struct {
	version int64 // of the snapshot
	all     []shelfOf
	signed  map[string]int64 // length of each file that models' keys signed, by SHA-256
	notes   []string
}

const maxStatus = 64 << 20

// readFeed goes from the root to the documents of files, each step signed by whom the step before names.
func readFeed(ctx context.Context, from Feed, o Options) (s shelves, err error) {
	root, err := newestRoot(ctx, from, o.Root)
	if err != nil {
		return s, err
	}
	_, stamp, err := signed(ctx, from, "timestamp.json", root, tufrepo.Timestamp)
	if err != nil {
		return s, err
	}
	if now := o.Now(); now.After(stamp.Expires) {
		return s, fmt.Errorf("timestamp.json expired on %s: the feed is old, or a cache keeps it; name another address with --feed",
			stamp.Expires.UTC().Format("2006-01-02 15:04"))
	}
	s.version, s.signed = stamp.Files[tufrepo.Snapshot].Version, map[string]int64{}
	_, snapshot, err := signed(ctx, from, tufrepo.MetadataFile(tufrepo.Snapshot, s.version), root, tufrepo.Snapshot)
	if err != nil {
		return s, err
	}
	targets, models, err := signed(ctx, from, tufrepo.MetadataFile(tufrepo.Targets, snapshot.Files[tufrepo.Targets].Version), root,
		tufrepo.Targets)
	if err != nil {
		return s, err
	}
	protocols, devices, err := spoken(ctx, from)
	if err != nil {
		s.notes = append(s.notes, fmt.Sprintf("which models have such phones is not known (%v), so lists that should be empty are "+
			"not looked at", err))
	}
	for _, m := range models.Models {
		var role tufrepo.Info
		name := tufrepo.OffersRole(m.Role)
		if listed, is := snapshot.Files[name]; is { // or nothing was ever offered
			if _, role, err = signed(ctx, from, tufrepo.MetadataFile(name, listed.Version), targets, name); err != nil {
				return s, err
			}
		}
		before := len(s.all)
		if err := s.role(ctx, from, role, protocols[m.Role], devices[m.Role]); err != nil {
			return s, err
		}
		if len(s.all) == before {
			continue // no phones of it poll
		}
		if listed, is := snapshot.Files[m.Role]; is {
			if _, role, err = signed(ctx, from, tufrepo.MetadataFile(m.Role, listed.Version), targets, m.Role); err != nil {
				return s, err
			}
			for _, t := range role.Targets {
				s.signed[t.SHA256] = t.Length
			}
			names, unread := named(ctx, from, role, s.all[before].model)
			s.notes = append(s.notes, unread...)
			for i := before; i < len(s.all); i++ {
				s.all[i].said = names
			}
		}
	}
	return s, nil
}

// role adds what an offers role has on each channel.
func (s *shelves) role(ctx context.Context, from Feed, role tufrepo.Info, protocols []manifests.Protocol, device string) error {
	var documents []shelf.Document
	for _, t := range role.Targets {
		if !shelf.Is(t.Path) {
			continue
		}
		text, err := get(ctx, from, "/tuf/targets/"+tufrepo.StoredTarget(t.Path, t.SHA256), shelf.MaxDocument)
		if err == nil && fmt.Sprintf("%x", sha256.Sum256(text)) != t.SHA256 {
			err = fmt.Errorf("%s is not the file that is signed for", t.Path)
		}
		if err != nil {
			return err
		}
		d, err := shelf.Parse(text)
		if err != nil {
			return err
		}
		documents = append(documents, d)
	}
	channels := map[string]bool{}
	if len(protocols) > 0 {
		channels["stable"] = true // whose paths apps have built in
	}
	for _, t := range role.Targets {
		channel, isDocument := strings.CutSuffix(path.Base(t.Path), shelf.Suffix)
		if isDocument || len(protocols) > 0 {
			channels[strings.TrimSuffix(channel, ".json")] = true
		}
	}
	for _, channel := range slices.Sorted(maps.Keys(channels)) {
		one := shelfOf{model: device, channel: channel, protocols: protocols}
		for _, d := range documents {
			if d.Channel == channel {
				one.model, one.files = d.Model, d.Files
			}
		}
		one.kinds = kindsOf(one.files)
		s.all = append(s.all, one)
	}
	return nil
}

// kindsOf are the types of builds that v2 lists name, by device.
func kindsOf(files []shelf.File) map[string]string {
	kinds := map[string]string{}
	for _, f := range files {
		var builds []struct {
			Type string `json:"type"`
		}
		if parts := strings.Split(f.Path, "/"); len(parts) == 7 && json.Unmarshal([]byte(f.Text), &builds) == nil && len(builds) > 0 {
			kinds[parts[5]] = builds[0].Type
		}
	}
	return kinds
}

// newestRoot follows the roots from the first, or from one that is trusted.
func newestRoot(ctx context.Context, from Feed, root []byte) ([]byte, error) {
	var err error
	if root == nil {
		if root, err = from.Metadata(ctx, tufrepo.MetadataFile(tufrepo.Root, 1)); err != nil {
			return nil, err
		}
	}
	info, err := tufrepo.Read(root)
	for n := info.Version + 1; err == nil && n <= tufrepo.MaxRoots; n++ {
		next, err := from.Metadata(ctx, tufrepo.MetadataFile(tufrepo.Root, n))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, by := range [][]byte{root, next} {
			if err := enough(by, tufrepo.Root, next); err != nil {
				return nil, err
			}
		}
		root = next
	}
	return root, err
}

// signed is metadata that a delegator names the signers of.
func signed(ctx context.Context, from Feed, file string, delegator []byte, role string) ([]byte, tufrepo.Info, error) {
	doc, err := from.Metadata(ctx, file)
	if err == nil {
		err = enough(delegator, role, doc)
	}
	if err != nil {
		return nil, tufrepo.Info{}, err
	}
	info, err := tufrepo.Read(doc)
	return doc, info, err
}

func enough(delegator []byte, role string, doc []byte) error {
	p, err := tufrepo.CountSignatures(delegator, role, doc)
	if err == nil && !p.Done() {
		err = fmt.Errorf("%s has %d of %d signatures", role, p.Have, p.Need)
	}
	return err
}

// spoken are the protocols of each model, and its device, by role, as the public page has them.
func spoken(ctx context.Context, from Feed) (protocols map[string][]manifests.Protocol, devices map[string]string, err error) {
	text, err := get(ctx, from, "/status.json", maxStatus)
	var page struct {
		Models []struct {
			Model     string               `json:"model"`
			Role      string               `json:"role"`
			Protocols []manifests.Protocol `json:"protocols"`
		} `json:"models"`
	}
	if err == nil {
		err = json.Unmarshal(text, &page)
	}
	protocols, devices = map[string][]manifests.Protocol{}, map[string]string{}
	for _, m := range page.Models {
		protocols[m.Role], devices[m.Role] = m.Protocols, m.Model
	}
	return protocols, devices, err
}

// moved says if the feed is another by now.
func moved(ctx context.Context, from Feed, version int64) bool {
	doc, err := from.Metadata(ctx, "timestamp.json")
	if err != nil {
		return false
	}
	info, err := tufrepo.Read(doc)
	return err == nil && info.Files[tufrepo.Snapshot].Version != version
}

func get(ctx context.Context, from Feed, path string, limit int64) ([]byte, error) {
	body, err := from.Public(ctx, path)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return text, err
}
