// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
)

// Config is what a fleet is made of. Fields without a default are required.
type Config struct {
	Seed   uint64
	Start  time.Time // virtual time at which the handsets are switched on
	Models []Model
	URL    string // of the server
	Root   []byte // root.json that the handsets were sold with
	Keys   []otapkg.Pin

	// Releases is what the fleet knows of releases, in order to say what is really so; see Ship.
	Releases []Release

	Transport http.RoundTripper // default: a transport of its own; see Handler for in-process servers
	Channel   string            // default stable
	Dir       string            // of the handsets' folders; default: a temporary one, removed by Close
	Poll      time.Duration     // default 12 h
	Quantum   time.Duration     // events within it run in parallel; default one minute
	Workers   int               // default one per processor
	Log       *slog.Logger      // default: none
	// Pace is called before each quantum; in live mode it waits until now has come.
	Pace func(ctx context.Context, now time.Time) error
}

// Model is one part of the fleet: Size handsets of a model.
type Model struct {
	Device string
	Size   int
	Sold   fixtures.Build // what they were sold with: an unpatched build
	// Fresh is what the newest ones were sold with: the build of the release. None if Fingerprint is empty.
	Fresh fixtures.Build
}

// ModelOf is a part of the fleet on the stand-in builds of a model.
func ModelOf(device string, size int) (Model, error) {
	sold, err := fixtures.BuildOf(device, fixtures.Unpatched)
	fresh, err2 := fixtures.BuildOf(device, fixtures.Patched)
	return Model{Device: device, Size: size, Sold: sold, Fresh: fresh}, errors.Join(err, err2)
}

func (cfg *Config) complete() error {
	var faults []error
	if cfg.URL == "" || len(cfg.Root) == 0 || cfg.Start.IsZero() || len(cfg.Models) == 0 {
		faults = append(faults, errors.New("sim: Config wants URL, Root, Start and Models"))
	}
	for _, m := range cfg.Models {
		for _, b := range []fixtures.Build{m.Sold, m.Fresh} {
			if b.UTC > cfg.Start.Unix() {
				faults = append(faults, fmt.Errorf("sim: the fleet starts at %s, but %s was built at %s; start later",
					cfg.Start.Format(time.DateOnly), b.Fingerprint, time.Unix(b.UTC, 0).UTC().Format(time.DateOnly)))
			}
		}
	}
	if cfg.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = 64
		cfg.Transport = t
	}
	if cfg.Channel == "" {
		cfg.Channel = "stable"
	}
	if cfg.Poll <= 0 {
		cfg.Poll = 12 * time.Hour
	}
	if cfg.Quantum <= 0 {
		cfg.Quantum = time.Minute
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return errors.Join(faults...)
}

func (cfg *Config) size() (n int) {
	for _, m := range cfg.Models {
		n += m.Size
	}
	return n
}

// tempDir makes a folder, in memory if there is such a place and the fleet is small enough for it: each
// handset keeps some 20 KB of metadata, and opening files is half of what a fleet costs.
func tempDir(size int) (string, error) {
	if size <= 1000 {
		if dir, err := os.MkdirTemp("/dev/shm", "fleet-"); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", "fleet-")
}
