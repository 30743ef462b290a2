// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"landed/server/datadir"
)

// replacing is who gives reports up, and why.
type replacing struct{ by, reason string }

func (r *replacing) flags(c *cobra.Command) {
	c.Flags().StringVar(&r.reason, "reason", "", "what became of the reports, in `words`; kept in the audit trail")
	c.Flags().StringVar(&r.by, "by", "", "`name` for the audit trail (default: the user of this machine)")
}

func reportsCommand(stdout io.Writer) *cobra.Command {
	c := &cobra.Command{Use: "reports", Short: "Go on after the file of the reports was lost"}
	begin := &cobra.Command{Use: "begin", Short: "Make an empty file of reports in the place of one that is lost or damaged",
		Long: "Makes an empty file of reports, because the one that was there is missing or damaged, and puts on the audit trail and\n" +
			"into the tree of the reports what is not there any more: otad fsck says so from then on. What lies there is moved\n" +
			"aside. If there is a backup, otad restore --reports brings its reports back instead. No server may run on the folder.",
		Args: cobra.NoArgs}
	data := dataFlag(begin)
	var why replacing
	why.flags(begin)
	begin.RunE = func(c *cobra.Command, _ []string) error {
		done, err := datadir.Dir(*data).BeginReports(c.Context(), whoAmI(why.by), why.reason, clock)
		if err == nil {
			tellReplaced(stdout, *data, done)
		}
		return err
	}
	c.AddCommand(begin)
	return c
}

func tellReplaced(stdout io.Writer, data string, done datadir.Replaced) {
	from := "an empty file"
	if !done.At.IsZero() {
		from = "the backup of " + done.At.Format(time.RFC3339)
	}
	fmt.Fprintf(stdout, "The reports of %s are those of %s: %d. %d that were sealed are lost, and the audit trail says so.\n", data, from,
		done.Kept, done.Lost)
	fmt.Fprintln(stdout, "Whoever is not heard of in them is new: who counts begins anew for these, and so do the figures.")
	if done.Aside != "" {
		fmt.Fprintf(stdout, "The file that was here is kept as %s.\n", done.Aside)
	}
	next := steps(stdout)
	next("Start the server: otad serve --data %s", data)
	next("Ask handsets for what they said last: otactl fleet ask --again --reason WHY")
	next("Look who counts (otactl fleet show), and admit again whom you know: otactl fleet admit")
	next("See what rollouts wait for: otactl rollout status. One that waits for a leak that is lost is resumed by two people.")
}
