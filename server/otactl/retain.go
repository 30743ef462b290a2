// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

func (g *releases) retain() *cobra.Command {
	var keep, reason string
	var sure bool
	c := &cobra.Command{
		Use: "retain NAME --for DAYSd --reason WHY --yes", Short: "Say for how long the reports about a release are kept",
		Args: cobra.ExactArgs(1),
		Long: "Has the server drop the text of reports about the release that came longer ago, from now on and each month:\n" +
			"--for 180d. What followed from them stays: every verdict and figure, that a report came and when, and its\n" +
			"SHA-256. The first report of each handset stays whole, its newest about each release, and all that speaks\n" +
			"against the release. What was dropped does not come back, hence --yes. --for ever stops it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			days, err := daysOf(keep)
			if err != nil {
				return err
			}
			server, err := g.server.client()
			if err != nil {
				return err
			}
			made, err := server.Releases().Retain(cmd.Context(), args[0], days, reason, sure)
			if err != nil {
				return err
			}
			return g.out.answer(made, func() {
				if made.Days == 0 {
					g.out.say(
						"Reports about %s are kept for ever from now on; what was dropped before does not come back.",
						made.Release,
					)
					return
				}
				g.out.say(
					"Reports about %s are kept for %d days. The server cuts what is older, says so on the audit trail, and drops it an "+
						"hour later; \"otactl release retentions\" says how far it is.",
					made.Release,
					made.Days,
				)
			})
		},
	}
	c.Long = strings.TrimSuffix(c.Long, "")
	c.Flags().StringVar(&keep, "for", "", "such as 180d, at least 90d; or ever")
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	c.Flags().BoolVar(&sure, "yes", false, "I know that what is dropped does not come back")
	for _, name := range []string{"for", "reason"} {
		cobra.CheckErr(c.MarkFlagRequired(name))
	}
	return c
}

// daysOf reads 180d; ever is 0.
func daysOf(text string) (int64, error) {
	if text == "ever" {
		return 0, nil
	}
	number, ok := strings.CutSuffix(text, "d")
	n, err := strconv.ParseInt(number, 10, 32)
	if !ok || err != nil || n <= 0 {
		return 0, fmt.Errorf("--for is %q; wanted a number of days such as 180d, or ever", text)
	}
	return n, nil
}

func (g *releases) retentions() *cobra.Command {
	return &cobra.Command{
		Use: "retentions", Short: "Show for how long reports are kept, and what was dropped", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Releases().Retentions(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(all, func() { g.printRetentions(all) })
		},
	}
}

func (g *releases) printRetentions(all client.Retentions) {
	rules := table{
		none: "Reports are kept for ever, of every release.",
		head: []string{"RELEASE", "KEPT FOR", "BY", "AT (UTC)", "REASON"},
	}
	for _, r := range all.Retentions {
		kept := "ever"
		if r.Days > 0 {
			kept = fmt.Sprintf("%d days", r.Days)
		}
		rules.add(r.Release, kept, r.By, when(r.At), r.Reason)
	}
	g.out.table(rules)
	if len(all.Cuts) == 0 {
		return
	}
	cuts := table{head: []string{"CUT", "RELEASE", "REPORTS BEFORE (UTC)", "INSTALLATIONS", "STATE"}}
	for _, c := range all.Cuts {
		state := "is being made"
		switch {
		case c.Done != nil:
			state = "dropped on " + when(*c.Done)
		case c.Closed != nil:
			state = "is being dropped"
		case c.At != nil:
			state = "on the trail since " + when(*c.At)
		}
		cuts.add(fmt.Sprint(c.Number), c.Release, when(c.Before), fmt.Sprint(c.States), state)
	}
	g.out.table(cuts)
}
