// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type line struct {
	number     int
	key, value string
}

// lines yields the key=value lines of a file; comments (#) and empty lines are left out.
func lines(name string, text []byte) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		if len(text) > maxFile || !utf8.Valid(text) {
			yield(line{}, fmt.Errorf("%s: wanted UTF-8 text of at most %d bytes", name, maxFile))
			return
		}
		n := 0
		for l := range strings.Lines(string(text)) {
			n++
			l = strings.TrimSpace(l)
			if l == "" || strings.HasPrefix(l, "#") {
				continue
			}
			key, value, ok := strings.Cut(l, "=")
			var err error
			if !ok || key == "" {
				err = fmt.Errorf("%s:%d: wanted key=value", name, n)
			}
			if !yield(line{n, key, value}, err) {
				return
			}
		}
	}
}

// confValues is the closed format: every key, and what it may say.
var confValues = map[string][]string{
	"feature":         {"0", "1"},
	"default":         {"off", "on"},
	"auto_activate":   {"no", "yes"},
	"auto_gate":       {"closed", "open"},
	"presence_lookup": {"consent", "always"},
	"migration":       {"leave", "switch_off", "ask", "not_applicable"},
	"deregister_auto": {"no", "yes"},
	"transport":       {"https", "http"},
}

// guardEnds is the key that may be left out.
const guardEnds = "guard_ends"

// backupValues is the closed format of etc/app_backup.conf.
var backupValues = map[string][]string{
	"feature":          {"0", "1"},
	"default":          {"off", "on"},
	"upload_while_off": {"no", "yes"},
	"migration":        {"leave", "switch_off", "not_applicable"},
}

// parseConf reads etc/cloud_messaging.conf.
func parseConf(text []byte) (Behaviour, error) {
	got, err := closed(ConfName, text, confValues, guardEnds)
	if err != nil {
		return Behaviour{}, err
	}
	var ends time.Time
	if said, is := got[guardEnds]; is {
		seconds, err := strconv.ParseInt(said, 10, 64)
		if err != nil || seconds < 1 || seconds > 1<<40 {
			return Behaviour{}, fmt.Errorf("%s: %s: wanted seconds since 1970", ConfName, guardEnds)
		}
		ends = time.Unix(seconds, 0).UTC()
	}
	return Behaviour{
		GuardEnds:      ends,
		Feature:        slices.Index(confValues["feature"], got["feature"]),
		DefaultOn:      got["default"] == "on",
		AutoActivate:   got["auto_activate"] == "yes",
		Gate:           Gate(got["auto_gate"]),
		LookupAlways:   got["presence_lookup"] == "always",
		Migration:      Migration(got["migration"]),
		DeregisterAuto: got["deregister_auto"] == "yes",
		Transport:      Transport(got["transport"]),
	}, nil
}

// parseBackupConf reads etc/app_backup.conf.
func parseBackupConf(text []byte) (*BackupBehaviour, error) {
	got, err := closed(BackupConfName, text, backupValues)
	if err != nil {
		return nil, err
	}
	return &BackupBehaviour{
		Feature:   slices.Index(backupValues["feature"], got["feature"]),
		DefaultOn: got["default"] == "on",
		UploadOff: got["upload_while_off"] == "yes",
		Migration: Migration(got["migration"]),
	}, nil
}

// closed reads a file of a closed format: each key exactly once, in any order, no other key but one that may be left out.
func closed(name string, text []byte, values map[string][]string, optional ...string) (map[string]string, error) {
	got := map[string]string{}
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for l, err := range lines(name, text) {
		allowed, known := values[l.key]
		_, twice := got[l.key]
		free := slices.Contains(optional, l.key)
		switch {
		case err != nil:
			errs = append(errs, err)
		case !known && !free:
			fault("%s:%d: key %q is unknown", name, l.number, l.key)
		case twice:
			fault("%s:%d: %s stands there twice", name, l.number, l.key)
		case !free && !slices.Contains(allowed, l.value):
			fault("%s:%d: %s is %q: wanted one of %s", name, l.number, l.key, l.value, strings.Join(allowed, ", "))
		}
		got[l.key] = l.value
	}
	for key := range values {
		if _, ok := got[key]; !ok {
			fault("%s: no %s", name, key)
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return got, errors.Join(errs...)
}
