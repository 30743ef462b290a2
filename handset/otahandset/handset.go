// SPDX-License-Identifier: Apache-2.0

package otahandset

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"landed/firmware-fixtures/virtual"
	client "landed/handset"
	"landed/handset/slots"
	"landed/internal/durable"
	"landed/manifests/effect/probe"
)

const (
	clientDir   = "client"
	phoneFile   = "phone.json"
	damagedFile = "phone.json.damaged" // what lay there, and could not be read
	sentFile    = "sent.jsonl"
	settingFile = "handset.json"
	rootFile    = "root.json"
)

// handset is the folder, opened.
type handset struct {
	dir    string
	set    settings
	slots  *slots.Device
	phone  *virtual.Phone
	client *client.Client
	log    *slog.Logger
	now    func() time.Time // this handset's clock, right or wrong
}

func (h *handset) path(name string) string { return filepath.Join(h.dir, name) }

// open opens the handset in dir, or sets it up there.
func open(dir string, s settings, log io.Writer) (*handset, error) {
	h := &handset{dir: dir, log: slog.New(slog.NewTextHandler(log, nil)),
		now: func() time.Time { return time.Now().Add(s.Clock) }}
	files, err := h.loadOrSetUp(s)
	if err != nil {
		return nil, err
	}
	if h.slots, err = slots.Open(h.path("slots"), h.set.Style, files); err != nil {
		return nil, err
	}
	if lost := h.slots.Lost(); lost != nil {
		h.log.Error("the record of the slots was damaged, and is made anew from the systems in them", "err", lost)
	}
	img, err := h.running()
	if err != nil {
		return nil, err
	}
	if img.Build.Model != h.set.Model {
		return nil, fmt.Errorf("the firmware is for %s, this handset is to be a %s", img.Build.Model, h.set.Model)
	}
	if err := h.switchOn(img); err != nil {
		return nil, err
	}
	root, err := os.ReadFile(h.path(rootFile))
	if err != nil {
		return nil, err
	}
	keys, err := h.set.keys()
	if err != nil {
		return nil, err
	}
	h.client, err = client.New(client.Config{Dir: h.path(clientDir), URL: h.set.Server, Root: root, Channel: h.set.Channel,
		Keys: keys, Slots: h.slots, System: h, Rand: rand.Reader, Now: h.now, Log: h.log})
	return h, err
}

// running is the system that runs. One that was never seen to come up, and cannot, is left for the other.
func (h *handset) running() (slots.Image, error) {
	img, err := h.slots.Image()
	if err != nil {
		return img, err
	}
	if _, broken := virtual.Load(img.System); broken != nil && h.slots.Rollback() == nil {
		h.log.Error("the system does not come up; the other slot runs", "err", broken)
		return h.slots.Image()
	}
	return img, nil
}

// switchOn resumes the phone as it was, or boots it for the first time.
func (h *handset) switchOn(img slots.Image) error {
	text, err := os.ReadFile(h.path(phoneFile))
	if errors.Is(err, fs.ErrNotExist) {
		return h.firstBoot(img)
	}
	if err != nil {
		return err
	}
	state, err := readPhone(text)
	if err != nil {
		return h.wipe(img, err)
	}
	system, err := virtual.Load(img.System)
	if err != nil {
		return err
	}
	if state.Build != system.Fingerprint { // stopped between the switch of the slots and the first boot
		system = nil
	}
	h.phone, err = virtual.Resume("handset", system, state, h)
	if err == nil && system != nil {
		h.phone.Tick(h.now())
		err = h.keep()
	}
	if err == nil && system == nil {
		err = h.Boot(img)
	}
	return err
}

// firstBoot is the phone out of the box, or with its userdata gone.
func (h *handset) firstBoot(img slots.Image) error {
	h.phone = virtual.NewPhone("handset", 1, h)
	if err := h.Boot(img); err != nil {
		return err
	}
	h.phone.SIMReady(0, h.now())
	return h.keep()
}

// readPhone reads userdata as keep wrote them.
func readPhone(text []byte) (state virtual.State, err error) {
	if err = json.Unmarshal(text, &state); err == nil && (len(state.Slots) < 1 || len(state.Slots) > 2) {
		err = fmt.Errorf("%d SIM slots, wanted one or two", len(state.Slots))
	}
	return state, err
}

// wipe does what Android does with userdata that are damaged: a factory reset. What lay there is put aside, and a new
// installation begins, because nothing is known any more of the one before.
func (h *handset) wipe(img slots.Image, damage error) error {
	if err := durable.Rename(h.path(phoneFile), h.path(damagedFile)); err != nil {
		return fmt.Errorf("%s cannot be read, nor put aside: %w", h.path(phoneFile), errors.Join(damage, err))
	}
	h.log.Error("the userdata of this handset are damaged; as after a factory reset, a new installation begins",
		"aside", damagedFile, "err", damage)
	return errors.Join(client.Reset(h.path(clientDir)), h.firstBoot(img))
}

// Boot implements handset.System.
func (h *handset) Boot(img slots.Image) error {
	system, err := virtual.Load(img.System)
	if err != nil {
		return err
	}
	h.phone.Boot(system, h.now())
	h.radioUp()
	return h.keep()
}

func (h *handset) radioUp() {
	for i, sim := range h.phone.State().Slots {
		if sim.Present {
			h.phone.SIMReady(i, h.now())
		}
	}
	h.phone.NetUp(h.now())
}

// Answers implements handset.System.
func (h *handset) Answers(ask probe.Ask) (probe.Answers, time.Duration) {
	now := h.now()
	return h.phone.Answers(now, ask), now.Sub(h.phone.State().FirstBoot)
}

// Send implements virtual.Activation: what a real handset would send to the maker is noted in a file.
func (h *handset) Send(at time.Time, _ string, what ...virtual.Identifier) error {
	f, err := os.OpenFile(h.path(sentFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	for _, w := range what {
		_, err = fmt.Fprintf(f, "{\"at\":%q,\"identifier\":%q}\n", at.UTC().Format(time.RFC3339), w)
	}
	return errors.Join(err, f.Close())
}

func (h *handset) keep() error {
	text, err := json.Marshal(h.phone.State())
	if err != nil {
		return err
	}
	return durable.WriteFile(h.path(phoneFile), text, 0o600)
}

// run steps the client until it is interrupted, or with once until nothing is due.
func (h *handset) run(ctx context.Context, out io.Writer, once bool) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	for {
		wake, err := h.client.Step(ctx)
		h.phone.Tick(h.now())
		if err := h.keep(); err != nil {
			return err
		}
		img, err2 := h.slots.Image()
		if err2 != nil {
			return err2
		}
		fmt.Fprintf(out, "%s: %s runs %s\n", h.client.State(), h.client.Reference(), img.Build.Fingerprint)
		if once || ctx.Err() != nil {
			if err != nil && ctx.Err() == nil {
				return &stepError{err}
			}
			return nil
		}
		if err != nil {
			fmt.Fprintln(out, client.Printable(err.Error()))
		}
		wait := time.NewTimer(min(max(wake.Sub(h.now()), time.Second), time.Hour)) // the clock may be set meanwhile
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
}
