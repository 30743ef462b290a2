// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Check gathers the faults of a body. It never repeats a refused string: whatever a handset tried to put into a field
// must not travel on into an answer or a log.
type Check struct{ faults []error }

// Err is every fault, joined; nil if there is none.
func (c *Check) Err() error { return errors.Join(c.faults...) }

// Fault notes a fault if bad.
func (c *Check) Fault(bad bool, format string, args ...any) {
	if bad {
		c.faults = append(c.faults, fmt.Errorf(format, args...))
	}
}

// Between wants low ≤ value ≤ high.
func (c *Check) Between(field string, value, low, high int64) {
	if value < low || value > high {
		c.Fault(true, "%s is out of range; wanted %d to %d", field, low, high)
	}
}

// OneOf wants one of the allowed values. It puts an error together only if there is one: it runs often.
func OneOf[T ~string](c *Check, field string, value T, allowed ...T) {
	if !slices.Contains(allowed, value) {
		c.Fault(true, "%s: wanted one of %v", field, slices.Clone(allowed)) // a copy: so allowed need not be on the heap
	}
}

// Core checks what every version carries, but for the id, with sequence numbers up to maxSeq. It says nothing of sense
// between fields: a report that contradicts itself is well-formed evidence, and the verdict says so.
func (c *Check) Core(r Report, maxSeq int64) {
	c.Fault(!HexDigits(r.Key, 64), "key: wanted 64 hex digits")
	c.Fault(HexDigits(r.Key, 64) && !ownKey(r.PublicKey()), "key: wanted one of which somebody holds the secret, "+
		"in its one written form")
	c.Between("seq", r.Seq, 1, maxSeq)
	c.match("release", r.Release, word, "a release name")
	c.match("model", r.Model, word, "a device name")
	c.match("variant", r.Variant, word, "a variant name")
	c.match("channel", r.Channel, channel, "the name of a channel")
	c.build("build", r.Build)
	if r.Build == BuildOther {
		c.Between("build_utc", r.BuildUTC, 0, 0)
	} else {
		c.Between("build_utc", r.BuildUTC, 1, 1<<40)
	}
	if r.PreviousBuild != "" {
		c.build("previous_build", r.PreviousBuild)
	}
	OneOf(c, "kind", r.Kind, KindBaseline, KindProgress, KindEffect)
	OneOf(c, "progress", r.Progress, ProgressKnown, ProgressDownloading, ProgressInstalled,
		ProgressRunning, ProgressFailed)
	c.Fault((r.Failure != nil) != (r.Progress == ProgressFailed), "failure stands with progress failed, and only then")
	if r.Failure != nil {
		OneOf(c, "failure.phase", r.Failure.Phase, PhaseMetadata, PhaseDownload, PhaseVerify, PhaseInstall, PhaseBoot)
		c.Between("failure.code", int64(r.Failure.Code), 0, 9999)
	}
}

func (c *Check) match(field, value string, shape func(string) bool, words string) {
	if !shape(value) {
		c.Fault(true, "%s: wanted %s", field, words)
	}
}

// build takes the shape of a fingerprint; that it is one which was published is for the server to see, who knows them.
func (c *Check) build(field, value string) {
	if value == BuildOther {
		return
	}
	c.match(field, value, fingerprint, "a build fingerprint, brand/product/device:release/id/incremental:type/tags")
	if manyDigits(value) {
		c.Fault(true, "%s: ten or more digits in a row are no build label", field)
	}
}

// HexDigits says if s is n digits and letters up to f, lower case.
func HexDigits(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789abcdef") == "" }
