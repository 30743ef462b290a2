// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"landed/internal/durable"
)

const (
	stateFile   = "state.json"
	damagedFile = "state.json.damaged" // what lay there, and could not be read
)

// store keeps the state on the disk.
type store struct {
	dir      string
	volatile bool
	mem      *savedState
	owed     bool   // the state holds a report that is not on the disk yet
	saved    func() // tests stop the client here
}

// openStore reads the state in cfg.Dir, or makes a new installation. A file that is damaged is put aside: what it held
// is lost, and the handset goes on updating, which is what it is for. One of a later program is an error.
func openStore(cfg Config) (*store, error) {
	s := &store{dir: cfg.Dir, volatile: cfg.Volatile, saved: func() {}}
	if err := errors.Join(os.MkdirAll(cfg.Dir, 0o700), s.sweep()); err != nil {
		return nil, err
	}
	if cfg.Volatile {
		return s, s.begin(cfg)
	}
	text, err := os.ReadFile(s.path(stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, s.begin(cfg)
	}
	if err != nil {
		return nil, err
	}
	mem, err := readState(text)
	if errors.Is(err, errDamaged) {
		return s, s.putAside(cfg, err)
	}
	if err != nil {
		return nil, fmt.Errorf("handset: %s cannot be read: %w", s.path(stateFile), err)
	}
	s.mem = &mem
	return s, nil
}

// begin makes a new installation. Its first poll is due at once.
func (s *store) begin(cfg Config) error {
	own, err := newInstallation(cfg.Rand)
	if err != nil {
		return err
	}
	s.mem = &savedState{Schema: stateSchema, installation: own, standing: standing{State: Idle, Wake: cfg.Now()}}
	return s.save()
}

// putAside keeps a damaged file for whoever wants to know, in place of an earlier one.
func (s *store) putAside(cfg Config, damage error) error {
	if err := durable.Rename(s.path(stateFile), s.path(damagedFile)); err != nil {
		return fmt.Errorf("handset: %s cannot be read, nor put aside: %w", s.path(stateFile), errors.Join(damage, err))
	}
	cfg.Log.Error("the state of this handset is lost; a new installation begins",
		"aside", damagedFile, "err", damage)
	return s.begin(cfg)
}

// save writes the state; what it owed is paid.
func (s *store) save() error {
	if !s.volatile {
		text, err := json.Marshal(s.mem)
		if err != nil {
			return err
		}
		if err := durable.WriteFile(s.path(stateFile), text, 0o600); err != nil {
			return fmt.Errorf("handset: keep state: %w", err)
		}
	}
	s.owed = false
	s.saved()
	return nil
}

func (s *store) owe() { s.owed = true }

func (s *store) settle() error {
	if s.owed {
		return s.save()
	}
	return nil
}

// sweep removes what writes that were cut off have left, of this program or an older one.
func (s *store) sweep() error {
	left, err := filepath.Glob(s.path(stateFile) + ".[0-9]*")
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	if swept := durable.Sweep(s.dir); !errors.Is(swept, fs.ErrNotExist) {
		err = errors.Join(err, swept)
	}
	return err
}

// forget removes the state, whole, damaged or half written: each may hold the key.
func (s *store) forget() error {
	return errors.Join(os.RemoveAll(s.path(stateFile)), os.RemoveAll(s.path(damagedFile)), s.sweep())
}

func (s *store) path(name string) string { return filepath.Join(s.dir, name) }
