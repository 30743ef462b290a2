// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"landed/manifests"
	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

const (
	timestampFile = "timestamp.json"

	maxTimestamp = tufrepo.MaxTimestampBytes
	maxOffers    = 256 << 10
	maxRole      = tufrepo.MaxTargetsBytes
)

// feed is the trusted state of one poll. go-tuf refreshes an updater once; each poll makes a new one.
type feed struct {
	c        *Client
	up       *updater.Updater
	fetch    *fetcher
	model    string // ro.product.device
	role     string // of the model
	now      time.Time
	snapshot []byte // a newer one that unchanged has fetched
}

// poll asks the feed for news. A nil feed without an error means that nothing has changed and nothing has expired;
// otherwise the whole TUF workflow has been done.
func (c *Client) poll(ctx context.Context, model string) (*feed, error) {
	f := &feed{c: c, model: model, role: manifests.Model{Device: model}.Role(), now: c.Time(),
		fetch: &fetcher{ctx: ctx, c: c, kept: map[string]fetched{}}}
	if c.mem.Validator != "" && f.now.Before(c.mem.Expires) {
		if same, err := c.sameTimestamp(ctx); same || err != nil {
			return nil, err
		}
	}
	if f.unchanged() {
		return nil, nil
	}
	if err := f.refresh(); err != nil {
		return nil, err
	}
	return f, nil
}

// sameTimestamp asks if the timestamp is still the one that the last complete poll ended with. Any other is only a
// signal and is not looked at: the workflow begins with the root (TUF 5.3), which says whose timestamps count.
func (c *Client) sameTimestamp(ctx context.Context) (bool, error) {
	header := packed()
	header.Set("If-None-Match", c.mem.Validator)
	resp, err := c.get(ctx, c.metadataURL(timestampFile), header)
	if err != nil {
		return false, metadataRefusal(err, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNotModified:
		return true, nil
	case http.StatusOK:
		// Read, so that the connection can be used again.
		if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxTimestamp)); err != nil {
			return false, metadataRefusal(err, err)
		}
		return false, nil
	}
	err = &metadata.ErrDownloadHTTP{StatusCode: resp.StatusCode, URL: c.metadataURL(timestampFile)}
	return false, metadataRefusal(err, err)
}

// validator is what a poll is conditional on: the digest of what is signed in the timestamp that was trusted last, as
// an entity tag. The handset computes it by itself. A server's own tags are never kept: with one, whoever serves the
// feed could mark a handset and know it again.
func validator(timestamp *metadata.Metadata[metadata.TimestampType]) string {
	text, err := timestamp.ToBytes(false)
	if err != nil {
		return ""
	}
	sum, err := tufrepo.SignedDigest(text)
	if err != nil {
		return "" // every poll is a whole one then
	}
	return `"` + sum + `"`
}

// refresh does the TUF workflow. A root that names other online keys takes back what the old ones had proven about
// the time, and then the workflow is done again: by that time the root itself may have seemed to have expired.
func (f *feed) refresh() error {
	f.fetch.network = nil // of a look whether anything has changed
	f.c.known = nil
	err := f.workflow()
	if f.up != nil && f.c.mem.Time.follow(onlineKeys(f.up.GetTrustedMetadataSet().Root)) {
		f.now = f.c.Time()
		err = f.workflow()
	}
	if err != nil {
		return err
	}
	return f.lasting(tufrepo.Snapshot, f.up.GetTrustedMetadataSet().Snapshot.Signed.Expires)
}

// lasting refuses metadata of an online role that pretend to last too long.
func (f *feed) lasting(role string, expires time.Time) error {
	if err := f.c.mem.Time.lasting(role, expires, f.c.cfg.Now()); err != nil {
		return metadataRefusal(err, nil)
	}
	return nil
}

func (f *feed) workflow() error {
	dir := f.c.path("metadata")
	if err := f.c.writeCopies(); err != nil {
		return &Refusal{ClassHandset, report.PhaseMetadata, codeWrite, err}
	}
	dropUnreadable(dir)
	cfg, err := config.New(f.c.cfg.URL+"/tuf/metadata", f.c.trustedRoot())
	if err != nil {
		return err
	}
	cfg.LocalMetadataDir, cfg.LocalTargetsDir = dir, dir
	cfg.Fetcher = f.fetch
	cfg.TargetsMaxLength = maxRole
	return f.guard(func() (err error) {
		if f.up, err = updater.New(cfg); err != nil {
			return err
		}
		f.up.UnsafeSetRefTime(f.now)
		return f.up.Refresh()
	})
}

// guard runs a piece of go-tuf. v2.4.2 dereferences nil on some signed but senseless metadata; that must
// end one poll, not the process.
func (f *feed) guard(do func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = metadataRefusal(fmt.Errorf("the metadata make no sense: %v", fault), nil)
		}
	}()
	if err := do(); err != nil {
		return metadataRefusal(err, f.fetch.network)
	}
	return nil
}

// errUnlisted says that the role in question was verified, and does not list the path.
var errUnlisted = errors.New("the role does not list it")

