// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

// clocks are the commands about the clock of the server.
type clocks struct {
	server *connection
	out    *printer
}

func (g *clocks) command() *cobra.Command {
	return group("clock", "See if the server's clock is believed, or say that it is right", g.show(), g.accept())
}

func (g *clocks) show() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Tell what the clock shows, and what the server goes by", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			s, err := server.Clock().State(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(s, func() { g.say(s) })
		},
	}
}

func (g *clocks) accept() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "accept --reason WHY", Short: "Have a clock that jumped believed as it stands now", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			s, err := server.Clock().Accept(cmd.Context(), reason)
			if err != nil {
				return err
			}
			return g.out.answer(s, func() { g.say(s) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why it is right, such as what it was compared with; kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

func (g *clocks) say(s client.ClockState) {
	g.out.say("The clock shows %s UTC.", when(s.Shows))
	switch {
	case !s.Distrusted:
		g.out.say("It is believed.")
	case s.Left != "":
		g.out.say("It jumped by %s and is not believed: the server goes by %s UTC. It is believed by itself if it agrees with "+
			"what passes for another %s.", s.By, when(s.Now), s.Left)
	default:
		g.out.say("It jumped by %s and is not believed: the server goes by %s UTC. If it is right, say so: otactl clock accept "+
			"--reason WHY", s.By, when(s.Now))
	}
}
