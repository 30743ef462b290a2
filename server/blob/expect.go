// SPDX-License-Identifier: Apache-2.0

package blob

import "io"

// Range is a part of a content: the bytes from From up to, and not including, To.
type Range struct{ From, To int64 }

// Expecter is a Content that fetches what is read, and can be told beforehand how far that will go.
type Expecter interface {
	// Expect says which parts are going to be read, in this order, each from its first byte on. Without it a Read asks
	// for all that is left. It is advice: whatever is read otherwise comes as ever.
	Expect(parts ...Range)
}

// Expect tells c, if it wants to know, which parts of it are going to be read.
func Expect(c io.Reader, parts ...Range) {
	if e, ok := c.(Expecter); ok {
		e.Expect(parts...)
	}
}

// Expected are parts that were announced and not begun yet.
type Expected []Range

// End says where a reader that begins at a place before size will stop: at the end of the first part that holds the
// place, or at size. A part that is begun at its first byte is expected no more.
func (e *Expected) End(at, size int64) int64 {
	for i, part := range *e {
		if part.From > at || at >= part.To {
			continue
		}
		if part.From == at {
			*e = append((*e)[:i:i], (*e)[i+1:]...)
		}
		return min(part.To, size)
	}
	return size
}
