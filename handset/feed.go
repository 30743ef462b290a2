// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"landed/manifests"
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

// done remembers the poll, so that the next one may be a single conditional request.
func (f *feed) done() {
	trusted := f.up.GetTrustedMetadataSet()
	f.remember(&trusted)
}
