// SPDX-License-Identifier: Apache-2.0

package durable

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrLocked says that another process, or another part of this one, holds the lock.
var ErrLocked = errors.New("it is locked by another process")

// Lock takes the lock of the file at path, which it makes if need be (mode 0600), and waits for whoever holds
// it. The kernel lets go of a lock when its process ends, however it ends. The file stays: to remove it would
// take the lock from under others. Where there is no flock it does nothing.
func Lock(path string) (unlock func() error, err error) { return lock(path, true) }

// LockWithin is Lock that gives up after a time: ErrLocked if somebody has the lock even then. It stands in the kernel's
// line all the while: who asks now and then finds it taken each time, if somebody takes it again and again. The place in
// the line is kept until its turn comes, and given back at once then.
func LockWithin(path string, wait time.Duration) (unlock func() error, err error) {
	if unlock, err = TryLock(path); !errors.Is(err, ErrLocked) {
		return unlock, err
	}
	type taken struct {
		unlock func() error
		err    error
	}
	turn := make(chan taken)
	given := make(chan struct{})
	go func() {
		unlock, err := Lock(path)
		select {
		case turn <- taken{unlock, err}:
		case <-given:
			if err == nil {
				_ = unlock() // closing a file that nothing was written to
			}
		}
	}()
	over := time.NewTimer(wait)
	defer over.Stop()
	select {
	case t := <-turn:
		return t.unlock, t.err
	case <-over.C:
		close(given)
		return nil, err
	}
}

// TryLock is Lock without waiting: ErrLocked if somebody has the lock.
func TryLock(path string) (unlock func() error, err error) { return lock(path, false) }

func lock(path string, wait bool) (unlock func() error, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(file, wait); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
	}
	return file.Close, nil
}

// TryLockFile takes the lock of an open file, without waiting: ErrLocked if somebody has it. It is given
// back when the file is closed.
func TryLockFile(f *os.File) error { return flock(f, false) }
