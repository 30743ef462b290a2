// SPDX-License-Identifier: Apache-2.0

// Package otad is the command otad: init, serve, ready, fsck, rejudge, backup, restore, reports,
// copy, token, keys.
//
// Parties: whoever runs the server; package server does the work. It promises that every flag
// has a twin in the environment (--data is OTAD_DATA), that long flags may be written with one
// hyphen, that serve ends cleanly on a signal with every request answered, and that a secret is
// printed once, to standard output alone. It refuses to start with a configuration that has
// faults, and names them all.
package otad

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"landed/internal/cli"
)

// Main runs one command and returns its exit code: 0, or 1 after a fault, in words on stderr.
// args are without the name of the program; serve ends when ctx does.
func Main(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	stdout, stderr = cli.Harmless(stdout), cli.Harmless(stderr)
	root := command(env, stdout, stderr)
	cli.Prepare(root, args)
	cli.Twins(root, env)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(stderr, "otad:", err)
		return 1
	}
	return 0
}

func command(env func(string) string, stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use: "otad", Short: "Ship signed updates to a fleet, and prove that the fix took effect",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(initCommand(stdout), serveCommand(env, stdout, stderr), readyCommand(stdout),
		fsckCommand(stdout, stderr), rejudgeCommand(stdout, stderr), backupCommand(stdout, stderr), restoreCommand(stdout),
		restoredCommand(stdout), reportsCommand(stdout), copyCommand(stdout, stderr), tokenCommand(stdout), keysCommand(stdout))
	return root
}

// dataFlag adds --data.
func dataFlag(c *cobra.Command) *string {
	return c.Flags().String("data", "landed-data", "data `folder`")
}

func clock() time.Time { return time.Now() }
