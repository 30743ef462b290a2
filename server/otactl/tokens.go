// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

// tokens are the commands about who may enter.
type tokens struct {
	server *connection
	out    *printer
}

func (g *tokens) command() *cobra.Command {
	return group("token", "Say who may enter (admins)", g.add(), g.list(), g.remove())
}

func (g *tokens) add() *cobra.Command {
	var role, out string
	c := &cobra.Command{
		Use:   "add NAME --role support|engineer|admin",
		Short: "Make a token; it is shown once",
		Args:  cobra.ExactArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return g.runAdd(cmd.Context(), args[0], role, out) },
	}
	c.Flags().StringVar(&role, "role", "engineer", "support reads, engineer works, "+
		"admin also makes tokens and imports trust")
	c.Flags().StringVarP(&out, "output", "o", "", "write the token to this `file`, for its owner alone to read, "+
		"instead of printing it")
	return c
}

func (g *tokens) runAdd(ctx context.Context, name, role, out string) error {
	server, err := g.server.client()
	if err != nil {
		return err
	}
	t, err := server.Tokens().Add(ctx, name, role)
	if err != nil {
		return err
	}
	if out != "" {
		if err := writeNew(out, []byte(t.Secret+"\n"), 0o600); err != nil {
			// Nobody will ever know the secret: take the token back.
			return errors.Join(err, server.Tokens().Remove(context.WithoutCancel(ctx), t.Name))
		}
		t.Secret = ""
	}
	return g.out.answer(t, func() {
		if out != "" {
			g.out.say("Token of %s, %s, is in %s", t.Name, t.Role, out)
			return
		}
		g.out.beside("Token of %s, %s. It is kept nowhere and cannot be shown again:", t.Name, t.Role)
		g.out.say("%s", t.Secret)
	})
}

func (g *tokens) list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List tokens", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Tokens().List(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"tokens": all}, func() {
				list := table{none: "There are no tokens.", head: []string{"NAME", "ROLE", "SINCE (UTC)"}}
				for _, t := range all {
					list.add(t.Name, t.Role, when(t.At))
				}
				g.out.table(list)
			})
		},
	}
}

func (g *tokens) remove() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Withdraw a token at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			if err := server.Tokens().Remove(cmd.Context(), args[0]); err != nil {
				return err
			}
			return g.out.answer(map[string]any{"removed": args[0]}, func() { g.out.say("Token of %s is withdrawn.", args[0]) })
		},
	}
}
