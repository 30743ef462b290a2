// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"landed/handset/slots"
	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	"landed/manifests/report"
)

const (
	stateFile    = "state.json"
	downloadFile = "download.zip"
	offersFile   = "offers.json"
)

// stateSchema is the version of the state file. Older ones are read for ever; a later one is left alone.
const stateSchema = 2

// savedState is everything that outlives the process, in one file that is replaced as a whole. Nothing in it was
// chosen by a server, but for what keys have signed.
type savedState struct {
	Schema int    `json:"schema"`
	Seed   []byte `json:"seed"`   // Ed25519 seed of this installation
	Secret []byte `json:"secret"` // for the draw; never leaves the handset
	Seq    int64  `json:"seq"`    // of the last report made

	State State       `json:"state"`
	Wake  time.Time   `json:"wake"`  // by the handset's clock
	Tries int         `json:"tries"` // failures in a row
	Time  trustedTime `json:"trusted_time"`

	Validator string    `json:"validator,omitempty"` // of the timestamp that the last complete poll ended with
	Expires   time.Time `json:"expires,omitempty"`   // of the first of the metadata trusted then
	Needs     string    `json:"needs,omitempty"`     // what a newer program would have to know to read what is offered

	Offer    *offers.Offer `json:"offer,omitempty"` // what is being installed
	Begun    string        `json:"begun,omitempty"` // rollout it has begun to install
	Counter  int64         `json:"counter"`         // highest release counter it ever ran
	Previous string        `json:"previous"`        // fingerprint before the last update
	Leaving  string        `json:"leaving,omitempty"`
	Tried    string        `json:"tried,omitempty"`   // SHA-256 of the package that Installs counts for
	Installs int           `json:"installs"`          // how often it failed
	GaveUp   string        `json:"gave_up,omitempty"` // package that failed too often
	Reason   string        `json:"reason,omitempty"`  // of the last decision, in words
	Release  string        `json:"release,omitempty"` // the release that reports speak of
	Running  string        `json:"running,omitempty"` // fingerprint of that release, once met or installed
	// fingerprint that ran last among those that signed releases named
	Named   string    `json:"named,omitempty"`
	Effect  string    `json:"effect_name,omitempty"` // of that release
	Ask     probe.Ask `json:"ask,omitzero"`          // what that release asks
	AskOf   string    `json:"ask_of,omitempty"`      // SHA-256 of the manifest that says so
	Attempt int       `json:"attempt,omitempty"`     // how often an installation of that release was begun
	Counted int       `json:"counted,omitempty"`     // Installs, when that was counted last

	Progress report.Progress `json:"progress,omitempty"`
	Failure  *report.Failure `json:"failure,omitempty"`
	Baseline time.Time       `json:"baseline,omitempty"` // when the last report was made while waiting
	Answer   probe.Answers   `json:"answers,omitempty"`  // what the last report said, as far as it matters
	Shown    int             `json:"shown"`              // hours of the last milestone reported for Running

	Outbox      []queuedReport `json:"outbox,omitempty"`
	OutboxWake  time.Time      `json:"outbox_wake,omitempty"`
	OutboxTries int            `json:"outbox_tries,omitempty"`
}

// open reads the state, or makes a new installation.
func (c *Client) open() error {
	text, err := os.ReadFile(c.path(stateFile))
	if errors.Is(err, fs.ErrNotExist) || c.cfg.Volatile {
		return c.setUp()
	}
	if err != nil {
		return err
	}
	if c.mem, err = readState(text); err != nil {
		return fmt.Errorf("handset: %s cannot be read: %w", c.path(stateFile), err)
	}
	if len(c.mem.Seed) != ed25519.SeedSize || next[c.mem.State] == nil {
		return fmt.Errorf("handset: %s holds no installation; a factory reset makes a new one", c.path(stateFile))
	}
	// This program may know what the last one did not: it looks again at what is offered, and at a manifest that asks
	// nothing, for so is kept one that was not understood.
	if unread := c.mem.AskOf != "" && len(c.mem.Ask.Probes) == 0; unread || c.mem.Needs != "" {
		c.mem.Validator = ""
		if unread {
			c.mem.AskOf = ""
		}
	}
	return nil
}

// readState reads a state file of this version or an older one.
func readState(text []byte) (savedState, error) {
	const reset = "a factory reset makes a new one"
	var members map[string]json.RawMessage
	var head struct{ Schema int }
	if err := errors.Join(json.Unmarshal(text, &members), json.Unmarshal(text, &head)); err != nil {
		return savedState{}, fmt.Errorf("%w; %s", err, reset)
	}
	switch {
	case head.Schema > stateSchema:
		return savedState{}, fmt.Errorf("it is of version %d, and this program reads up to %d; start the newer program "+
			"again, or else %s", head.Schema, stateSchema, reset)
	case head.Schema < 1:
		return savedState{}, fmt.Errorf("it is of no version; %s", reset)
	case head.Schema == 1: // had the tags of servers in etag and part, and called the trusted time a watch
		members["trusted_time"] = members["watch"]
		for _, gone := range []string{"watch", "etag", "part", "doc"} {
			delete(members, gone)
		}
		members["schema"] = []byte(fmt.Sprint(stateSchema))
		var err error
		if text, err = json.Marshal(members); err != nil {
			return savedState{}, fmt.Errorf("%w; %s", err, reset)
		}
	}
	var s savedState
	if err := json.Unmarshal(text, &s); err != nil {
		return savedState{}, fmt.Errorf("%w; %s", err, reset)
	}
	s.Named = cmp.Or(s.Named, s.Running) // programs before knew of the present release alone
	return s, nil
}

func (c *Client) setUp() error {
	c.mem = savedState{Schema: stateSchema, Seed: make([]byte, ed25519.SeedSize), Secret: make([]byte, 16), State: Idle}
	if _, err := io.ReadFull(c.cfg.Rand, c.mem.Seed); err != nil {
		return err
	}
	if _, err := io.ReadFull(c.cfg.Rand, c.mem.Secret); err != nil {
		return err
	}
	c.mem.Wake = c.cfg.Now() // the first poll is due at once
	return c.save()
}

func (c *Client) save() error {
	if c.cfg.Volatile {
		c.dirty = false
		c.saved()
		return nil
	}
	text, err := json.Marshal(c.mem)
	if err != nil {
		return err
	}
	if err := slots.WriteFile(c.path(stateFile), text); err != nil {
		return fmt.Errorf("handset: keep state: %w", err)
	}
	c.dirty = false
	c.saved()
	return nil
}

// replaceFile replaces a file all at once, but leaves the flushing to the operating system: for copies of
// what the feed can give again.
func replaceFile(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (s *savedState) key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(s.Seed) }

func (s *savedState) reference() report.Reference {
	return report.ReferenceOf(s.key().Public().(ed25519.PublicKey))
}
