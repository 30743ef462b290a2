// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// Each unpacker holds unpackBuffer bytes and an inflater, whatever the sizes of the entries.
const (
	maxUnpackers = 8
	unpackBuffer = 64 << 10
)

// addressable reports whether the findings about the directory leave entries that can be read in bounded time: those
// that share bytes could be unpacked for ever, and of those that are described twice nobody knows what to expect.
func addressable(found Findings) bool {
	return !found.Has(ZipOverlap) && !found.Has(ZipBomb) && !found.Has(ZipMismatch) && !found.Has(ZipMethod)
}

// unpacking reads every deflated entry to its end, several at a time, and keeps nothing of them.
type unpacking struct {
	a       *Archive
	packed  []Entry // in the order of their bytes, near to where the sweep reads
	results []error // of each
	next    atomic.Int64
	fault   atomic.Bool // the package cannot be read: stop
	done    sync.WaitGroup
}

// unpack begins to read all deflated entries. The work is bounded by their stated sizes, of which the directory's
// check caps each and the sum.
func (a *Archive) unpack() *unpacking {
	u := &unpacking{a: a}
	for _, e := range a.entries {
		if !e.Stored {
			u.packed = append(u.packed, e)
		}
	}
	u.results = make([]error, len(u.packed))
	for range min(len(u.packed), runtime.GOMAXPROCS(0), maxUnpackers) {
		u.done.Go(u.work)
	}
	return u
}

func (u *unpacking) work() {
	buf := make([]byte, unpackBuffer)
	for !u.fault.Load() {
		i := int(u.next.Add(1)) - 1
		if i >= len(u.packed) {
			return
		}
		u.results[i] = u.read(u.packed[i], buf)
		if err := u.results[i]; err != nil && !errors.Is(err, ErrContent) {
			u.fault.Store(true)
		}
	}
}

func (u *unpacking) read(e Entry, buf []byte) error {
	c := u.a.open(e)
	defer c.Close()
	for !u.fault.Load() {
		if _, err := c.Read(buf); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil // another one tells the fault
}

// wait waits for all and returns the first fault of the package's reader.
func (u *unpacking) wait() error {
	if u == nil {
		return nil
	}
	u.done.Wait()
	for _, err := range u.results {
		if err != nil && !errors.Is(err, ErrContent) {
			return err
		}
	}
	return nil
}

// wrong lists what is wrong with content, in the order of the entries.
func (u *unpacking) wrong() (all []error) {
	if u == nil {
		return nil
	}
	for _, err := range u.results {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}
