// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// Each unpacker holds these two buffers and an inflater, whatever the sizes of the entries.
const (
	maxUnpackers = 8
	unpackBuffer = 64 << 10
	unpackAhead  = 1 << 20
)

// addressable reports whether the findings about the directory leave entries that can be read in bounded time: those
// that share bytes could be unpacked for ever, and of those that are described twice nobody knows what to expect.
func addressable(found Findings) bool {
	return !found.Has(ZipOverlap) && !found.Has(ZipBomb) && !found.Has(ZipMismatch) && !found.Has(ZipMethod)
}

// unpacking reads every deflated entry to its end, several at a time, and keeps nothing of them.
type unpacking struct {
	src     source
	packed  []Entry // in the order of their bytes, near to where the sweep reads
	runs    [][2]int
	results []error      // of each entry
	next    atomic.Int64 // of runs
	fault   atomic.Bool  // the package cannot be read: stop
	done    sync.WaitGroup
}

// unpack begins to read all deflated entries. The work is bounded by their stated sizes, of which the directory's
// check caps each and the sum. Small entries are read in runs, because a read of a package in an object store costs
// a request.
func (a *Archive) unpack() *unpacking {
	u := &unpacking{src: a.src}
	for _, e := range a.entries {
		if e.Stored {
			continue
		}
		if n := len(u.runs); n > 0 && e.Offset+e.Packed-u.packed[u.runs[n-1][0]].Offset <= unpackAhead {
			u.runs[n-1][1]++
		} else {
			u.runs = append(u.runs, [2]int{len(u.packed), len(u.packed) + 1})
		}
		u.packed = append(u.packed, e)
	}
	u.results = make([]error, len(u.packed))
	for range min(len(u.runs), runtime.GOMAXPROCS(0), maxUnpackers) {
		u.done.Go(u.work)
	}
	return u
}

func (u *unpacking) work() {
	from := newAhead(u.src, unpackAhead)
	buf := make([]byte, unpackBuffer)
	for {
		i := int(u.next.Add(1)) - 1
		if i >= len(u.runs) {
			return
		}
		run := u.runs[i]
		last := u.packed[run[1]-1]
		from.end = last.Offset + last.Packed
		for j := run[0]; j < run[1] && !u.fault.Load(); j++ {
			u.results[j] = u.read(from, u.packed[j], buf)
			if err := u.results[j]; err != nil && !errors.Is(err, ErrContent) {
				u.fault.Store(true)
			}
		}
	}
}

func (u *unpacking) read(from *ahead, e Entry, buf []byte) error {
	c := openEntry(from, e)
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

// wait waits for all, unless the package cannot be read, and returns the first fault of its reader.
func (u *unpacking) wait(fault error) error {
	if u == nil || fault != nil {
		u.stop()
		return fault
	}
	u.done.Wait()
	for _, err := range u.results {
		if err != nil && !errors.Is(err, ErrContent) {
			return err
		}
	}
	return nil
}

func (u *unpacking) stop() {
	if u != nil {
		u.fault.Store(true)
		u.done.Wait()
	}
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
