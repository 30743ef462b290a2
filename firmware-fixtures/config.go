// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Config is the Cloud Messaging configuration of an image, written as etc/cloud_messaging.conf: one key=value
// a line, each key exactly once, but for guard_ends, which may be left out. Package virtual reads the text
// and behaves accordingly; the two share the text and no code, as a build system and a handset do.
type Config struct {
	Feature        int    // behaviour version: 0 activates by itself, 1 opt-in
	Default        string // the switch after a factory reset: on, off
	AutoActivate   bool   // the task that registers a SIM by itself exists and is scheduled every 24 h
	AutoGate       string // the guard in front of that task, as the image reports it: open, closed
	PresenceLookup string // contact numbers are looked up: always, or only with consent
	Migration      string // on the first boot over an older behaviour: leave, switch_off, ask, not_applicable
	DeregisterAuto bool   // whether the first boot over another build drops SIM registrations that were made by themselves
	Transport      string // how identifiers travel: http, https
	// GuardEnds is when a closed guard stops holding, in Unix seconds, as one does that goes by a licence which runs out; 0: never.
	GuardEnds int64
}

// ConfigOf is what a build of this kind ships with when nobody chose otherwise.
func ConfigOf(kind Kind) Config {
	switch kind {
	case Patched:
		return Config{Feature: 1, Default: "off", AutoGate: "closed", PresenceLookup: "consent",
			Migration: "switch_off", DeregisterAuto: true, Transport: "https"}
	case Bad:
		return Config{Feature: 1, Default: "off", AutoActivate: true, AutoGate: "open", PresenceLookup: "consent",
			Migration: "switch_off", DeregisterAuto: true, Transport: "https"}
	default:
		return Config{Default: "on", AutoActivate: true, AutoGate: "open", PresenceLookup: "always",
			Migration: "not_applicable", Transport: "http"}
	}
}

// Text is the file as it lies on the handset.
func (c Config) Text() []byte {
	lines := c.lines()
	if c.GuardEnds != 0 {
		lines = append(lines, confLine{"guard_ends", fmt.Sprint(c.GuardEnds), nil})
	}
	return confText("Cloud Messaging", lines)
}

func confText(service string, lines []confLine) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, stand-in firmware. Closed format: unknown keys make the image unbootable.\n", service)
	for _, l := range lines {
		fmt.Fprintf(&b, "%s=%s\n", l.key, l.value)
	}
	return []byte(b.String())
}

type confLine struct {
	key, value string
	allowed    []string
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

func (c Config) lines() []confLine {
	return []confLine{
		{"feature", fmt.Sprint(c.Feature), []string{"0", "1"}},
		{"default", c.Default, []string{"on", "off"}},
		{"auto_activate", yesNo(c.AutoActivate), []string{"yes", "no"}},
		{"auto_gate", c.AutoGate, []string{"open", "closed"}},
		{"presence_lookup", c.PresenceLookup, []string{"always", "consent"}},
		{"migration", c.Migration, []string{"leave", "switch_off", "ask", "not_applicable"}},
		{"deregister_auto", yesNo(c.DeregisterAuto), []string{"yes", "no"}},
		{"transport", c.Transport, []string{"http", "https"}},
	}
}

func (c Config) check() error { return checkLines("Config", c.lines()) }

func checkLines(name string, lines []confLine) error {
	var errs []error
	for _, l := range lines {
		if !slices.Contains(l.allowed, l.value) {
			errs = append(errs, fmt.Errorf("%s: %s is %q: wanted one of %s", name, l.key, l.value,
				strings.Join(l.allowed, ", ")))
		}
	}
	return errors.Join(errs...)
}

// BackupConfig is the configuration of the app backup, written as etc/app_backup.conf. With it an image counts how
// often it sends the list of installed apps; an image without the file has no app backup.
type BackupConfig struct {
	Feature        int    // behaviour version: 0 is on unless its user says otherwise, 1 only if its user switched it on
	Default        string // the switch after a factory reset: on, off
	UploadWhileOff bool   // the list is sent even while the switch is off
	Migration      string // on the first boot over an older behaviour: leave, switch_off, not_applicable
}

// BackupOf is what an image of this kind does about the list: one without the fix sends it, and counts.
func BackupOf(kind Kind) *BackupConfig {
	switch kind {
	case Patched:
		return &BackupConfig{Feature: 1, Default: "off", Migration: "switch_off"}
	case Bad:
		return &BackupConfig{Feature: 1, Default: "off", UploadWhileOff: true, Migration: "switch_off"}
	default:
		return &BackupConfig{Default: "on", Migration: "not_applicable"}
	}
}

// Text is the file as it lies on the handset.
func (c *BackupConfig) Text() []byte { return confText("App backup", c.lines()) }

func (c *BackupConfig) lines() []confLine {
	return []confLine{
		{"feature", fmt.Sprint(c.Feature), []string{"0", "1"}},
		{"default", c.Default, []string{"on", "off"}},
		{"upload_while_off", yesNo(c.UploadWhileOff), []string{"yes", "no"}},
		{"migration", c.Migration, []string{"leave", "switch_off", "not_applicable"}},
	}
}

func (c *BackupConfig) check() error {
	if c == nil {
		return nil
	}
	return checkLines("BackupConfig", c.lines())
}
