// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
)

func (c *ceremonies) retireModelCommand() *cobra.Command {
	var m makeFlags
	var models, keyFiles []string
	cmd := &cobra.Command{
		Use:   "retire-model --model dior",
		Short: "Give models up: their handsets find no update any more",
		Long: "Signs the next targets, without the models. Their handsets keep what they run and find no update\n" +
			"here any more, halts and resumes included: tell their owners. The server goes on taking and counting\n" +
			"their reports. It refuses the change while a rollout of the model is running or held: halt it first.\n" +
			"A retired model comes back with add-model, with new keys and higher version numbers.",
		Example: "  otactl rollout halt NAME.dior.stable --reason \"the Redmi Note 4G gets no more updates from us\"\n" +
			"  otasign refresh copy-of-feed --dir ceremony\n" +
			"  otasign retire-model --dir ceremony --model dior",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if len(models) == 0 {
				return errors.New("say which model with --model")
			}
			trusted, err := loadTrust(m.folder.trust())
			if err != nil {
				return err
			}
			signed, err := signedBy(m.folder.dir, keyFiles)
			if err != nil {
				return err
			}
			r, err := ceremony.RetireModels(ceremony.RetireModelsParams{Now: time.Now(), Trusted: trusted, Models: models,
				Life: m.life, Above: m.above(signed)})
			if err != nil {
				return err
			}
			if err := c.carryOut(change{flags: m, request: r, signed: signed, named: keyFiles}); err != nil {
				return err
			}
			c.term.say("First halt the rollouts of %s on the server (otactl rollout halt); "+
				"it refuses this change while one is running or held.", strings.Join(models, " and "))
			return nil
		},
	}
	m.addState(cmd, tufrepo.Targets)
	cmd.Flags().StringSliceVar(&models, "model", nil, "`models` to give up")
	unpublishedFlag(cmd, &m.unpublished)
	cmd.Flags().StringSliceVar(&keyFiles, "key", nil, "key `files` to sign with (default: "+
		"those in DIR/keys that are listed)")
	return cmd
}
