// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"landed/internal/cli"
)

// printer tells what came out: to people, or to programs. No argument that it is given can command the terminal.
type printer struct {
	out, err io.Writer
	json     bool
}

// add adds the flag that every command has.
func (p *printer) add(root *cobra.Command) {
	root.PersistentFlags().BoolVar(&p.json, "json", false, "print one JSON value for programs")
}

// say prints a line.
func (p *printer) say(format string, args ...any) {
	fmt.Fprintln(p.out, cli.Sprintf(blank, format, args...))
}

// lines prints lines, each behind the same words.
func (p *printer) lines(before string, all ...string) {
	for _, line := range all {
		p.say("%s%s", before, line)
	}
}

// text prints lines as somebody else set them.
func (p *printer) text(text string) {
	p.lines("", strings.Split(strings.TrimRight(text, "\n"), "\n")...)
}

// beside prints a line for people that is no part of the answer.
func (p *printer) beside(format string, args ...any) {
	fmt.Fprintln(p.err, cli.Sprintf(blank, format, args...))
}

// complain says beside the answer what went wrong.
func (p *printer) complain(format string, args ...any) { p.beside("otactl: "+format, args...) }

// answer prints v for programs, or calls people.
func (p *printer) answer(v any, people func()) error {
	if p.json {
		return p.value(v)
	}
	people()
	return nil
}

// value prints v for programs.
func (p *printer) value(v any) error { return cli.PrintJSON(p.out, v) }

// paragraph prints one indented line, or several on a screen that is too narrow for it.
func (p *printer) paragraph(text string) {
	text = plain(text)
	width := screen(p.out)
	if width == 0 {
		width = len(text) + gap
	}
	p.lines("", wrap(text, "  ", width)...)
}

// table prints a table.
func (p *printer) table(t table) { p.lines("", t.lines(screen(p.out))...) }

// finish tells err and gives the exit code.
func (p *printer) finish(err error) int {
	if err == nil {
		return done
	}
	if code, ok := errors.AsType[told](err); ok {
		return int(code)
	}
	problem := explain(err)
	p.complain("%s", problem.text())
	if p.json {
		_ = p.value(map[string]any{"error": problem.Error}) // the words are out already
		return exitCode(err)
	}
	for _, line := range findingWords(problem.Findings) {
		p.beside("%s", line)
	}
	return exitCode(err)
}
