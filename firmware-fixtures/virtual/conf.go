// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"landed/manifests/report"
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

// parseConf reads etc/cloud_messaging.conf: each key exactly once, in any order, no other key.
func parseConf(text []byte) (Behaviour, error) {
	got := map[string]string{}
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for l, err := range lines(ConfName, text) {
		allowed, known := confValues[l.key]
		_, twice := got[l.key]
		switch {
		case err != nil:
			errs = append(errs, err)
		case !known:
			fault("%s:%d: key %q is unknown", ConfName, l.number, l.key)
		case twice:
			fault("%s:%d: %s stands there twice", ConfName, l.number, l.key)
		case !slices.Contains(allowed, l.value):
			fault("%s:%d: %s is %q: wanted one of %s", ConfName, l.number, l.key, l.value, strings.Join(allowed, ", "))
		}
		got[l.key] = l.value
	}
	for key := range confValues {
		if _, ok := got[key]; !ok {
			fault("%s: no %s", ConfName, key)
		}
	}
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return Behaviour{}, errors.Join(errs...)
	}
	return Behaviour{
		Feature:        slices.Index(confValues["feature"], got["feature"]),
		DefaultOn:      got["default"] == "on",
		AutoActivate:   got["auto_activate"] == "yes",
		Gate:           report.Gate(got["auto_gate"]),
		LookupAlways:   got["presence_lookup"] == "always",
		Migration:      report.Migration(got["migration"]),
		DeregisterAuto: got["deregister_auto"] == "yes",
		Transport:      report.Transport(got["transport"]),
	}, nil
}
