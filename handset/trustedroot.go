// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"landed/manifests/tufrepo"
)

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
