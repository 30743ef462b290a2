// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"landed/manifests"
	"landed/server/otactl/client"
)

// maxModelFile bounds a file of models: thousands of them.
const maxModelFile = 1 << 20

// models are the commands about the devices that are served.
type models struct {
	server *connection
	out    *printer
}

func (g *models) command() *cobra.Command {
	return group("model", "Say which models are served", g.add(), g.list(), g.show(), g.retire())
}

func (g *models) add() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "add FILE",
		Short: "Add the models of a file, or add to those that are there",
		Long: "Adds every model of a YAML file, all or none:\n\n" +
			"  schema: 1\n  models:\n" +
			"    - {device: nuwa, product: Xiaomi 13 Pro, variants: [nuwa, nuwa_global], profile: {family: ab}}\n\n" +
			"With schema: 2, protocols lists those by which phones poll that have the updater of somebody else:\n" +
			"lineageos-v1, lineageos-v2, custota, grapheneos, aosp-sample.\n\n" +
			"A model that is there is changed; once something was published for it, numbers, variants\n" +
			"and rom_names can only be added. A retired model that is added again is served again.\n" +
			"Signers see the profile in each request, and hold it against their own file of models.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readFile(args[0], maxModelFile)
			if err != nil {
				return err
			}
			if _, err := manifests.ParseCatalogue(text); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Models().Add(cmd.Context(), text, reason)
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"models": all}, func() {
				for _, m := range all {
					g.out.say("%s: %s", m.Device, m.Became)
				}
				g.out.say("Before a release of a new model can be signed: otasign add-model, then otactl trust import.")
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	return c
}

func (g *models) list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the models, retired ones too", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			all, err := server.Models().List(cmd.Context())
			if err != nil {
				return err
			}
			return g.out.answer(map[string]any{"models": all}, func() {
				list := table{none: "No models are known.",
					head: []string{"DEVICE", "PRODUCT", "FAMILY", "IMAGES", "STATE", "BY", "AT (UTC)"}}
				for _, m := range all {
					list.add(m.Device, m.Product, m.Profile.Family, strings.Join(m.Variants, " "), served(m), m.By, when(m.At))
				}
				g.out.table(list)
			})
		},
	}
}

func served(m client.Model) string {
	if m.Retired != nil {
		return "retired"
	}
	return "served"
}

func (g *models) show() *cobra.Command {
	return &cobra.Command{
		Use: "show MODEL", Short: "Show a model as a file that can be changed and added", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			m, err := server.Models().Get(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			text, err := yaml.Marshal(struct {
				Schema int               `yaml:"schema"`
				Models []manifests.Model `yaml:"models"`
			}{manifests.SchemaOf(m.Model), []manifests.Model{m.Model}})
			if err != nil {
				return err
			}
			return g.out.answer(m, func() {
				g.out.say("# %s, added by %s on %s UTC", served(m), m.By, when(m.At))
				g.out.text(string(text))
			})
		},
	}
}

func (g *models) retire() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "retire MODEL --reason WHY", Short: "Take no packages and releases for a model any more",
		Long: "Takes no packages and no releases for a model any more. Its pages stay, its handsets are\nstill heard, and " +
			"what is offered to it goes on being offered; halt its rollouts if that is\nto end. otactl model add brings it back.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := g.server.client()
			if err != nil {
				return err
			}
			if err := server.Models().Retire(cmd.Context(), args[0], reason); err != nil {
				return err
			}
			return g.out.answer(map[string]any{"retired": args[0]}, func() { g.out.say("The model %s is retired.", args[0]) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}
