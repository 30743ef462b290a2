// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

// fleets are the commands about who counts.
type fleets struct {
	server *connection
	out    *printer
}

func (g *fleets) command() *cobra.Command {
	return group("fleet", "Say who counts, vouch for it, and ask handsets again", g.show(), g.admit(), g.ask())
}

func (g *fleets) show() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show the counted fleet of each model and channel", Args: cobra.NoArgs,
		Long: "Shows how many installations of each model and channel are of its counted fleet, by which gates and\n" +
			"headline go, how many may be admitted to it, and how many are quarantined.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Fleet().Show(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"fleets": all}, func() { g.print(all) })
		},
	}
}

func (g *fleets) print(all []client.Muster) {
	list := table{none: "No installation has reported.",
		head: []string{"MODEL", "CHANNEL", "COUNTED", "SILENT 28 DAYS", "CANDIDATES", "OTHERS", "QUARANTINED"}}
	var bare []client.Muster
	for _, m := range all {
		others := m.Installations - m.Counted - m.Quiet - m.Candidates
		list.add(m.Model, m.Channel, fmt.Sprint(m.Counted), fmt.Sprint(m.Quiet), fmt.Sprint(m.Candidates), fmt.Sprint(others),
			fmt.Sprint(m.Quarantined))
		if m.Counted == 0 {
			bare = append(bare, m)
		}
	}
	g.out.table(list)
	for _, m := range all {
		if m.Quarantined > 0 {
			g.out.say("%d installations of %s on %s are left out of every figure (otactl reports quarantine lists why). %d of %d are "+
				"proven; with them it would be %d of %d.", m.Quarantined, m.Model, m.Channel, m.Proven, m.Judged, m.ProvenWith, m.JudgedWith)
		}
	}
	for _, m := range bare {
		g.out.say("Nobody vouched for %s on %s: no gate of it opens by what its handsets say. \"otactl fleet admit --model %s "+
			"--channel %s --up-to N\" does.", m.Model, m.Channel, m.Model, m.Channel)
	}
}

func (g *fleets) admit() *cobra.Command {
	var model, channel, reason string
	var upTo int64
	c := &cobra.Command{
		Use: "admit --model M --up-to N --reason WHY", Short: "Vouch for the size of a fleet", Args: cobra.NoArgs,
		Long: "Admits candidates, drawn at random, until the counted fleet of the model on the channel is N. That is how\n" +
			"you vouch for a size that you know from elsewhere: without it no more than one percent of the\n" +
			"counted fleet is admitted. A candidate was first heard of at least 14 days ago, over at least 7 days,\n" +
			"and within the last 28.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			done, err := server.Fleet().Admit(cmd.Context(), model, channel, upTo, reason)
			if err != nil {
				return err
			}
			return g.out.answer(done, func() { g.out.say("%s.%s", capital(done.Words), going(done.Applied)) })
		},
	}
	c.Flags().StringVar(&model, "model", "", "the device, such as armani")
	c.Flags().StringVar(&channel, "channel", "stable", "the channel")
	c.Flags().Int64Var(&upTo, "up-to", 0, "how large the counted fleet may be")
	c.Flags().StringVar(&reason, "reason", "", "how you know; it is kept in the audit trail")
	for _, name := range []string{"model", "up-to", "reason"} {
		cobra.CheckErr(c.MarkFlagRequired(name))
	}
	return c
}

// capital begins a sentence.
func capital(words string) string {
	first, size := utf8.DecodeRuneInString(words)
	return string(unicode.ToUpper(first)) + words[size:]
}

// going says what is left to the server.
func going(applied bool) string {
	if applied {
		return ""
	}
	return " The server is still applying it to every installation; \"otactl fleet show\" says how far it is."
}
