// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"github.com/spf13/cobra"
)

// channels are the commands about the names under which packages and offers stand apart.
type channels struct {
	server *connection
	out    *printer
}

func (g *channels) command() *cobra.Command {
	return group("channel", "Say which channels there are", g.add(), g.list())
}

func (g *channels) add() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a channel", Args: cobra.ExactArgs(1),
		Long: "Adds a channel. Who signs its packages is said by the certificates in the folder\nota-keys/NAME of the " +
			"server. Handsets are told their channel by their firmware.",
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
				g.out.say("Channel %s, added by %s on %s UTC. Its packages are signed by the certificates in ota-keys/%s of the server.",
					ch.Name, ch.By, when(ch.At), ch.Name)
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	return c
}

func (g *channels) list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the channels", Args: cobra.NoArgs,
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
				list := table{none: "There are no channels.", head: []string{"NAME", "BY", "AT (UTC)"}}
				for _, c := range all {
					list.add(c.Name, c.By, when(c.At))
				}
				g.out.table(list)
			})
		},
	}
}
