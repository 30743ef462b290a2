// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Migration is what an image does, at update, on a handset where the service is on.
type Migration string

// The policies. Only MigrationLeave is supported by Xiaomi's own text of 2014.
const (
	MigrationNone      Migration = ""           // the effect is about nothing that could be on before
	MigrationLeave     Migration = "leave"      // stays as it was; not proven, shown as still on from before
	MigrationSwitchOff Migration = "switch_off" // off, unless a consent is on record
	MigrationAsk       Migration = "ask"        // suspended until the user answers
)

// Valid says if m is one of the policies.
func (m Migration) Valid() bool {
	return m == MigrationNone || m == MigrationLeave || m == MigrationSwitchOff || m == MigrationAsk
}

// Ask is the part of an effect that a handset must know: what to answer, and when there is something to say.
type Ask struct {
	Probes []Probe `json:"probes,omitempty" yaml:"probes,omitempty"`
	// boolean probes that must be true for silence to mean anything
	Triggers []string `json:"triggers,omitempty" yaml:"triggers,omitempty"`
	Hours    int64    `json:"hours,omitempty" yaml:"hours,omitempty"` // to observe, 0…168
	// PromptDay is YYYY-MM-DD of the first build that can ask for consent, "" if none can; an earlier consent is
	// impossible.
	PromptDay string    `json:"prompt_day,omitempty" yaml:"prompt_day,omitempty"`
	Migration Migration `json:"migration,omitempty" yaml:"migration,omitempty"`
	// Reason says why the probes may add up to IMEIBits or more; it is empty if they do not.
	Reason string `json:"reason,omitempty" yaml:"reason,omitempty"`
}

// MaxHours is the longest observation that can be asked for: a week.
const MaxHours = 168

// Find returns the probe of a name.
func (a Ask) Find(name string) (Probe, bool) {
	i := slices.IndexFunc(a.Probes, func(p Probe) bool { return p.Name == name })
	if i < 0 {
		return Probe{}, false
	}
	return a.Probes[i], true
}

// The answers that make a probe a switch.
const (
	SwitchOn  = "on"
	SwitchOff = "off"
)

// Switch is the probe that says if what the effect is about is switched on now: the first of words that has both "on" and
// "off" among its answers. Whatever it answers but "on", it is not on. ok is false if there is none.
func (a Ask) Switch() (p Probe, ok bool) {
	i := slices.IndexFunc(a.Probes, func(p Probe) bool {
		return slices.Contains(p.Values, SwitchOn) && slices.Contains(p.Values, SwitchOff)
	})
	if i < 0 {
		return Probe{}, false
	}
	return a.Probes[i], true
}

// Validate returns every fault of a, joined.
func (a Ask) Validate() error {
	faults := []error{Validate(a.Probes)}
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	for _, t := range a.Triggers {
		p, ok := a.Find(t)
		fault(!ok || p.Kind != KindBool, "trigger %q: wanted the name of a boolean probe", t)
	}
	fault(a.Hours < 0 || a.Hours > MaxHours, "hours is %d, wanted 0 to %d", a.Hours, MaxHours)
	if a.PromptDay != "" {
		_, err := time.Parse(time.DateOnly, a.PromptDay)
		fault(err != nil, "prompt_day is %q; wanted YYYY-MM-DD, the day of the first build that can ask for consent",
			a.PromptDay)
	}
	fault(!a.Migration.Valid(), "migration is %q; say what the image does on handsets where the service is already on: "+
		"leave, switch_off or ask", a.Migration)
	bits := Bits(a.Probes)
	fault(bits >= IMEIBits && a.Reason == "",
		"the probes add up to %.1f bits, and an IMEI takes %d: coarser buckets or fewer probes, or say in reason why more "+
			"is needed", bits, IMEIBits)
	fault(len(a.Reason) > 400, "reason has %d bytes, wanted at most 400", len(a.Reason))
	return errors.Join(faults...)
}
