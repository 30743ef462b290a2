// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// gap stands between two columns.
const gap = 2

// table is rows below a head; none says in words that there are no rows.
type table struct {
	none string
	head []string
	rows [][]string
}

// add adds a row, with a cell for each column.
func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// lines sets the table. Each row is one line, so that it can be searched; on a screen that is too narrow (width columns,
// 0 for any), what does not fit stands indented below its row.
func (t table) lines(width int) []string {
	if len(t.rows) == 0 {
		return []string{t.none}
	}
	rows := make([][]string, len(t.rows))
	for i, row := range t.rows {
		for _, cell := range row {
			if cell = plain(cell); cell == "" {
				cell = "-"
			}
			rows[i] = append(rows[i], cell)
		}
	}
	return layout(t.head, rows, width)
}

// screen is how many columns w has; 0 if it is no terminal, and lines may be of any length.
func screen(w io.Writer) int {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// layout puts rows below a head in lines of up to width characters; 0 is no limit.
func layout(head []string, rows [][]string, width int) (lines []string) {
	widths := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fit, used := 0, 0
	for ; fit < len(widths); fit++ {
		if used += widths[fit]; width > 0 && used > width && fit > 0 {
			break
		}
		used += gap
	}
	lines = append(lines, line(head[:fit], widths))
	for _, row := range rows {
		lines = append(lines, line(row[:fit], widths))
		var rest []string
		for i := fit; i < len(row); i++ {
			if row[i] != "-" {
				rest = append(rest, strings.ToLower(head[i])+": "+row[i])
			}
		}
		if len(rest) > 0 {
			lines = append(lines, wrap(strings.Join(rest, ", "), "    ", width)...)
		}
	}
	return lines
}

// line pads all cells but the last to their columns.
func line(cells []string, widths []int) string {
	var b strings.Builder
	for i, cell := range cells {
		b.WriteString(cell)
		if i < len(cells)-1 {
			fmt.Fprintf(&b, "%*s", widths[i]-utf8.RuneCountInString(cell)+gap, "")
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// wrap breaks text at blanks into lines of up to width characters that all begin with indent.
// A longer word has a line of its own.
func wrap(text, indent string, width int) (lines []string) {
	now := indent
	for word := range strings.FieldsSeq(text) {
		switch {
		case now == indent:
			now += word
		case utf8.RuneCountInString(now)+1+utf8.RuneCountInString(word) > width:
			lines, now = append(lines, now), indent+word
		default:
			now += " " + word
		}
	}
	return append(lines, now)
}