// target looks up a path and requires that the given role, and no other, vouches for it.
func (f *feed) target(path, role string) (*metadata.TargetFiles, error) {
	var info *metadata.TargetFiles
	err := f.guard(func() (err error) {
		info, err = f.up.GetTargetInfo(path)
		return err
	})
	trusted := f.up.GetTrustedMetadataSet()
	if doc := trusted.Targets[role]; err != nil && doc != nil && doc.Signed.Targets[path] == nil {
		return nil, refuse(ClassDisagree, report.PhaseMetadata, codeExcluded, "%s: %w", path, errUnlisted)
	}
	if err != nil {
		return nil, err
	}
	for name, doc := range trusted.Targets {
		if name != metadata.TARGETS && doc.Signed.Delegations != nil {
			return nil, refuse(ClassDisagree, report.PhaseMetadata, codeExcluded,
				"role %s delegates, which no role of a model may", name)
		}
	}
	doc := trusted.Targets[role]
	if doc == nil || doc.Signed.Targets[path] == nil {
		return nil, refuse(ClassDisagree, report.PhaseMetadata, codeExcluded, "%s is vouched for, but not by role %s",
			path, role)
	}
	if sha256Of(info) == "" {
		return nil, refuse(ClassMix, report.PhaseMetadata, codeMetadata, "%s has no sha256", path)
	}
	return info, nil
}

// retired says that the people who sign for all models delegate to nobody for this one: it was given up, or never
// brought in. Only they can say so, and the handset is at rest then, with nothing to refuse.
func (f *feed) retired() bool {
	top := f.up.GetTrustedMetadataSet().Targets[metadata.TARGETS]
	if top == nil {
		return false
	}
	if top.Signed.Delegations == nil {
		return true
	}
	return !slices.ContainsFunc(top.Signed.Delegations.Roles, func(d metadata.DelegatedRole) bool {
		return d.Name == f.role || d.Name == tufrepo.OffersRole(f.role)
	})
}

// offers is the verified document of what is offered now, from the disk if it is the one from there. A model or channel
// that never had a rollout has none: then nothing is offered.
func (f *feed) offers() (offers.Document, error) {
	path := tufrepo.OffersPath(f.role, f.c.cfg.Channel)
	info, err := f.target(path, tufrepo.OffersRole(f.role))
	if errors.Is(err, errUnlisted) {
		return offers.Document{Schema: offers.Schema, Model: f.model, Channel: f.c.cfg.Channel}, nil
	}
	if err != nil {
		return offers.Document{}, err
	}
	role := tufrepo.OffersRole(f.role)
	if err := f.lasting(role, f.up.GetTrustedMetadataSet().Targets[role].Signed.Expires); err != nil {
		return offers.Document{}, err
	}
	sum := sha256Of(info)
	text, err := os.ReadFile(f.c.path(offersFile))
	if err != nil || info.VerifyLengthHashes(text) != nil {
		url := f.c.targetURL(tufrepo.StoredTarget(path, sum))
		if text, err = f.fetch.DownloadFile(url, min(info.Length, maxOffers), 0); err != nil {
			return offers.Document{}, metadataRefusal(err, f.fetch.network)
		}
		if err := info.VerifyLengthHashes(text); err != nil {
			return offers.Document{}, refuse(ClassHash, report.PhaseMetadata, codePayloadHash, "%s: %w", path, err)
		}
		if err := replaceFile(f.c.path(offersFile), text); err != nil {
			return offers.Document{}, err
		}
	}
	doc, err := offers.Parse(text)
	if err != nil {
		return doc, refuse(ClassMix, report.PhaseMetadata, codeMetadata, "%w", err)
	}
	return doc, nil
}

// done remembers the poll, so that the next one may be a single conditional request.
func (f *feed) done() {
	trusted := f.up.GetTrustedMetadataSet()
	f.remember(&trusted)
}

// trustedRoot is the newest root that this handset has verified, or the one it was sold with.
func (c *Client) trustedRoot() []byte {
	stored, err := os.ReadFile(c.path(filepath.Join("metadata", "root.json")))
	if err != nil {
		return c.cfg.Root
	}
	if bytes.Equal(stored, c.cfg.Root) {
		return stored
	}
	kept, err := metadata.Root().FromBytes(stored)
	sold, err2 := metadata.Root().FromBytes(c.cfg.Root)
	if err != nil || err2 != nil || kept.Signed.Version < sold.Signed.Version {
		return c.cfg.Root
	}
	return stored
}

// plausible looks at a timestamp before go-tuf keeps it: for the one entry whose absence makes go-tuf dereference
// nil, and for an expiry that no timestamp may have.
func (c *Client) plausible(timestamp []byte) error {
	var doc struct {
		Signed struct {
			Meta    map[string]*struct{} `json:"meta"`
			Expires time.Time            `json:"expires"`
		} `json:"signed"`
	}
	if err := json.Unmarshal(timestamp, &doc); err != nil {
		return fmt.Errorf("timestamp.json: %w", err)
	}
	if doc.Signed.Meta["snapshot.json"] == nil {
		return fmt.Errorf("timestamp.json lists no snapshot.json")
	}
	return c.mem.Time.lasting(tufrepo.Timestamp, doc.Signed.Expires, c.cfg.Now())
}

// dropUnreadable removes what a power cut left half-written: go-tuf takes an unreadable copy for a fatal
// fault, and would never poll again.
func dropUnreadable(dir string) {
	names, _ := fs.Glob(os.DirFS(dir), "*.json")
	for _, name := range names {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil && !json.Valid(text) {
			_ = os.Remove(filepath.Join(dir, name))
		}
	}
}

func sha256Of(info *metadata.TargetFiles) string {
	if len(info.Hashes) != 1 {
		return "" // two hashes name two files; this profile lists one
	}
	return hex.EncodeToString(info.Hashes["sha256"])
}
