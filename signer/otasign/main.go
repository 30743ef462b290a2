// SPDX-License-Identifier: Apache-2.0

// Package otasign is the command line of the offline signer.
//
// Parties. A person at a machine without a network; files carried there and back. Everything
// that is decided is decided in landed/signer/ceremony; this package reads files, asks,
// prints, and writes.
//
// Promises. Exit code 0: done, nothing refused; 1: refused, with every reason; 2: could not
// read, or used wrongly. A file is written whole or not at all, and key files and responses
// are never overwritten. Before a signature leaves the program, the record of it is on disk.
//
// Refusals. A review that refuses cannot be signed, not even with --yes.
package otasign

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"landed/internal/cli"
)

// app is one run.
type app struct {
	in     io.Reader
	out    io.Writer
	err    io.Writer
	phrase phrases
}

// refusal is an error that means "no", as opposed to "could not".
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// Main runs one command and returns its exit code: 0 done, 1 refused, 2 could not.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{in: stdin, out: stdout, err: stderr}
	root := a.command()
	cli.Prepare(root, args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		return 0
	}
	for i, line := range strings.Split(err.Error(), "\n") {
		if i == 0 {
			line = "otasign: " + line
		}
		fmt.Fprintln(stderr, plain(line)) // words of a request may stand in it
	}
	if errors.As(err, new(refusal)) {
		return 1
	}
	return 2
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "otasign",
		Short: "Sign updates, offline",
		Long: "otasign makes and keeps the keys with which people sign updates, shows in words what\n" +
			"they are asked to sign, and signs it. It needs no network and cannot use one.\n\n" +
			"A release: the server makes a request, two people review and sign it, the server publishes.\n" +
			"A change of keys or models: one person begins it, others sign the request, and the new trust\n" +
			"file goes to the server and to everyone who signs.\n\n" +
			"Passphrases come from the terminal, from --passphrase-file, or, for automation, from\n" +
			"the variable OTASIGN_PASSPHRASE.\n\n" +
			"Exit codes: 0 done, 1 refused, 2 could not read or used wrongly.",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.PersistentFlags().StringVar(&a.phrase.file, "passphrase-file", "",
		"read the passphrase from the first line of this `file`")
	for _, g := range []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{"sign", "Sign what you are sent:", []*cobra.Command{a.reviewCommand(), a.signCommand()}},
		{"look", "Look, and sign nothing:", []*cobra.Command{a.verifyCommand(), a.inspectCommand(), a.judgeCommand()}},
		{"change", "Change keys and models:", []*cobra.Command{a.initCommand(), a.addModelCommand(), a.retireModelCommand(),
			a.rotateCommand(),
			a.keyCommand(), a.refreshCommand(), a.assembleCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	return root
}

func (a *app) say(format string, args ...any) { fmt.Fprintf(a.out, format+"\n", args...) }

// readFile reads one of the files that people carry, at most 64 MiB.
func readFile(path string) ([]byte, error) {
	const limit = 64 << 20
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && len(text) > limit {
		err = fmt.Errorf("%s is larger than 64 MiB", path)
	}
	return text, err
}

// load reads and parses a file, and names it in errors.
func load[T any](path string, parse func([]byte) (T, error)) (T, error) {
	text, err := readFile(path)
	if err != nil {
		var none T
		return none, err
	}
	v, err := parse(text)
	if err != nil {
		return v, parseError(path, text, err)
	}
	return v, nil
}
