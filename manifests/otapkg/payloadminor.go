// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"fmt"
	"slices"
	"strings"
)

// judgeMinor wants a full payload to say 0 and a delta to say a version that has its operations.
func (p *Payload) judgeMinor(fs *Findings) {
	delta := p.Delta() || p.deltaOps
	need := max(p.needMinor, minMinor)
	if p.partial {
		need = max(need, partialMinor)
	}
	switch {
	case !delta && p.minor != 0:
		fs.add(Finding{Code: ABMinor, Found: fmt.Sprint(p.minor), Wanted: "0",
			Message: fmt.Sprintf("The payload is full, yet says minor version %d; a full payload says 0.", p.minor)})
	case p.deltaOps && !p.Delta():
		fs.add(Finding{Code: ABMinor, Found: "operations on old partitions", Wanted: "the old partitions' sizes and hashes",
			Message: "The payload reads old partitions but does not say which; phones could not check them."})
	case delta && p.minor < need:
		fs.add(Finding{Code: ABMinor, Found: fmt.Sprint(p.minor), Wanted: fmt.Sprintf("%d or more", need),
			Fix: "Build the package with the release tools of the system that it installs.",
			Message: fmt.Sprintf("The payload is a delta of minor version %d; what it does needs at least %d.", p.minor,
				need)})
	}
	minor := p.minor
	if !p.Delta() {
		minor = 0
	}
	p.newer.judge(minor, fs)
}

// newerKinds are the types of operations in a payload that not every phone knows, or that are unknown here.
type newerKinds []uint64

func (ks *newerKinds) note(kind uint64) {
	if len(*ks) < 8 && !slices.Contains(*ks, kind) {
		*ks = append(*ks, kind)
	}
}

// judge speaks of what is newer than the phones may be: of what is known here as a warning, and of what is not, which
// nothing here can check, as a question to a second person. A phone that does not know it refuses the payload and stays as
// it is.
func (ks newerKinds) judge(minor uint32, fs *Findings) {
	var newer, unknown []string
	slices.Sort(ks)
	for _, kind := range ks {
		if k, known := kindOf(kind); known {
			newer = append(newer, fmt.Sprintf("%s (operation type %d)", k.name, kind))
		} else {
			unknown = append(unknown, fmt.Sprintf("operation type %d", kind))
		}
	}
	if minor > maxMinor {
		unknown = append(unknown, fmt.Sprintf("minor version %d", minor))
	} else if minor > commonMinor {
		newer = append(newer, fmt.Sprintf("minor version %d", minor))
	}
	if what := strings.Join(newer, ", "); what != "" {
		fs.add(Finding{Code: ABNewer, Found: what, Wanted: fmt.Sprintf("operations of minor version %d", commonMinor),
			Fix: "Make sure that every build which phones may run now has an update_engine that knows it.",
			Message: fmt.Sprintf("The payload uses %s, which only the update_engine of recent Android (16) and of some makers "+
				"knows; other phones refuse it and stay as they are.", what)})
	}
	if what := strings.Join(unknown, ", "); what != "" {
		fs.add(Finding{Code: ABNewer, Level: Approve, Found: what,
			Wanted: fmt.Sprintf("operation types up to %d, minor versions up to %d", len(opKinds)-1, maxMinor),
			Fix:    "Install it on a phone of each model first, or update this program; have a second person agree.",
			Message: fmt.Sprintf("The payload uses %s, which is not known to this program, so that it cannot say what it does; "+
				"phones that do not know it refuse the payload and stay as they are.", what)})
	}
}
