// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// busyError is an answer that asks to be left alone for a while: 503 or 429 with Retry-After (RFC 9110, 10.2.3; RFC
// 6585, 4).
type busyError struct {
	wait time.Duration
	err  error
}

func (b *busyError) Error() string { return b.err.Error() }
func (b *busyError) Unwrap() error { return b.err }

// askedWait is how long a server asked to be left alone, 0 if it did not ask.
func askedWait(err error) time.Duration {
	if busy, ok := errors.AsType[*busyError](err); ok {
		return busy.wait
	}
	return 0
}

// fault is err, with what the answer that it is about says of when to come back.
func (s *server) fault(resp *http.Response, err error) error {
	if resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusTooManyRequests {
		return err
	}
	if wait := retryAfter(resp.Header, s.now()); wait > 0 {
		return &busyError{wait, err}
	}
	return err
}

// retryAfter reads Retry-After: seconds, or a date, which is held against the server's own where it gives one, since a
// handset's clock may be wrong. It is at most longWait, and 0 for what makes no sense.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(longWait/time.Second))) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		return longWait
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return min(max(at.Sub(now), 0), longWait)
}
