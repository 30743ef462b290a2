// SPDX-License-Identifier: Apache-2.0

// Package otad is the command otad: init, serve, fsck, token, keys.
//
// Parties: whoever runs the server; package server does the work. It promises that every flag
// has a twin in the environment (--data is OTAD_DATA), that long flags may be written with one
// dash, that serve ends cleanly on a signal with every request answered, and that a secret is
// printed once, to standard output alone. It refuses to start with a configuration that has
// faults, and names them all.
package otad

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Main runs one command and returns its exit code: 0, or 1 after a fault, in words on stderr.
// args are without the name of the program; serve ends when ctx does.
func Main(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := command(stdout, stderr)
	root.SetArgs(oneDash(root, args))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := twins(root, env)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	if err != nil {
		fmt.Fprintln(stderr, "otad:", err)
		return 1
	}
	return 0
}

func command(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{Use: "otad", Short: "Ship signed updates to a fleet, and prove that the fix took effect", SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(initCommand(stdout), serveCommand(stdout, stderr), fsckCommand(stdout, stderr), tokenCommand(stdout), keysCommand(stdout))
	return root
}

// oneDash writes -data as --data, for every long flag that is known.
func oneDash(root *cobra.Command, args []string) []string {
	long := map[string]bool{"help": true}
	for _, c := range root.Commands() {
		for _, each := range append(c.Commands(), c) {
			each.Flags().VisitAll(func(f *pflag.Flag) { long[f.Name] = true })
		}
	}
	out := make([]string, 0, len(args))
	for _, a := range args {
		name, _, _ := strings.Cut(strings.TrimPrefix(a, "-"), "=")
		if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && long[name] {
			a = "-" + a
		}
		out = append(out, a)
	}
	return out
}

// twins sets flags from the environment: --s3-bucket from OTAD_S3_BUCKET. A flag that is given wins.
func twins(root *cobra.Command, env func(string) string) error {
	var err error
	for _, c := range root.Commands() {
		for _, each := range append(c.Commands(), c) {
			each.Flags().VisitAll(func(f *pflag.Flag) {
				name := "OTAD_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
				v := env(name)
				if v == "" || err != nil {
					return
				}
				if err = f.Value.Set(v); err != nil {
					err = fmt.Errorf("%s=%q: %w", name, v, err)
				}
			})
		}
	}
	return err
}

// dataFlag adds --data.
func dataFlag(c *cobra.Command) *string {
	return c.Flags().String("data", "landed-data", "data `folder`")
}

func clock() time.Time { return time.Now() }
