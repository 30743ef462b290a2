// SPDX-License-Identifier: Apache-2.0

package updaters

import "fmt"

// Span is a request for a part of a package, both ends included, of total bytes: what an app sends that goes on with a
// download, and what update_engine sends for each part.
type Span struct{ From, To, Total int64 }

// Header is the value of Range.
func (s Span) Header() string { return fmt.Sprintf("bytes=%d-%d", s.From, s.To) }

// Judge says what a phone does not take of an answer to s: its status, its Content-Range, and how many bytes came.
func (s Span) Judge(status int, contentRange string, came int64) (found []Fault) {
	var f faults
	want := fmt.Sprintf("bytes %d-%d/%d", s.From, s.To, s.Total)
	switch {
	case status == 200:
		f.add("a phone that goes on with a download begins again, and none can stream", "%s is answered with 200 and the whole package, "+
			"wanted 206", s.Header())
	case status != 206:
		f.add(fetchesNone, "%s is answered with %d, wanted 206", s.Header(), status)
	case contentRange != want:
		f.add("the phone gives the download up", "%s is answered with the Content-Range %.100q, wanted %q", s.Header(), contentRange, want)
	case came != s.To-s.From+1:
		f.add("the phone has a part that is too short, and tries again without end", "%s brought %d bytes, wanted %d", s.Header(), came,
			s.To-s.From+1)
	}
	return f
}

// Rest is the value of Range of an app that goes on with a download from the beginning of s; Judge it as s to the end.
func (s Span) Rest() string { return fmt.Sprintf("bytes=%d-", s.From) }

// Complete says what a phone does not take of an answer to a request for what lies behind the end of a package, by which an
// app finds out that it has all of it.
func Complete(status int) (found []Fault) {
	var f faults
	if status != 416 {
		f.add("a phone that has all of the package fetches it again", "what lies behind the end is answered with %d, wanted 416", status)
	}
	return f
}
