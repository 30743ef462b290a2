// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"landed/handset/slots"
	"landed/manifests/effect/probe"
	"landed/manifests/otapkg"
)

// System is the running firmware as the client sees it.
type System interface {
	// Boot starts the system in a slot. An error means that it did not come up; it may be tried again.
	// Starting the system that runs already is a reboot.
	Boot(slots.Image) error
	// Answers is what the running system answers now to what a release asks, by name, and for how long exactly
	// this build has been observed. What it does not know it leaves out. It survives restarts and ends at a
	// factory reset.
	Answers(ask probe.Ask) (probe.Answers, time.Duration)
}

// Config is what a Client is made of. Fields without a default are required.
type Config struct {
	Dir     string       // its own folder: state, trusted metadata, the download
	URL     string       // of the server; the feed lies below /tuf/, reports go to /v1/reports
	Root    []byte       // root.json that the firmware was sold with
	Channel string       // one that the server has, such as stable
	Keys    []otapkg.Pin // OTA certificates that the firmware pins
	Slots   *slots.Device
	System  System
	Rand    io.Reader // for the key, the draw's secret and jitter

	Transport http.RoundTripper    // default: a transport of its own
	Now       func() time.Time     // the handset's clock, right or wrong; default time.Now
	Elapsed   func() time.Duration // steady time that no clock change moves; default since New
	Inspect   Inspector            // default Inspect
	Log       *slog.Logger         // default: none
	Poll      time.Duration        // default 12 h, plus or minus a tenth
	Pace      Pace                 // slowest server that is waited for; default DefaultPace
	// Volatile keeps the state in memory: for simulated fleets, whose handsets end with the process.
	Volatile bool
}

func (cfg *Config) complete() error {
	var missing []string
	for name, absent := range map[string]bool{"Dir": cfg.Dir == "", "URL": cfg.URL == "", "Root": len(cfg.Root) == 0,
		"Channel": cfg.Channel == "", "Slots": cfg.Slots == nil, "System": cfg.System == nil, "Rand": cfg.Rand == nil} {
		if absent {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("handset: Config wants %s", strings.Join(missing, ", "))
	}
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Elapsed == nil {
		start := time.Now()
		cfg.Elapsed = func() time.Duration { return time.Since(start) }
	}
	if cfg.Inspect == nil {
		cfg.Inspect = Inspect
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Poll <= 0 {
		cfg.Poll = 12 * time.Hour
	}
	if cfg.Pace == (Pace{}) {
		cfg.Pace = DefaultPace
	}
	return nil
}
