// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"landed/manifests/tufrepo"
)

// fetcher is what go-tuf downloads with: own client, byte caps, minimum pace. Nothing is asked
// for twice in one poll but the timestamp, if the conditional request that began it brought another one.
type fetcher struct {
	ctx     context.Context
	server  *server
	clock   *clock
	kept    map[string]fetched            // what this poll has asked for already
	network error                         // the last fault that says nothing about the metadata
	instead func(timestamp []byte) []byte // if set, what go-tuf is given for it
}

type fetched struct {
	body []byte
	err  error
}

// DownloadFile implements fetcher.Fetcher of go-tuf. A timestamp is looked at before go-tuf keeps it.
func (f *fetcher) DownloadFile(url string, most int64, _ time.Duration) ([]byte, error) {
	body, err := f.once(url, most)
	if err != nil || url != f.server.metadataURL(timestampFile) {
		return body, err
	}
	if err := f.plausible(body); err != nil {
		return nil, err
	}
	if f.instead != nil {
		body = f.instead(body)
	}
	return body, nil
}

// metadata fetches a metadata file by its name.
func (f *fetcher) metadata(name string, most int64) ([]byte, error) {
	return f.DownloadFile(f.server.metadataURL(name), most, 0)
}

// target fetches a target by its path and hash. What comes is for the caller to hold against them.
func (f *fetcher) target(path, sha256 string, most int64) ([]byte, error) {
	text, err := f.DownloadFile(f.server.targetURL(tufrepo.StoredTarget(path, sha256)), most, 0)
	if err != nil {
		return nil, metadataRefusal(err, f.network)
	}
	return text, nil
}

func (f *fetcher) once(url string, most int64) ([]byte, error) {
	if kept, ok := f.kept[url]; ok && int64(len(kept.body)) <= most {
		return kept.body, kept.err
	}
	body, err := f.download(url, most)
	if err == nil || isA[*metadata.ErrDownloadHTTP](err) && f.network == nil {
		f.kept[url] = fetched{body, err}
	}
	return body, err
}

func (f *fetcher) download(url string, most int64) ([]byte, error) {
	resp, err := f.server.get(f.ctx, url, packed())
	if err != nil {
		f.network = err
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		err := f.server.fault(resp, &metadata.ErrDownloadHTTP{StatusCode: resp.StatusCode, URL: url})
		if resp.StatusCode != http.StatusNotFound {
			f.network = err
		}
		return nil, err
	}
	body, err := readDocument(resp, most)
	if err != nil && !errors.Is(err, errTooLong) {
		f.network = err
	}
	return body, err
}

// plausible looks at a timestamp before go-tuf keeps it: for the one entry whose absence makes go-tuf dereference
// nil, and for an expiry that no timestamp may have.
func (f *fetcher) plausible(timestamp []byte) error {
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
	return f.clock.checkLifetime(tufrepo.Timestamp, doc.Signed.Expires)
}
