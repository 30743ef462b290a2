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
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

// app is one run.
type app struct {
	env      func(string) string
	in       io.Reader
	out, err io.Writer

	url, tokenFile string
	json           bool
}

// Main runs one command and returns its exit code: 0 done, 1 refused, 2 could not.
func Main(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{env: env, in: stdin, out: stdout, err: stderr}
	root := a.command()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "otactl:", err)
	if e, ok := errors.AsType[*client.Error](err); ok && e.Status/100 == 4 {
		return 1
	}
	return 2
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:               "otactl",
		Short:             "Release, roll out, halt",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	return root
}
