// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) tokenCommand() *cobra.Command {
	return group("token", "Say who may enter (admins)", a.tokenAdd(), a.tokenList(), a.tokenRemove())
}

func (a *app) tokenAdd() *cobra.Command {
	var role, out string
	c := &cobra.Command{
		Use:   "add NAME --role support|engineer|admin",
		Short: "Make a token; it is shown once",
		Args:  cobra.ExactArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return a.addToken(cmd.Context(), args[0], role, out) },
	}
	c.Flags().StringVar(&role, "role", "engineer", "support reads, engineer works, "+
		"admin also makes tokens and imports trust")
	c.Flags().StringVarP(&out, "output", "o", "", "write the token to this `file`, for its owner alone to read, "+
		"instead of printing it")
	return c
}

func (a *app) addToken(ctx context.Context, name, role, out string) error {
	server, err := a.server()
	if err != nil {
		return err
	}
	t, err := server.AddToken(ctx, name, role)
	if err != nil {
		return err
	}
	if out != "" {
		if err := writeNew(out, []byte(t.Secret+"\n"), 0o600); err != nil {
			// Nobody will ever know the secret: take the token back.
			return errors.Join(err, server.RemoveToken(context.WithoutCancel(ctx), t.Name))
		}
		t.Secret = ""
	}
	return a.answer(t, func() {
		if out != "" {
			a.say("Token of %s, %s, is in %s", clean(t.Name), clean(t.Role), out)
			return
		}
		fmt.Fprintf(a.err, "Token of %s, %s. It is kept nowhere and cannot be shown again:\n", clean(t.Name), clean(t.Role))
		a.say("%s", clean(t.Secret))
	})
}

func (a *app) tokenList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List tokens", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			all, err := server.Tokens(cmd.Context())
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"tokens": all}, func() {
				var rows [][]string
				for _, t := range all {
					rows = append(rows, []string{t.Name, t.Role, when(t.At)})
				}
				a.table("There are no tokens.", []string{"NAME", "ROLE", "SINCE (UTC)"}, rows)
			})
		},
	}
}

func (a *app) tokenRemove() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Withdraw a token at once", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			if err := server.RemoveToken(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.answer(map[string]any{"removed": args[0]}, func() { a.say("Token of %s is withdrawn.", clean(args[0])) })
		},
	}
}
