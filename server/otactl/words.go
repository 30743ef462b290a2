// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"time"

	"landed/internal/cli"
	"landed/manifests/otapkg"
)

// plain keeps text from elsewhere from breaking a table or commanding the terminal.
func plain(s string) string { return cli.Plain(s, blank) }

// blank stands where a character would have steered the terminal.
const blank = ' '

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

// findingWords are findings, a line each: "  refuse   SIG-KEY: sentence What to do."
func findingWords(all otapkg.Findings) (lines []string) {
	for _, f := range all {
		line := fmt.Sprintf("  %-8s %s: %s", f.Level, f.Code, f.Message)
		if f.Fix != "" {
			line += " " + f.Fix
		}
		lines = append(lines, line)
	}
	return lines
}
