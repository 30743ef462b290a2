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

func (a *app) modelCommand() *cobra.Command {
	return group("model", "Say which models are served", a.modelAdd(), a.modelList(), a.modelShow(), a.modelRetire())
}

func (a *app) modelAdd() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "add FILE",
		Short: "Add the models of a file, or add to those that are there",
		Long: "Adds every model of a YAML file, all or none:\n\n" +
			"  schema: 1\n  models:\n" +
			"    - {device: nuwa, product: Xiaomi 13 Pro, variants: [nuwa, nuwa_global], profile: {family: ab}}\n\n" +
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
			server, err := a.server()
			if err != nil {
				return err
			}
			all, err := server.AddModels(cmd.Context(), text, reason)
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"models": all}, func() {
				for _, m := range all {
					a.say("%s: %s", clean(m.Device), clean(m.Became))
				}
				a.say("Before a release of a new model can be signed: otasign add-model, then otactl trust import.")
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	return c
}

func (a *app) modelList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the models, retired ones too", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			all, err := server.Models(cmd.Context())
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"models": all}, func() {
				var rows [][]string
				for _, m := range all {
					rows = append(rows, []string{m.Device, m.Product, m.Profile.Family, strings.Join(m.Variants, " "),
						served(m), m.By, when(m.At)})
				}
				a.table("No models are known.", []string{"DEVICE", "PRODUCT", "FAMILY", "IMAGES", "STATE", "BY", "AT (UTC)"}, rows)
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

func (a *app) modelShow() *cobra.Command {
	return &cobra.Command{
		Use: "show MODEL", Short: "Show a model as a file that can be changed and added", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			m, err := server.Model(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			text, err := yaml.Marshal(struct {
				Schema int               `yaml:"schema"`
				Models []manifests.Model `yaml:"models"`
			}{1, []manifests.Model{m.Model}})
			if err != nil {
				return err
			}
			return a.answer(m, func() {
				a.say("# %s, added by %s on %s UTC", served(m), clean(m.By), when(m.At))
				for line := range strings.Lines(string(text)) {
					a.say("%s", clean(strings.TrimSuffix(line, "\n")))
				}
			})
		},
	}
}

func (a *app) modelRetire() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "retire MODEL --reason WHY", Short: "Take no packages and releases for a model any more",
		Long: "Takes no packages and no releases for a model any more. Its pages stay, its handsets are\nstill heard, and " +
			"what is offered to it goes on being offered; halt its rollouts if that is\nto end. otactl model add brings it back.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			if err := server.RetireModel(cmd.Context(), args[0], reason); err != nil {
				return err
			}
			return a.answer(map[string]any{"retired": args[0]}, func() { a.say("The model %s is retired.", clean(args[0])) })
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	cobra.CheckErr(c.MarkFlagRequired("reason"))
	return c
}

func (a *app) channelCommand() *cobra.Command {
	return group("channel", "Say which channels there are", a.channelAdd(), a.channelList())
}

func (a *app) channelAdd() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a channel", Args: cobra.ExactArgs(1),
		Long: "Adds a channel. Who signs its packages is said by the certificates in the folder\nota-keys/NAME of the " +
			"server. Handsets are told their channel by their firmware.",
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			ch, err := server.AddChannel(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			return a.answer(ch, func() {
				a.say("Channel %s, added by %s on %s UTC. Its packages are signed by the certificates in ota-keys/%s of the server.",
					clean(ch.Name), clean(ch.By), when(ch.At), clean(ch.Name))
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why; it is kept in the audit trail")
	return c
}

func (a *app) channelList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the channels", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			server, err := a.server()
			if err != nil {
				return err
			}
			all, err := server.Channels(cmd.Context())
			if err != nil {
				return err
			}
			return a.answer(map[string]any{"channels": all}, func() {
				var rows [][]string
				for _, c := range all {
					rows = append(rows, []string{c.Name, c.By, when(c.At)})
				}
				a.table("There are no channels.", []string{"NAME", "BY", "AT (UTC)"}, rows)
			})
		},
	}
}
