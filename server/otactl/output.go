// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"landed/server/otactl/client"
)

// Exit codes.
const (
	done     = 0
	refused  = 1 // the server, or what it found, said no
	couldNot = 2
)

// told is an error whose words are on the screen already; only its exit code is left to give.
type told int

func (t told) Error() string { return "told" }

// finish tells err and gives the exit code.
func (a *app) finish(err error) int {
	if err == nil {
		return done
	}
	if code, ok := errors.AsType[told](err); ok {
		return int(code)
	}
	p := explain(err)
	fmt.Fprintln(a.err, "otactl:", p.text())
	if a.json {
		_ = a.printJSON(map[string]any{"error": p.Error}) // the words are out already
	} else {
		a.findings(a.err, p.Findings)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	if e, ok := errors.AsType[*client.Error](err); ok && e.Status/100 == 4 {
		return refused
	}
	return couldNot
}

// answer prints v for programs, or calls people.
func (a *app) answer(v any, people func()) error {
	if a.json {
		return a.printJSON(v)
	}
	people()
	return nil
}

func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (a *app) say(format string, args ...any) { fmt.Fprintf(a.out, format+"\n", args...) }

// clean keeps text from elsewhere from breaking a table or commanding the terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// printable keeps lines and indentation, and cleans the rest.
func printable(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// short is enough of a digest or key id to tell it from others.
func short(id string) string {
	if len(id) <= 12 {
		return id
	}
	return id[:12]
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// size writes a size as people read it.
func size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, names := float64(n)/unit, []string{"KiB", "MiB", "GiB", "TiB"}
	for value >= unit && len(names) > 1 {
		value, names = value/unit, names[1:]
	}
	return fmt.Sprintf("%.1f %s", value, names[0])
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
