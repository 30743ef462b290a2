// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"landed/manifests"
	"landed/manifests/tufrepo"
)

const (
	maxTimestamp = tufrepo.MaxTimestampBytes
	maxOffers    = 256 << 10
	maxRole      = tufrepo.MaxTargetsBytes
)

// feed is the signed feed, as far as it outlives a poll: what the last complete one has verified.
type feed struct {
	server  *server
	clock   *clock
	copies  *copies
	sold    []byte // the root that the firmware was sold with
	channel string
	log     *slog.Logger
	mem     *lastPoll
	known   *trustedmetadata.TrustedMetadata // of the last complete poll of this process; nil if there was none
}

// lastPoll is what the state file holds of the last complete poll.
type lastPoll struct {
	Validator string    `json:"validator,omitempty"` // of the timestamp that it ended with
	Expires   time.Time `json:"expires,omitempty"`   // of the first of the metadata trusted then
}

// poll asks the feed for news. Nil without an error means that nothing has changed and nothing has expired; otherwise
// the whole TUF workflow has been done. During an update only an unchanged timestamp is no news.
func (f *feed) poll(ctx context.Context, model string, updating bool) (*poll, error) {
	fetch := &fetcher{ctx: ctx, server: f.server, clock: f.clock, kept: map[string]fetched{}}
	now := f.clock.best()
	if f.mem.Validator != "" && now.Before(f.mem.Expires) {
		if same, err := f.sameTimestamp(ctx); same || err != nil {
			return nil, err
		}
	}
	if f.known != nil && !updating {
		r := &renewal{fetch: fetch, clock: f.clock, copies: f.copies, known: f.known, last: *f.mem, now: now}
		if fresh, same := r.unchanged(); same {
			if fresh != nil {
				f.remember(fresh, now)
			}
			return nil, nil
		}
	}
	f.known, fetch.network = nil, nil
	p := &poll{fetch: fetch, clock: f.clock, copies: f.copies, sold: f.sold, channel: f.channel, log: f.log,
		model: model, role: manifests.Model{Device: model}.Role(), now: now}
	if err := p.refresh(); err != nil {
		return nil, err
	}
	return p, nil
}

// sameTimestamp asks if the timestamp is still the one that the last complete poll ended with. Any other is only a
// signal and is not looked at: the workflow begins with the root (TUF 5.3), which says whose timestamps count.
func (f *feed) sameTimestamp(ctx context.Context) (bool, error) {
	header := packed()
	header.Set("If-None-Match", f.mem.Validator)
	url := f.server.metadataURL(timestampFile)
	resp, err := f.server.get(ctx, url, header)
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
	err = f.server.fault(resp, &metadata.ErrDownloadHTTP{StatusCode: resp.StatusCode, URL: url})
	return false, metadataRefusal(err, err)
}

// done remembers a poll that led to a decision, so that the next one may be a single conditional request.
func (f *feed) done(p *poll) {
	trusted := p.up.GetTrustedMetadataSet()
	f.remember(&trusted, p.now)
}

// remember keeps the trusted state for the next poll, and how long it lasts: until the first of its metadata
// expires, and never longer than an honest timestamp would.
func (f *feed) remember(trusted *trustedmetadata.TrustedMetadata, now time.Time) {
	expires := earliest(now.Add(timestampLife+slack), trusted.Root.Signed.Expires, trusted.Timestamp.Signed.Expires,
		trusted.Snapshot.Signed.Expires)
	for _, doc := range trusted.Targets {
		expires = earliest(expires, doc.Signed.Expires)
	}
	f.clock.fit(trusted.Timestamp.Signed.Expires, onlineKeys(trusted.Root))
	f.known = trusted
	f.mem.Validator, f.mem.Expires = validator(trusted.Timestamp), expires
}

// forget makes the next poll look at everything again.
func (f *feed) forget() { f.known, f.mem.Validator = nil, "" }

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
