// SPDX-License-Identifier: Apache-2.0

// Package fleet holds the server's nouns, a file for each and what belongs to it, the contracts of its store, and
// the kinds of error that every door knows how to answer.
//
// It promises to do no I/O, to read no clock and to name no technology. It refuses to
// know an owner, a number, an address: an Installation is a random reference and the
// newest report it signed.
package fleet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrorKind sorts errors for the doors: each protocol has one table from kind to answer.
type ErrorKind string

// The kinds.
const (
	Invalid   ErrorKind = "invalid"   // what was sent cannot be read or breaks a rule
	Forbidden ErrorKind = "forbidden" // known, but not allowed
	NotFound  ErrorKind = "not_found"
	Conflict  ErrorKind = "conflict" // it would contradict what is there
	TooLarge  ErrorKind = "too_large"
	Busy      ErrorKind = "busy" // try again later
	// Unsupported is what a later program will understand: whoever sent it keeps it.
	Unsupported ErrorKind = "unsupported"
	NoSpace     ErrorKind = "no_space"
	// Pending is what is stored and does not hold everywhere yet: the server goes on by itself.
	Pending ErrorKind = "pending"
	// Proposed is what is not done yet: it takes a second person, and waits for one.
	Proposed ErrorKind = "proposed"
	// Damaged is a fault of the server's storage: a person has to mend it, and whoever sent something keeps it.
	Damaged ErrorKind = "damaged"
)

// Error is an error for people: Msg says what was found, what was wanted and what to do
// next; Code is stable for machines; Err is the cause, for the log only.
type Error struct {
	Kind ErrorKind
	Code string
	Msg  string
	Err  error
	Wait time.Duration // before it is tried again; 0 leaves that to the door
}

// Error gives the words and the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Msg, e.Err)
	}
	return e.Msg
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with a kind, a stable code, and words for people.
func Errorf(k ErrorKind, code, format string, args ...any) *Error {
	return &Error{Kind: k, Code: code, Msg: fmt.Sprintf(format, args...)}
}

// Is says if err is an Error of kind k.
func Is(err error, k ErrorKind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == k
}

// Words are the words of err for people: those of its Error, and whatever was said around it with fmt.Errorf and %w.
// Causes that are no Error stay out. ok is false if there is no Error in it. Of joined errors each is said.
func Words(err error) (said string, ok bool) {
	switch x := err.(type) {
	case nil:
		return "", false
	case *Error:
		return x.Msg, true
	case interface{ Unwrap() error }:
		return around(err.Error(), x.Unwrap())
	case interface{ Unwrap() []error }:
		all := x.Unwrap()
		if len(all) == 1 {
			return around(err.Error(), all[0])
		}
		var lines []string
		for _, one := range all {
			if words, ok := Words(one); ok && !slices.Contains(lines, words) {
				lines = append(lines, words)
			}
		}
		return strings.Join(lines, "; "), len(lines) > 0
	}
	return "", false
}

// around puts the words of inner in place of all that it says in text.
func around(text string, inner error) (said string, ok bool) {
	said, ok = Words(inner)
	if !ok {
		return "", false
	}
	if before, after, found := strings.Cut(text, inner.Error()); found {
		return before + said + after, true
	}
	return said, true
}

// InOneLine joins the lines of joined errors with semicolons, for people and JSON alike.
func InOneLine(err error) string {
	lines := slices.DeleteFunc(strings.Split(err.Error(), "\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
	return strings.Join(lines, "; ")
}
