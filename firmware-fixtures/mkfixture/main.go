// SPDX-License-Identifier: Apache-2.0

// Package mkfixture is the command mkfixture: it writes stand-in OTA packages: good ones of every model and kind,
// hostile ones that each break one rule, and fresh OTA keys for a demo. For load runs a package can be padded to any
// size in bounded memory.
//
// Parties: whoever needs a package to try something with. It promises that a file appears whole or not at all: it is
// written beside its place and renamed. It refuses to overwrite keys, and to overwrite anything with less than a whole
// package.
package mkfixture

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	fixtures "landed/firmware-fixtures"
	"landed/internal/cli"
)

// Main runs one command and returns its exit code: 0, or 1 after one sentence on stderr.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "mkfixture",
		Short:         "Write stand-in OTA packages, good and hostile",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(listCommand(), writeCommand(), hostileCommand(), toolCommand(), keyCommand())
	cli.Prepare(root, args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(stderr, "mkfixture: %v\n", err)
		return 1
	}
	return 0
}

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List every package that can be written",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "MODEL\tKIND\tFINGERPRINT")
			for _, m := range fixtures.Models() {
				for _, k := range fixtures.Kinds() {
					b, err := fixtures.BuildOf(m, k)
					if err != nil {
						return err
					}
					fmt.Fprintf(w, "%s\t%s\t%s\n", m, k, b.Fingerprint)
				}
			}
			fmt.Fprintln(w, "\nHOSTILE\tMUST FIRE\tBECAUSE")
			for _, c := range fixtures.Hostile() {
				fmt.Fprintf(w, "%s\t%s\t%s\n", c.Name, c.Want[0], c.Why)
			}
			fmt.Fprintln(w, "\nTOOL'S\tMODEL\tPACKED AS BY")
			for _, c := range fixtures.Tools() {
				fmt.Fprintf(w, "%s\t%s\t%s\n", c.Name, c.Model, c.Tool)
			}
			return w.Flush()
		},
	}
}
