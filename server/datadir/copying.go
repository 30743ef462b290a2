// SPDX-License-Identifier: Apache-2.0

package datadir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"landed/internal/durable"
	"landed/server/store"
)

// Move is a data folder whose fleet goes to another database: From and To are addresses of store.Open. Until Switch the
// folder is that of From.
type Move struct {
	dir      Dir
	From, To string
	Done     bool // the folder has the other database already
}

// MoveOut moves the fleet of a folder to a database on a server.
func (d Dir) MoveOut(to string) (m Move, err error) {
	if err := d.whole(); err != nil {
		return m, err
	}
	m = Move{dir: d, To: strings.Join(strings.Fields(to), " ")}
	m.From, err = d.Address()
	if err == nil && !store.OnServer(m.From) && !exists(m.From) {
		return m, fmt.Errorf("%s is no data folder: it has no database; otad init makes one", d)
	}
	m.Done = err == nil && sameDatabases(m.From, m.To)
	return m, err
}

// MoveIn moves a fleet from a database on a server into the files of a folder, which has its keys already. A folder that names
// another database, or has a fleet itself, is refused.
func (d Dir) MoveIn(ctx context.Context, from string, now func() time.Time) (m Move, err error) {
	m = Move{dir: d, From: strings.Join(strings.Fields(from), " "), To: d.Database()}
	if _, err := d.Keys(); err != nil {
		return m, fmt.Errorf("%s is to be the data folder of the fleet, with its keys/ and feed/: %w", d, err)
	}
	address, err := d.Address()
	if err != nil {
		return m, err
	}
	if store.OnServer(address) {
		if !sameDatabases(address, from) {
			return m, fmt.Errorf("%s keeps its fleet in another database than that to copy from; wanted the one that stands in %s", d,
				d.path(addressFile))
		}
		return m, nil
	}
	if _, err := os.Stat(address); err == nil {
		key, _, err := keeper{d}.recordsKey()
		if err != nil {
			return m, err
		}
		if m.Done, err = store.IsCopy(ctx, address, now, store.WithKey(key)); err == nil && !m.Done {
			err = fmt.Errorf("%s has a fleet itself, in %s, and no copy is made over it; choose the folder whose fleet is on the server", d,
				address)
		}
		return m, err
	} else if !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	return m, d.keepAddress(from) // until it is here
}

// Switch has the folder keep its fleet in To from now on, whole or not at all. It may be called again. Files of a database
// that was left are moved aside, and the name of control is returned.
func (m Move) Switch(ctx context.Context, now func() time.Time) (aside string, err error) {
	if store.OnServer(m.To) {
		if !m.Done {
			if err := m.dir.keepAddress(m.To); err != nil {
				return "", err
			}
		}
		if aside, err = m.leave(asideName(m.dir, now())); err != nil {
			return "", err
		}
	} else if !m.Done {
		if err := os.Remove(m.dir.path(addressFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if err := durable.SyncFolder(string(m.dir)); err != nil {
			return "", err
		}
	}
	key, _, err := keeper{m.dir}.recordsKey()
	if err != nil {
		return aside, err
	}
	return aside, store.Unmark(ctx, m.To, now, store.WithKey(key))
}

// leave moves the files of the database that was left aside, and names that of control; "" if there was none.
func (m Move) leave(before string) (aside string, err error) {
	for _, name := range []string{m.dir.path(reportsFile), m.dir.Database()} {
		for _, suffix := range []string{"-wal", "-shm", ""} {
			err := os.Rename(name+suffix, name+before+suffix)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
		}
		if exists(name + before) {
			aside = name + before
		}
	}
	return aside, durable.SyncFolder(string(m.dir))
}

// Begin begins to copy, with the key of the records of the folder.
func (m Move) Begin(ctx context.Context, now func() time.Time) (*store.Copying, error) {
	key, _, err := keeper{m.dir}.recordsKey()
	if err != nil {
		return nil, err
	}
	return store.BeginCopy(ctx, m.From, m.To, now, store.WithKey(key))
}

// sameDatabases compares hosts and names: users, passwords and settings may differ.
func sameDatabases(a, b string) bool {
	left, right := strings.Fields(a), strings.Fields(b)
	if len(left) != len(right) {
		return false
	}
	for n := range left {
		x, err1 := url.Parse(left[n])
		y, err2 := url.Parse(right[n])
		if err1 != nil || err2 != nil || x.Host != y.Host || x.Path != y.Path || x.Query().Get("host") != y.Query().Get("host") {
			return false
		}
	}
	return true
}
