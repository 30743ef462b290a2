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
	"io"

	"github.com/spf13/cobra"

	"landed/internal/cli"
)

// refusal is an error that means "no", as opposed to "could not".
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// Main runs one command and returns its exit code: 0 done, 1 refused, 2 could not.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	term := &terminal{in: stdin, out: stdout, err: stderr}
	root := command(term)
	cli.Prepare(root, args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	if err == nil {
		return 0
	}
	term.complain(err)
	if errors.As(err, new(refusal)) {
		return 1
	}
	return 2
}

// command is the root of all commands.
func command(term *terminal) *cobra.Command {
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
	ring := &keyring{term: term}
	ring.add(root)
	r, c, s := &reviewer{term, ring}, &ceremonies{term, ring}, &stating{term, ring}
	for _, g := range []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{"sign", "Sign what you are sent:", []*cobra.Command{r.reviewCommand(), r.signCommand(), (&csigs{term}).command()}},
		{"state", "Say what you saw, from outside:", []*cobra.Command{s.observeCommand(), s.vouchCommand(), s.withdrawCommand()}},
		{"look", "Look, and sign nothing:", []*cobra.Command{(&verifier{term}).command(), (&inspector{term}).command(),
			(&judging{term}).command()}},
		{"change", "Change keys and models:", []*cobra.Command{c.initCommand(), c.addModelCommand(), c.retireModelCommand(),
			c.rotateCommand(), ring.command(), c.refreshCommand(), c.assembleCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	return root
}
