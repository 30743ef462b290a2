// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

func (g *fleets) ask() *cobra.Command {
	var model, channel, reason string
	var again bool
	c := &cobra.Command{
		Use: "ask [--model M] [--channel C] --reason WHY", Short: "Have handsets say once more what they said last",
		Args: cobra.NoArgs,
		Long: "Asks handsets, through the signed offers, to send once more what they reported last: after a restore, after\n" +
			"reports were refused, and after a quarantine or the end of one. Each answers once, within a day of its next\n" +
			"look at the feed, so that answers do not come together. A handset answers at most once a day, and so\n" +
			"does a second ask within a day change nothing, unless --again is given: for what was lost since.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Fleet().Ask(cmd.Context(), model, channel, reason, again)
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"asked": all}, func() { g.asked(all) })
		},
	}
	c.Flags().StringVar(&model, "model", "", "the device, such as armani; all models without it")
	c.Flags().StringVar(&channel, "channel", "", "the channel; all channels without it")
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	c.Flags().BoolVar(&again, "again", false, "also those that were asked less than a day ago")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

func (g *fleets) asked(all []client.Asked) {
	for _, a := range all {
		where := fmt.Sprintf("%s on %s", cmp.Or(a.Model, "Any model"), cmp.Or(a.Channel, "any channel"))
		if a.Epoch > 0 {
			where += fmt.Sprintf(", epoch %d", a.Epoch)
		}
		g.out.say("%s: %s.", where, a.Words)
	}
}
