// SPDX-License-Identifier: Apache-2.0

package support

import (
	"path"
	"strings"
	"time"
)

// form is another form than page and JSON in which what a page says may be taken away. Its name is how the address ends.
type form struct {
	kind string                                           // Content-Type
	make func(*responder, view, time.Time) []byte         // of which moment it is stands in it, where it has a place for that
	name func(address string, at time.Time) (file string) // under which it is saved; nil: it is shown
}

// forms are by name.
var forms = map[string]form{
	asCSV:   {"text/csv; charset=utf-8; header=present", tableOf, fileOf},
	asAtom:  {"application/atom+xml; charset=utf-8", atomOf, nil},
	asBadge: {"image/svg+xml; charset=utf-8", badgeOf, nil},
}

// The names of forms.
const (
	asCSV   = ".csv"
	asAtom  = ".atom"
	asBadge = ".svg"
)

// fileOf names a file by what is in it and of which day it is.
func fileOf(address string, at time.Time) string {
	name := strings.TrimSuffix(strings.Trim(path.Clean(address), "/"), asCSV)
	return "landed-" + strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == '_':
			return c
		}
		return '-'
	}, name) + "-" + at.UTC().Format(time.DateOnly) + asCSV
}
