// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

// restores are the commands about a database that was restored from a backup.
type restores struct {
	server *connection
	out    *printer
}

func (g *restores) command() *cobra.Command {
	return group("restore", "See if a restored server publishes more than halts, or say what was lost", g.show(), g.name())
}

func (g *restores) show() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Tell what the trail says of the last restore", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			s, err := server.Restore().State(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(s, func() { g.say(s) })
		},
	}
}

func (g *restores) name() *cobra.Command {
	var reason, until string
	c := &cobra.Command{
		Use: "name --until TIME --reason WHY", Args: cobra.NoArgs,
		Short: "Say what a restored database lost, so that more than halts is published",
		Long: "Says on the audit trail what was lost with a database that was restored from a backup: what was stored after the\n" +
			"backup, until TIME, when the old database was last seen to work. Until somebody says so, the server publishes\n" +
			"nothing but halts. Look first what is halted, what waits, and who may enter: changes that came after the backup\n" +
			"are not known any more.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := time.Parse(time.RFC3339, until)
			if err != nil {
				return fmt.Errorf("--until is %q; wanted a time such as 2026-11-26T14:05:00Z", until)
			}
			server, err := g.server.client()
			if err != nil {
				return err
			}
			s, err := server.Restore().Name(cmd.Context(), at, reason)
			if err != nil {
				return err
			}
			return g.out.answer(s, func() { g.say(s) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "what became of the database; kept in the audit trail")
	c.Flags().StringVar(&until, "until", "", "`time` until which something was stored that is lost, as RFC 3339 has it")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	cobra.CheckErr(c.MarkFlagRequired("until"))
	return c
}

func (g *restores) say(s client.RestoreState) {
	switch {
	case s.Words == "":
		g.out.say("The trail knows of no restore.")
	case s.Unnamed:
		g.out.say("The database was %s.", s.Words)
		g.out.say("Nothing but halts is published until somebody says what was lost: otactl restore name --until TIME --reason WHY")
	default:
		g.out.say("%s, %s UTC: %s", s.By, when(*s.At), s.Words)
		g.out.say("It is on record what was lost; the server publishes as ever.")
	}
}
