// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) auditCommand() *cobra.Command {
	var subject string
	var limit int
	var before int64
	c := &cobra.Command{
		Use: "audit", Short: "Show who did what, when and why, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			entries, next, err := server.Audit(cmd.Context(), subject, before, limit)
			if err != nil {
				return err
			}
			answer := map[string]any{"entries": entries}
			if next > 0 {
				answer["before"] = next
			}
			return a.answer(answer, func() {
				var rows [][]string
				for _, e := range entries {
					rows = append(rows, []string{fmt.Sprint(e.N), when(e.At), e.Actor, e.Action, e.Subject, e.Reason})
				}
				a.table("Nothing is recorded.", []string{"N", "AT (UTC)", "WHO", "WHAT", "ON", "WHY"}, rows)
				if next > 0 && subject == "" {
					a.say("Older ones: otactl audit --before %d", next)
				}
			})
		},
	}
	c.Flags().StringVar(&subject, "subject", "", "only what was done to this release, change, rollout, package or token")
	c.Flags().IntVar(&limit, "limit", 50, "at most so many, 1 to 500")
	c.Flags().Int64Var(&before, "before", 0, "only entries older than this number")
	return c
}
