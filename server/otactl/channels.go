// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

// channels are the commands about the names under which packages and offers stand apart.
type channels struct {
	server *connection
	out    *printer
}

func (g *channels) command() *cobra.Command {
	return group("channel", "Say which channels there are", g.add(), g.list(), g.retire())
}

func (g *channels) add() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a channel", Args: cobra.ExactArgs(1),
		Long: "Adds a channel, or brings a retired one back. Who signs its packages is said by the\n" +
			"certificates in the folder ota-keys/NAME of the server. Handsets are told their channel by\ntheir firmware.",
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			ch, err := server.Channels().Add(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			return g.out.answer(ch, func() {
				g.out.say("Channel %s, added by %s on %s UTC. Its packages are signed by the certificates in ota-keys/%s "+
					"of the server.", ch.Name, ch.By, when(ch.At), ch.Name)
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	return c
}

func (g *channels) list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the channels, retired ones too", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Channels().List(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"channels": all}, func() {
				list := table{none: "There are no channels.", head: []string{"NAME", "BY", "AT (UTC)", "STATE"}}
				for _, c := range all {
					list.add(c.Name, c.By, when(c.At), inUse(c))
				}
				g.out.table(list)
			})
		},
	}
}

func inUse(c client.Channel) string {
	if c.Retired != nil {
		return "retired"
	}
	return "in use"
}

func (g *channels) retire() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "retire NAME --reason WHY", Short: "Take no packages, releases and rollouts for a channel any more",
		Long: "Takes no packages, releases and rollouts for a channel any more. It refuses a channel on\nwhich a rollout is " +
			"running or held: halt it first. Its handsets are still heard, and what went\nto all of them goes on being offered. " +
			"otactl channel add brings it back.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			if err := server.Channels().Retire(cmd.Context(), args[0], reason); err != nil {
				return err
			}
			return g.out.answer(map[string]any{"retired": args[0]}, func() { g.out.say("The channel %s is retired.", args[0]) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}
