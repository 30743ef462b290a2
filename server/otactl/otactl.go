// SPDX-License-Identifier: Apache-2.0

// Package otactl is the release engineer's command line.
//
// Parties: a release engineer, or a script of theirs; a Landed server, through
// landed/server/otactl/client. It promises tables for people and, with --json, one JSON value
// for programs on standard output and nothing else there; exit code 0 if all is done, 1 if the
// server refused, with every reason, and 2 if it could not be asked; files that are written
// whole or not at all. It refuses to decide anything that the server decides, and to send a
// token over plain HTTP to another machine unless that is asked for.
package otactl

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"landed/internal/cli"
)

// Main runs one command and returns its exit code: 0 done, 1 refused, 2 could not.
func Main(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &printer{out: stdout, err: stderr}
	root := command(&connection{env: env}, out)
	cli.Prepare(root, args)
	cli.Twins(root, env)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return out.finish(root.ExecuteContext(ctx))
}

// command is the root of all commands. Each group of them asks the server, and tells what it answered.
func command(server *connection, out *printer) *cobra.Command {
	root := &cobra.Command{
		Use:   "otactl",
		Short: "Upload, release, have signed, roll out, halt",
		Long: "otactl is how release engineers work with a Landed server: they upload packages, bind\n" +
			"them to a release, have it signed offline, roll it out in stages, and halt it.\n\n" +
			"The server is named by --url or OTACTL_URL, and the token comes from --token-file or\n" +
			"OTACTL_TOKEN. With --json every command prints one JSON value for programs.\n\n" +
			"Exit codes: 0 done, 1 refused by the server, 2 could not ask or used wrongly,\n" +
			"3 not done: it waits for a second person.",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	server.add(root)
	out.add(root)
	second := &proposals{server, out}
	pkgs, sign, outsiders := &packages{server, out}, &signing{server, out}, &outside{server, out}
	root.AddCommand((&models{server, out}).command(), (&channels{server, out}).command(), (&knownIssues{server, out}).command(),
		pkgs.uploadCommand(), pkgs.listCommand(), pkgs.command(), (&releases{server, out}).command(),
		sign.requestCommand(), sign.responseCommand(),
		(&changes{server, out}).command(), (&trust{server, out}).command(), outsiders.evidenceCommand(), outsiders.witnessCommand(),
		(&rollouts{server, out}).command(),
		(&fleets{server, out}).command(), (&reports{server, out}).command(), (&trail{server, out}).command(), (&clocks{server, out}).command(),
		(&restores{server, out}).command(), (&chains{server, out}).command(), (&figures{server, out}).command(),
		(&adapters{out}).command(),
		second.list(), second.approve(), second.withdraw(), (&tokens{server, out}).command())
	return root
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		var names []string
		for _, sub := range c.Commands() {
			names = append(names, sub.Name())
		}
		return fmt.Errorf("%q needs one of: %s", c.CommandPath(), strings.Join(names, ", "))
	}}
	c.AddCommand(commands...)
	return c
}
