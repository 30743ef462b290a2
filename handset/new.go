// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"os"
	"path/filepath"
)

// New opens the client in cfg.Dir, or sets it up there: a new key, a new secret, sequence 1.
func New(cfg Config) (*Client, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	store, err := openStore(cfg)
	if err != nil {
		return nil, err
	}
	copies := newCopies(cfg)
	if err := os.MkdirAll(copies.folder(), 0o700); err != nil {
		return nil, err
	}
	mem, chance, server := store.mem, chance{cfg.Rand}, newServer(cfg)
	clock := newClock(cfg, &mem.Time)
	asked := newQuestions(cfg, &mem.asked)
	outbox := &outbox{mem: &mem.queue, key: mem.key(), server: server, clock: clock, chance: chance, log: cfg.Log,
		state: store}
	file := filepath.Join(cfg.Dir, downloadFile)
	return &Client{
		mem: &mem.plan, own: &mem.installation, slots: cfg.Slots, channel: cfg.Channel, every: cfg.Poll, log: cfg.Log,
		clock: clock, chance: chance, store: store, machine: &machine{&mem.standing, cfg.Log},
		feed: &feed{server: server, clock: clock, copies: copies, sold: cfg.Root, channel: cfg.Channel, log: cfg.Log,
			mem: &mem.lastPoll},
		download: &downloader{path: file, volatile: cfg.Volatile, server: server, log: cfg.Log}, mirrors: &mem.mirrors,
		install: newInstaller(cfg, file), attempts: &mem.attempts, asked: asked, outbox: outbox,
		reports: &reporter{mem: &mem.subject, secret: mem.Secret, channel: cfg.Channel, running: cfg.Slots, clock: clock,
			attempts: &mem.attempts, asked: asked, outbox: outbox, epochs: &mem.epochs, ahead: &mem.Ahead,
			askedAhead: newQuestions(cfg, &mem.Ahead.asked)},
	}, nil
}

// Reset forgets the installation as a factory reset does: the folder is emptied of everything but the
// trusted metadata, which lie with the system. The next New makes a new key, a new secret, sequence 1.
func Reset(dir string) error {
	return errors.Join((&store{dir: dir}).forget(), os.RemoveAll(filepath.Join(dir, downloadFile)))
}
