// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

// packages are the commands about uploaded files.
type packages struct {
	server *connection
	out    *printer
}

func (g *packages) listCommand() *cobra.Command {
	return &cobra.Command{
		Use: "packages", Short: "List the packages that are uploaded, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Packages().List(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"packages": all}, func() { g.out.table(packageTable(all)) })
		},
	}
}

func (g *packages) command() *cobra.Command {
	return group("package", "Promote or remove a package; otactl packages lists them", g.promote(), g.remove())
}

func (g *packages) promote() *cobra.Command {
	var to, model, reason string
	c := &cobra.Command{
		Use: "promote SHA256 --to CHANNEL", Short: "Take the bytes of a package to another channel",
		Long: "Makes a package of the same bytes on another channel, without sending or storing them\nagain. They are judged " +
			"anew, under the keys of that channel, and every finding is shown.\nThe first digits of the SHA-256 will do.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Packages().List(cmd.Context())
			if err != nil {
				return err
			}
			sha, err := oneContent(all, args[0])
			if err != nil {
				return err
			}
			p, err := server.Packages().Promote(cmd.Context(), sha, to, model, reason)
			if err != nil {
				return g.refusedPromotion(err)
			}
			return g.out.answer(p, func() { g.sayStored(p) })
		},
	}
	c.Flags().StringVar(&to, "to", "", "`channel` to take it to")
	c.Flags().StringVar(&model, "model", "", "of several models this one alone")
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("to"))
	return c
}

// refusedPromotion shows the findings of a refusal, if it has any.
func (g *packages) refusedPromotion(err error) error {
	p := explain(err)
	if len(p.Findings) == 0 || g.out.json {
		return err
	}
	g.out.say("REFUSED  nothing was stored")
	g.out.lines("", findingWords(p.Findings)...)
	return told(exitCode(err))
}

func (g *packages) remove() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "remove SHA256", Short: "Remove a package that no release names, with its bytes", Args: cobra.ExactArgs(1),
		Long: "Remove a package that no release names, with its bytes. The first digits of its\nSHA-256 will do. " +
			"The same bytes may be uploaded again.",
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Packages().List(cmd.Context())
			if err != nil {
				return err
			}
			found, err := chosen(all, args)
			if err != nil {
				return err
			}
			p := found[0]
			if err := server.Packages().Remove(cmd.Context(), p, reason); err != nil {
				return err
			}
			return g.out.answer(map[string]any{"removed": p.SHA256},
				func() { g.out.say("Package %s (%s) is removed.", short(p.SHA256), p.Name) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	return c
}

func packageTable(all []client.Package) table {
	list := table{none: "No packages are uploaded yet; begin with: otactl upload FILE",
		head: []string{"SHA-256", "IMAGE", "CHANNEL", "BUILD", "KIND", "SIZE", "FINDINGS", "BY", "AT (UTC)", "NAME"}}
	for _, p := range all {
		kind := "full"
		if len(p.PreBuilds) > 0 {
			kind = "incremental"
		}
		list.add(short(p.SHA256), p.Variant, p.Channel, p.Build.Incremental, kind, size(p.Size), fmt.Sprint(len(p.Findings)),
			p.By, when(p.At), p.Name)
	}
	return list
}
