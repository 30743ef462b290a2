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

// askedWait is how long a server asked to be left alone, one of steps, 0 if it did not ask.
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

// steps are the only waits that a server can ask for. Whatever it says comes down to one of three numbers, and who comes
// back does so by its own jitter: the moment says next to nothing of what was said to whom.
var steps = []time.Duration{time.Minute, 10 * time.Minute, time.Hour}

// retryAfter reads Retry-After as one of the steps: the shortest that is not shorter, or the longest. It is seconds, or a
// date, which is held against the server's own where it gives one, since a handset's clock may be wrong. 0 stands for
// what makes no sense, and for no wait.
func retryAfter(header http.Header, now time.Time) time.Duration {
	asked := asksFor(header, now)
	if asked <= 0 {
		return 0
	}
	for _, step := range steps {
		if asked <= step {
			return step
		}
	}
	return steps[len(steps)-1]
}

func asksFor(header http.Header, now time.Time) time.Duration {
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
	return at.Sub(now)
}
