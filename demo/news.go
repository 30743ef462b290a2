// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"
)

// width is that of the narrowest screen in use: a progress line that is longer would wrap, and
// could not be wiped.
const width = 80

// news prints what happens as it happens, and below it, on a terminal, one line of progress.
// There are no colours in it.
type news struct {
	mu       sync.Mutex
	to       io.Writer
	terminal bool
	line     string // the progress line that stands on the screen
	clock    *clock
	told     int // progress lines so far, without a terminal
}

func newsTo(w io.Writer) *news {
	n := &news{to: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		n.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	return n
}

// say prints one line with the virtual day and hour.
func (n *news) say(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wipe()
	text := fmt.Sprintf("%s  %s", n.when(), fmt.Sprintf(format, args...))
	if n.terminal { // a log keeps one line for each, to be searched
		text = wrap(text, strings.Repeat(" ", len("day  0 00:00  ")))
	}
	fmt.Fprintln(n.to, text)
	n.draw()
}

func (n *news) when() string {
	if n.clock == nil {
		return "day  0 00:00"
	}
	since := n.clock.Now().Sub(n.clock.start)
	return fmt.Sprintf("day %2d %02d:00", int(since/day), int(since%day/(60*60*1e9)))
}

// progress replaces the progress line; without a terminal it prints every eighth, once a day.
func (n *news) progress(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.terminal {
		n.wipe()
		n.line = string([]rune(line)[:min(utf8.RuneCountInString(line), width-1)])
		n.draw()
		return
	}
	if n.told%8 == 0 {
		fmt.Fprintf(n.to, "%s  %s\n", n.when(), line)
	}
	n.told++
}

// end takes the progress line away.
func (n *news) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wipe()
	n.line = ""
}

func (n *news) wipe() {
	if n.line != "" {
		fmt.Fprintf(n.to, "\r%s\r", strings.Repeat(" ", len([]rune(n.line))))
	}
}

func (n *news) draw() {
	if n.line != "" {
		fmt.Fprint(n.to, n.line)
	}
}

// wrap breaks text at single blanks into lines that fit the screen; all but the first are indented.
func wrap(text, indent string) string {
	for broken := ""; ; {
		if utf8.RuneCountInString(text) < width {
			return broken + text
		}
		cut := strings.LastIndex(string([]rune(text)[:width]), " ")
		if cut <= len(indent) { // one long word
			return broken + text
		}
		broken, text = broken+strings.TrimRight(text[:cut], " ")+"\n", indent+strings.TrimLeft(text[cut:], " ")
	}
}
