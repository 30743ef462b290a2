// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"landed/internal/cli"
)

// terminal is where one run reads, prints and asks. No argument that it is given can command it.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// instead stands where a character would have steered the terminal.
const instead = '?'

// plain keeps text from the server from steering the terminal.
func plain(s string) string { return cli.Plain(s, instead) }

// say prints a line.
func (t *terminal) say(format string, args ...any) {
	fmt.Fprintln(t.out, cli.Sprintf(instead, format, args...))
}

// lines prints lines, each behind the same words.
func (t *terminal) lines(before string, all ...string) {
	for _, line := range all {
		t.say("%s%s", before, line)
	}
}

// para prints text that came from elsewhere, after a head: it cannot steer the terminal, and is set in lines. Later
// lines begin below the text, a little further in.
func (t *terminal) para(head, text string) {
	head = plain(head)
	for i, line := range wrap(plain(text), columns-cells(head)-2) {
		if i == 1 {
			head = strings.Repeat(" ", cells(head)+2)
		}
		t.say("%s%s", head, line)
	}
}

// json prints v for programs.
func (t *terminal) json(v any) error { return cli.PrintJSON(t.out, v) }

// complain tells an error, in which words of a request may stand.
func (t *terminal) complain(err error) {
	for i, line := range strings.Split(err.Error(), "\n") {
		if i == 0 {
			line = "otasign: " + line
		}
		fmt.Fprintln(t.err, plain(line))
	}
}

var errNoPhrase = errors.New("there is no terminal to ask for the passphrase; " +
	"use --passphrase-file or OTASIGN_PASSPHRASE")

// ask asks for a passphrase, which is not shown.
func (t *terminal) ask(prompt string) (string, error) {
	f, ok := t.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", errNoPhrase
	}
	fmt.Fprint(t.err, plain(prompt))
	phrase, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(t.err)
	return string(phrase), err
}

// confirm asks if what was reviewed is to be signed.
func (t *terminal) confirm() error {
	fmt.Fprint(t.err, "\nSign this? Type yes: ")
	line, err := bufio.NewReader(t.in).ReadString('\n')
	if strings.TrimSpace(line) != "yes" {
		return errors.Join(refusal{errors.New("not signed: the answer was not yes")}, ignoreEOF(err))
	}
	return nil
}

func ignoreEOF(err error) error {
	if err == nil || err.Error() == "EOF" {
		return nil
	}
	return err
}
