// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"

	"github.com/spf13/cobra"
)

// trail is the command that reads the audit trail.
type trail struct {
	server *connection
	out    *printer
}

func (t *trail) command() *cobra.Command {
	var subject string
	var limit int
	var before int64
	c := &cobra.Command{
		Use: "audit", Short: "Show who did what, when and why, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := t.server.client()
			if err != nil {
				return err
			}
			entries, next, err := server.Audit().List(cmd.Context(), subject, before, limit)
			if err != nil {
				return err
			}
			answer := map[string]any{"entries": entries}
			if next > 0 {
				answer["before"] = next
			}
			return t.out.answer(answer, func() {
				list := table{none: "Nothing is recorded.", head: []string{"N", "AT (UTC)", "WHO", "WHAT", "ON", "WHY"}}
				for _, e := range entries {
					list.add(fmt.Sprint(e.N), when(e.At), e.Actor, e.Action, e.Subject, e.Reason)
				}
				t.out.table(list)
				if next > 0 && subject == "" {
					t.out.say("Older ones: otactl audit --before %d", next)
				}
			})
		},
	}
	c.Flags().StringVar(&subject, "subject", "", "only what was done to this release, change, rollout, package or token")
	c.Flags().IntVar(&limit, "limit", 50, "at most so many, 1 to 500")
	c.Flags().Int64Var(&before, "before", 0, "only entries older than this number")
	return c
}
