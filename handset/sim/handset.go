// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"time"

	"landed/firmware-fixtures/virtual"
	client "landed/handset"
	"landed/handset/slots"
	"landed/manifests/effect/probe"
)

// handset is one virtual handset: real client, real slots, virtual firmware, scripted user.
type handset struct {
	fleet     *Fleet
	name      string // for the observer
	model     Model
	situation Situation
	phone     *virtual.Phone
	slots     *slots.Device
	client    *client.Client
	radio     *radio
	life      *rand.Rand    // the user's choices
	entropy   *rand.ChaCha8 // the handset's own randomness
	skew      time.Duration // of its clock
	flaws     int           // boots of an installed system that will fail

	at       time.Time         // its own present
	wake     time.Time         // of the client's next step
	batch    []event           // what happens to it in this quantum
	pending  []event           // what it planned meanwhile
	patched  time.Time         // first boot of a patched build; zero before
	discreet time.Time         // first boot of a build that sends no list of apps by itself
	release  string            // that its reports are about; "" before it has met one
	ahead    string            // that baselines are sent about beside them; ""
	left     map[string]string // class under each release that it has moved on from, as it was then
	told     map[string]string // class under each release when the server last confirmed a report about it
	ended    []Installation
	last     error
}

// newHandset builds handset i of a model, boots what it was sold with, and plans its life.
func (f *Fleet) newHandset(m Model, i int) (*handset, error) {
	name := fmt.Sprintf("%s-%05d", m.Device, i)
	h := &handset{fleet: f, name: name, model: m, situation: m.situation(i), at: f.cfg.Start,
		phone: virtual.NewPhone(name, 1+i%2, f.observer)}
	h.life = rand.New(rand.NewPCG(f.cfg.Seed, seedOf(name)))
	h.entropy = rand.NewChaCha8(chachaSeed(f.cfg.Seed, name))
	h.radio = &radio{h: h, next: f.cfg.Transport, cutDownload: h.situation == Interrupted}
	switch h.situation {
	case ClockPast:
		h.skew = time.Unix(0, 0).Sub(f.cfg.Start)
	case ClockAhead:
		h.skew = 365 * 24 * time.Hour
	case BadFlash:
		h.flaws = slots.BootAttempts // all of the first installation
	case DeadFlash:
		h.flaws = math.MaxInt
	}
	style, sold := slots.Recovery, m.Sold
	if m.Sold.AB {
		style = slots.AB
	}
	if h.situation == Fresh {
		sold = m.Fresh
	}
	var err error
	if h.slots, err = slots.Memory(style, &f.cache, sold.SystemFiles()); err != nil {
		return nil, err
	}
	img, err := h.slots.Image()
	if err != nil {
		return nil, err
	}
	if err := h.Boot(img); err != nil {
		return nil, err
	}
	if err := h.setUp(); err != nil {
		return nil, err
	}
	h.pending = nil // Boot planned a radio of its own
	h.live()
	h.sleepUntil(f.cfg.Start.Add(h.between(time.Minute, f.cfg.Poll)))
	return h, nil
}

// setUp makes the client of a new installation.
func (h *handset) setUp() error {
	cfg := h.fleet.cfg
	var err error
	h.client, err = client.New(client.Config{
		Dir: filepath.Join(cfg.Dir, h.name), URL: cfg.URL, Root: cfg.Root, Channel: cfg.Channel, Keys: cfg.Keys,
		Slots: h.slots, System: h, Rand: h.entropy, Transport: h.radio, Poll: cfg.Poll, Volatile: true,
		Now:     func() time.Time { return h.at.Add(h.skew) },
		Elapsed: func() time.Duration { return h.at.Sub(cfg.Start) },
		Inspect: h.fleet.seen.inspect, Log: cfg.Log.With("handset", h.name),
	})
	return err
}

// run lets the events of one quantum happen and the client do what is due.
func (h *handset) run(ctx context.Context) {
	for _, e := range h.batch {
		if e.at.After(h.at) {
			h.at = e.at
		}
		if h.radio.silent {
			continue // in a drawer
		}
		if e.what == nil && !e.at.Equal(h.wake) {
			continue // a wake-up that was planned anew since
		}
		if e.what != nil {
			e.what(h)
		}
		before := h.look(h.at)
		wake, err := h.client.Step(ctx)
		h.last = err
		h.moveOn(before)
		h.sleepUntil(wake.Add(-h.skew))
	}
	h.batch = h.batch[:0]
}

// sleepUntil plans the client's next step. Never at once: a handset that is due again has failed at something.
func (h *handset) sleepUntil(wake time.Time) {
	if !wake.After(h.at) {
		wake = h.at.Add(time.Second)
	}
	if !wake.Equal(h.wake) {
		h.wake = wake
		h.pending = append(h.pending, event{at: wake, h: h})
	}
}

func (h *handset) plan(after time.Duration, what func(*handset)) {
	h.pending = append(h.pending, event{at: h.at.Add(after), h: h, what: what})
}

// between is a time from low up to high.
func (h *handset) between(low, high time.Duration) time.Duration {
	return low + time.Duration(h.life.Int64N(int64(high-low)))
}

// Boot implements handset.System: the firmware starts from the files in the slot. It takes a second, so that
// nothing which happened before can be taken for the new build's doing.
func (h *handset) Boot(img slots.Image) error {
	if img.Package != "" && h.flaws > 0 {
		h.flaws--
		return errors.New("the system does not come up")
	}
	system, err := virtual.Load(img.System)
	if err != nil {
		return err
	}
	h.at = h.at.Add(time.Second)
	first := system.Fingerprint != h.phone.State().Build
	h.phone.Boot(system, h.at)
	h.plan(2*time.Minute, (*handset).radioUp)
	if first && system.Behaviour.Feature >= 1 {
		if h.patched.IsZero() {
			h.patched = h.at
		}
		h.updated()
	}
	if first && system.Backup != nil && system.Backup.Feature >= 1 && h.discreet.IsZero() {
		h.discreet = h.at
	}
	return nil
}

// Answers implements handset.System.
func (h *handset) Answers(ask probe.Ask) (probe.Answers, time.Duration) {
	return h.phone.Answers(h.at, ask), h.at.Sub(h.phone.State().FirstBoot)
}

func (h *handset) reboot() {
	if img, err := h.slots.Image(); err == nil && !h.slots.Pending() {
		h.last = h.Boot(img)
	}
}

// factoryReset ends the installation and begins another on the same image. Its user waits while anything is
// still to be sent: what an installation last said must be what it last was.
func (h *handset) factoryReset() {
	if st, err := h.client.Status(); err != nil || st.Unsent > 0 {
		h.plan(6*time.Hour, (*handset).factoryReset)
		return
	}
	h.ended = append(h.ended, h.installations(h.at)...)
	h.release, h.ahead, h.left = "", "", nil
	h.at = h.at.Add(time.Second)
	h.phone.FactoryReset(h.at)
	if err := errors.Join(client.Reset(filepath.Join(h.fleet.cfg.Dir, h.name)), h.setUp()); err != nil {
		h.last = err
	}
	h.radio.heard, h.told = nil, nil
	h.plan(2*time.Minute, (*handset).radioUp)
}

var _ client.System = (*handset)(nil)
