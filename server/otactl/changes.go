// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"landed/server/otactl/client"
)

// changes are the commands about what waits for signatures.
type changes struct {
	server *connection
	out    *printer
}

func (g *changes) command() *cobra.Command {
	return group("change", "See what waits for signatures, or give it up", g.list(), g.show(), g.drop())
}

func (g *changes) list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List changes that wait for signatures, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Changes().List(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"changes": all}, func() {
				list := table{none: "Nothing waits for signatures.", head: []string{"CHANGE", "RELEASE", "AT (UTC)", "SIGNATURES"}}
				for _, c := range all {
					for _, r := range c.Roles {
						list.add(c.ID, c.Release, when(c.At), roleWords(r))
					}
				}
				g.out.table(list)
			})
		},
	}
}

func (g *changes) show() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Tell how far the signing of a change is", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			c, err := server.Changes().Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return g.out.answer(c, func() { g.out.lines("", changeWords(c)...) })
		},
	}
}

func (g *changes) drop() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "drop ID --reason WHY", Short: "Give an open change up; its release can be staged again",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			if err := server.Changes().Drop(cmd.Context(), args[0], reason); err != nil {
				return err
			}
			return g.out.answer(map[string]any{"dropped": args[0]}, func() {
				g.out.say("Change %s is dropped. Signatures for it are void.", args[0])
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

// changeWords tell how far the signing is, a line per role.
func changeWords(c client.Change) (lines []string) {
	for _, r := range c.Roles {
		lines = append(lines, roleWords(r))
	}
	if c.State != client.Open {
		lines = append(lines, c.State)
	}
	return lines
}

// roleWords is "armani: 1 of 2 signatures (ann), missing one of bo, 0a1b2c3d4e5f".
func roleWords(r client.ChangeRole) string {
	if r.Need == 0 {
		return r.Role + ": nobody may sign for it any more, as the model is retired"
	}
	words := fmt.Sprintf("%s: %d of %s", r.Role, r.Have, plural(r.Need, "signature"))
	if len(r.SignedBy) > 0 {
		words += " (" + strings.Join(r.SignedBy, ", ") + ")"
	}
	left := r.Need - r.Have
	if left <= 0 || len(r.Missing) == 0 {
		return words
	}
	missing := r.MissingFrom
	if len(missing) == 0 { // of a server that tells key ids alone
		for _, id := range r.Missing {
			missing = append(missing, short(id))
		}
	}
	switch {
	case left >= len(missing):
		words += ", missing "
	case left == 1:
		words += ", missing one of "
	default:
		words += fmt.Sprintf(", missing %d of ", left)
	}
	return words + strings.Join(missing, ", ")
}
