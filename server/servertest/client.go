// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"landed/manifests/offers"
	"landed/manifests/tufrepo"
)

// Client is a TUF client of go-tuf with a cache of its own.
type Client struct {
	url, dir string
}

// NewClient makes a client that trusts a root.
func NewClient(t testing.TB, url string, root []byte) *Client {
	t.Helper()
	c := &Client{url: url, dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(c.dir, "root.json"), root, 0o644); err != nil {
		t.Fatal(err)
	}
	return c
}

// Refresh runs the whole workflow and returns what each path holds, or the error.
func (c *Client) Refresh(now time.Time, paths ...string) ([][]byte, error) {
	root, err := os.ReadFile(filepath.Join(c.dir, "root.json"))
	if err != nil {
		return nil, err
	}
	cfg, err := config.New(c.url+"/metadata", root)
	if err != nil {
		return nil, err
	}
	cfg.LocalMetadataDir, cfg.LocalTargetsDir = c.dir, filepath.Join(c.dir, "targets")
	cfg.RemoteTargetsURL = c.url + "/targets"
	cfg.PrefixTargetsWithHash = true
	u, err := updater.New(cfg)
	if err != nil {
		return nil, err
	}
	u.UnsafeSetRefTime(now)
	if err := u.Refresh(); err != nil {
		return nil, err
	}
	var bodies [][]byte
	for _, path := range paths {
		info, err := u.GetTargetInfo(path)
		if err != nil {
			return nil, err
		}
		_, body, err := u.DownloadTarget(info, "", "")
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

// FeedURL serves the feed folder as any file server would.
func (r *Rooms) FeedURL() string {
	s := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(r.Dir, "feed"))))
	r.T.Cleanup(s.Close)
	return s.URL
}

// Client is one that looks at the feed folder, and trusts the first root.
func (r *Rooms) Client() *Client { return NewClient(r.T, r.FeedURL(), r.FirstRoot()) }

// Offers is the document of a model on stable that a client finds.
func (r *Rooms) Offers(c *Client, model string) offers.Document {
	r.T.Helper()
	return OK(offers.Parse(OK(c.Refresh(r.Now, tufrepo.OffersPath(model, "stable")))(r.T)[0]))(r.T)
}

// Offer is the one offer of armani that a client finds.
func (r *Rooms) Offer(c *Client) offers.Offer {
	r.T.Helper()
	d := r.Offers(c, "armani")
	if len(d.Offers) != 1 {
		r.T.Fatalf("%d offers for armani, wanted one", len(d.Offers))
	}
	return d.Offers[0]
}
