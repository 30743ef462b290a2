// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/server/otactl/client"
)

// trust are the commands about the root of trust.
type trust struct {
	server *connection
	out    *printer
}

func (g *trust) command() *cobra.Command {
	return group("trust", "Hand in signed roots and models, and see when they expire", g.importFile(), g.status())
}

func (g *trust) importFile() *cobra.Command {
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
			server, err := g.server.client()
			if err != nil {
				return err
			}
			changed, err := server.Trust().Import(cmd.Context(), bundle)
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"changed": changed}, func() { g.out.lines("", changed...) })
		},
	}
}

func (g *trust) status() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Tell when each role expires, and who signs it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			now, err := server.Trust().Status(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(now, func() { g.out.table(trustTable(now)) })
		},
	}
}

func trustTable(now client.TrustStatus) table {
	people := map[string][]string{}
	for _, r := range now.Roles {
		people[r.Role] = []string{fmt.Sprintf("%d of %d", r.Need, len(r.Holders)), strings.Join(r.SignedBy, ", "),
			strings.Join(r.Holders, ", ")}
	}
	list := table{none: "No root of trust is imported yet; see: otactl trust import",
		head: []string{"ROLE", "EXPIRES (UTC)", "SIGNATURES", "SIGNED BY", "HOLDERS"}}
	for _, role := range slices.Sorted(maps.Keys(now.Expires)) {
		row := []string{role, when(now.Expires[role]), "1", "the server", ""}
		copy(row[2:], people[role])
		list.add(row...)
	}
	return list
}
