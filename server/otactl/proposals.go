// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

// proposals are the commands about what waits for a second person.
type proposals struct {
	server *connection
	out    *printer
}

func (g *proposals) list() *cobra.Command {
	return &cobra.Command{
		Use: "proposals", Short: "List what waits for a second person, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Proposals().List(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"proposals": all}, func() {
				list := table{none: "Nothing waits for a second person.", head: []string{"PROPOSAL", "WHAT", "OF", "BY", "UNTIL (UTC)", "WHY"}}
				for _, p := range all {
					list.add(p.ID, wished(p), p.Subject, p.By, when(p.Expires), p.Reason)
				}
				g.out.table(list)
			})
		},
	}
}

// wished is what is proposed, with what belongs to it.
func wished(p client.Proposal) string {
	if len(p.Arguments) == 0 {
		return p.Action
	}
	return p.Action + " " + string(p.Arguments)
}

func (g *proposals) approve() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "approve ID", Short: "Carry out what another person proposed, as the second person", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			p, err := server.Proposals().Approve(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			return g.out.answer(p, func() { g.out.say("%s of %s, proposed by %s, is done.", p.Action, p.Subject, p.By) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; without it that of the first person stands")
	return c
}

func (g *proposals) withdraw() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "withdraw ID --reason WHY", Short: "Take a proposal back", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			if err := server.Proposals().Withdraw(cmd.Context(), args[0], reason); err != nil {
				return err
			}
			return g.out.answer(map[string]any{"withdrawn": args[0]}, func() { g.out.say("Proposal %s is withdrawn.", args[0]) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

// proposed says what of a rollout waits for a second person.
func proposed(p client.Proposal) string {
	return fmt.Sprintf("%s proposed %s (%s): a second person carries it out with: otactl approve %s", p.By, p.Action, p.Reason, p.ID)
}
