// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
)

func (a *app) changeCommand() *cobra.Command {
	return group("change", "See what waits for signatures, or give it up", a.changeList(), a.changeShow(), a.changeDrop())
}

func (a *app) changeList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List changes that wait for signatures, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			all, err := server.Changes(cmd.Context())
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"changes": all}, func() {
				var rows [][]string
				for _, c := range all {
					for _, r := range c.Roles {
						rows = append(rows, []string{c.ID, c.Release, when(c.At), roleWords(r)})
					}
				}
				a.table("Nothing waits for signatures.", []string{"CHANGE", "RELEASE", "AT (UTC)", "SIGNATURES"}, rows)
			})
		},
	}
}

func (a *app) changeShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Tell how far the signing of a change is", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			c, err := server.Change(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.answer(c, func() { a.sayChange("", c) })
		},
	}
}

func (a *app) changeDrop() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "drop ID --reason WHY", Short: "Give an open change up; its release can be staged again",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			if err := server.DropChange(cmd.Context(), args[0], reason); err != nil {
				return err
			}
			return a.answer(map[string]any{"dropped": args[0]}, func() {
				a.say("Change %s is dropped. Signatures for it are void.", clean(args[0]))
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

func (a *app) trustCommand() *cobra.Command {
	return group("trust", "Hand in signed roots and models, and see when they expire", a.trustImport(), a.trustStatus())
}

func (a *app) trustImport() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Hand in the trust.json that otasign wrote (admins)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readFile(args[0], 32<<20)
			if err != nil {
				return err
			}
			bundle, err := tufrepo.ParseBundle(text)
			if err != nil {
				return err
			}
			server, err := a.server()
			if err != nil {
				return err
			}
			changed, err := server.ImportTrust(cmd.Context(), bundle)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"changed": changed}, func() {
				for _, line := range changed {
					a.say("%s", clean(line))
				}
			})
		},
	}
}

func (a *app) trustStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Tell when each role expires, and who signs it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			status, err := server.TrustStatus(cmd.Context())
			if err != nil {
				return err
			}
			return a.answer(status, func() {
				people := map[string][]string{}
				for _, r := range status.Roles {
					people[r.Role] = []string{fmt.Sprintf("%d of %d", r.Need, len(r.Holders)), strings.Join(r.SignedBy, ", "),
						strings.Join(r.Holders, ", ")}
				}
				var rows [][]string
				for _, role := range slices.Sorted(maps.Keys(status.Expires)) {
					row := []string{role, when(status.Expires[role]), "1", "the server", ""}
					copy(row[2:], people[role])
					rows = append(rows, row)
				}
				a.table("No root of trust is imported yet; see: otactl trust import", []string{"ROLE", "EXPIRES (UTC)", "SIGNATURES", "SIGNED BY",
					"HOLDERS"}, rows)
			})
		},
	}
}
