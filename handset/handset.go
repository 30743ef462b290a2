// SPDX-License-Identifier: Apache-2.0

// Package handset is the reference client: it polls the signed feed, decides for itself,
// downloads, verifies and installs what the offline keys approved, and reports what became of it.
//
// Parties: the feed (any server or cache of static files, trusted for nothing), the keys in the
// root that the firmware was sold with, the slots that hold the systems, and the running firmware,
// which alone can answer what a release asks.
//
// It promises to install nothing that the model's offline role did not sign and that the online
// offers did not repeat member by member; to hold no more of a package in memory than a buffer; to
// go on after being killed between any two writes; to send a report once it was made until the
// server has it, under one id and in order; to take a wrong clock for what it is; to read feeds of
// later programs, as far as they let it; and to send back nothing that a server chose.
//
// It refuses other models, older builds, lower release counters, expired or rolled-back metadata,
// redirects, bytes beyond the stated length, servers slower than a minimum rate, and packages that otapkg refuses.
//
// A Client never sleeps. Step does what is due and says when it wants to be called again.
package handset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"landed/handset/slots"
	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/otapkg"
	"landed/manifests/report"
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

// Inspector examines a package whose SHA-256 this handset has just computed over its own download, so
// that a simulated fleet may look at equal bytes once. Inspect is the usual one.
type Inspector func(r io.ReaderAt, size int64, sha256 string, p otapkg.Policy) (otapkg.Facts, otapkg.Findings, error)

// Inspect is otapkg.Inspect; it takes nobody's word for the digest.
func Inspect(r io.ReaderAt, size int64, _ string, p otapkg.Policy) (otapkg.Facts, otapkg.Findings, error) {
	return otapkg.Inspect(r, size, p)
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

// Client is one handset's update client. It is not safe for concurrent use.
type Client struct {
	cfg    Config
	http   *http.Client
	mem    savedState
	known  *trustedmetadata.TrustedMetadata // of the last complete poll of this process; nil if there was none
	copies map[string][]byte                // metadata by file name, verified but not on the disk yet
	needs  map[string]*manifests.NeedsError // by manifest: what this process does not know, and the next one may
	dirty  bool                             // the state holds a report that is not on the disk yet
	silent bool                             // it was said that no more reports will be made
	saved  func()                           // tests stop the client here
}

// New opens the client in cfg.Dir, or sets it up there: a new key, a new secret, sequence 1.
func New(cfg Config) (*Client, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, http: newHTTPClient(cfg.Transport), copies: map[string][]byte{}, saved: func() {},
		needs: map[string]*manifests.NeedsError{}}
	if err := os.MkdirAll(c.path("metadata"), 0o700); err != nil {
		return nil, err
	}
	if err := errors.Join(slots.Sweep(c.path(stateFile)), c.open()); err != nil {
		return nil, err
	}
	c.mem.Time.last = cfg.Elapsed()
	return c, nil
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

// Step does everything that is due and returns when it wants to be called again, by the handset's
// own clock. It may be called earlier, and should be when the running system has changed its answer:
// a user switched something, a SIM was put in. The error tells what went wrong now; it has been
// recorded, reported where it belongs to an update, and will be tried again.
func (c *Client) Step(ctx context.Context) (wake time.Time, err error) {
	var faults []error
	for range maxMoves {
		if err := c.observe(); err != nil {
			faults = append(faults, err)
		}
		faults = append(faults, c.deliver(ctx))
		if ctx.Err() != nil || !c.due() {
			break
		}
		if err := c.move(ctx); err != nil {
			faults = append(faults, err)
		}
	}
	return c.wake(), errors.Join(faults...)
}

// maxMoves bounds one Step: a whole update from poll to first boot takes seven.
const maxMoves = 16

// Hurry makes the next Step poll, and send what waits to be sent, whatever the time: as when the user asks for
// updates. It shortens no download and skips no check.
func (c *Client) Hurry() {
	switch c.mem.State {
	case Idle, Observing, Failed:
		c.mem.Wake = c.cfg.Now()
	}
	c.mem.OutboxWake = time.Time{}
}

// Time is the client's best knowledge of the time: its clock, or a lower bound that it can prove if
// the clock lies before that. Whatever the firmware dates (a consent, say) it dates by this.
func (c *Client) Time() time.Time {
	if img, err := c.cfg.Slots.Image(); err == nil {
		c.mem.Time.raise(time.Unix(img.Build.UTC, 0))
	}
	return c.mem.Time.read(c.cfg.Now(), c.cfg.Elapsed())
}

// State is where the client stands.
func (c *Client) State() State { return c.mem.State }

// Release is the release that reports speak of, "" before the handset has met one.
func (c *Client) Release() string { return c.mem.Release }

// Reference is the support reference of this installation.
func (c *Client) Reference() report.Reference { return c.mem.reference() }

// Status is what support staff may ask a handset for.
type Status struct {
	Reference string          `json:"reference"`
	State     State           `json:"state"`
	Build     slots.Build     `json:"build"`
	Release   string          `json:"release,omitempty"`
	Progress  report.Progress `json:"progress,omitempty"`
	Failure   *report.Failure `json:"failure,omitempty"`
	Reason    string          `json:"reason,omitempty"`  // why an update is, or is not, offered
	Seq       int64           `json:"seq"`               // of the last report made
	Unsent    int             `json:"unsent"`            // reports that the server has not confirmed
	Effect    string          `json:"effect,omitempty"`  // of the release
	Answers   probe.Answers   `json:"answers,omitempty"` // to what the release asks
}

// Status describes the handset as it is now.
func (c *Client) Status() (Status, error) {
	img, err := c.cfg.Slots.Image()
	if err != nil {
		return Status{}, err
	}
	return Status{
		Reference: c.Reference().String(), State: c.mem.State, Build: img.Build, Release: c.mem.Release,
		Progress: c.mem.Progress, Failure: c.mem.Failure, Reason: c.mem.Reason, Seq: c.mem.Seq,
		Unsent: len(c.mem.Outbox), Effect: c.mem.Effect, Answers: c.answers(),
	}, nil
}

// Reset forgets the installation as a factory reset does: the folder is emptied of everything but the
// trusted metadata, which lie with the system. The next New makes a new key, a new secret, sequence 1.
func Reset(dir string) error {
	return errors.Join(os.RemoveAll(filepath.Join(dir, stateFile)), os.RemoveAll(filepath.Join(dir, downloadFile)),
		slots.Sweep(filepath.Join(dir, stateFile)))
}

func (c *Client) path(name string) string { return filepath.Join(c.cfg.Dir, name) }
