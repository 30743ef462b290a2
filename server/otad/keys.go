// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"landed/server/datadir"
)

func keysCommand(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "keys", Short: "Show and replace the keys with which the server signs"}
	list := &cobra.Command{Use: "list", Short: "List the online keys: which sign, which wait, which were replaced",
		Args: cobra.NoArgs}
	listData := dataFlag(list)
	list.RunE = func(c *cobra.Command, _ []string) error {
		all, err := datadir.ListKeys(c.Context(), *listData, clock)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "KEY\tROLE\tSTATE\tFILE")
		for _, k := range all {
			fmt.Fprintf(w, "%.8s\t%s\t%s\t%s\n", k.ID, k.Role, k.State, k.File)
		}
		return w.Flush()
	}
	renew := &cobra.Command{Use: "renew", Short: "Make new online keys beside those in use", Args: cobra.NoArgs,
		Long: "Makes new keys for snapshot, timestamp and offers, and writes their public halves to\n" +
			"online-next.json. A server that runs signs on with the old keys; it takes the new ones, by itself,\n" +
			"in the publication that brings the root in which people name them. The old keys are kept:\n" +
			"remove their files when otad keys list calls them replaced."}
	renewData := dataFlag(renew)
	renew.RunE = func(c *cobra.Command, _ []string) error {
		r, err := datadir.RenewKeys(c.Context(), *renewData, clock)
		if err != nil {
			return err
		}
		if r.Made {
			fmt.Fprintf(stdout, "New keys are in %s.\n", r.Folder)
		} else {
			fmt.Fprintf(stdout, "The keys in %s wait already for a root that names them; no others were made.\n", r.Folder)
		}
		fmt.Fprintf(stdout, `
Next:
  1. Give %s to the people who hold the offline keys:
     otasign rotate --role snapshot,timestamp,offers --online %[1]s
  2. Import what they signed: otactl trust import FILE
     The server signs with the new keys from then on.
  3. Remove the old keys: otad keys list tells which.
`, r.Public)
		return nil
	}
	c.AddCommand(list, renew, recordsKeyCommand(stdout))
	return c
}

func recordsKeyCommand(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "records", Short: "Make another key for records and the audit trail", Args: cobra.NoArgs,
		Long: "Makes another keys/records.key, by which otad fsck tells what the server wrote from what another hand\n" +
			"added to the database, when the one that is in use is lost, became known, or is not the one of a database\n" +
			"that was restored. No server may run on the folder. Run otad fsck before: what was written until now is\n" +
			"covered by the heads of the trees alone from then on. Other servers of the same database need the new file."}
	data := dataFlag(c)
	reason := c.Flags().String("reason", "", "why; it is kept in the audit trail")
	c.RunE = func(c *cobra.Command, _ []string) error {
		aside, err := datadir.Dir(*data).RenewRecordsKey(c.Context(), "otad", *reason, clock)
		if aside != "" {
			fmt.Fprintf(stdout, "The key that was in use is kept as %s.\n", aside)
		}
		if err == nil {
			fmt.Fprintln(stdout, "Records and the audit trail are written with another key from now on.")
		}
		return err
	}
	return c
}
