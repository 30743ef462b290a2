// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

func (c *ceremonies) addModelCommand() *cobra.Command {
	var m makeFlags
	var models, keyFiles []string
	var like, file string
	var unlisted bool
	var q ceremony.Quorum
	cmd := &cobra.Command{
		Use:   "add-model --model armani,dior",
		Short: "Bring in models: their keys, and who may sign for them",
		Long: "Makes keys for the models (one set, shared by all that are named), and signs the next targets\n" +
			"with the targets keys found in DIR/keys, or with those given by --key. A model that was retired comes\n" +
			"back in the same way. Bring the trust file up to date first: otasign refresh. A name that neither the\n" +
			"line-up that is built in nor --models FILE knows is refused: it may be a slip of the pen.",
		Example: "  otasign add-model --dir ceremony --model armani,dior --names ann,bo,cy\n" +
			"  otasign add-model --dir ceremony --model kenzo --models models.yaml\n" +
			"  otasign add-model --dir ceremony --model cancro --like armani --key targets-ann.key,targets-bo.key",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			trusted, err := loadTrust(m.folder.trust())
			if err != nil {
				return err
			}
			online, err := load(m.folder.online(), tufrepo.ParseOnlineKeys)
			if err != nil {
				return err
			}
			roles, err := rolesOf(models, file, unlisted)
			if err != nil {
				return err
			}
			signed, err := signedBy(m.folder.dir, keyFiles)
			if err != nil {
				return err
			}
			r, made, err := ceremony.AddModels(ceremony.AddModelsParams{Now: time.Now(), Trusted: trusted, Models: roles,
				Offers: online.Offers, Like: like, Names: m.names, Quorum: q, Algorithm: keys.Algorithm(m.algorithm),
				Life: m.life, Above: m.above(signed)})
			if err != nil {
				return err
			}
			return c.carryOut(change{flags: m, request: r, made: made, signed: signed, named: keyFiles})
		},
	}
	m.add(cmd, tufrepo.Targets, buildsOf)
	cmd.Flags().StringSliceVar(&models, "model", nil, "`models` to bring in, by device name (ro.product.device)")
	cmd.Flags().StringVar(&file, "models", "", "description of the models, a YAML `file` (default: the "+
		"line-up that is built in)")
	cmd.Flags().BoolVar(&unlisted, "unlisted", false, "bring in models that no list describes; their names "+
		"are taken as they are")
	cmd.Flags().StringVar(&like, "like", "", "use the keys of this `model`, which is there already, and make none")
	cmd.Flags().StringSliceVar(&m.names, "names", fiveNames, "`people` who get a key for these models")
	cmd.Flags().IntVar(&q.Threshold, "threshold", 2, "`how many` keys must sign for a model")
	cmd.Flags().IntVar(&q.Keys, "keys", 3, "`how many` keys a model has")
	unpublishedFlag(cmd, &m.unpublished)
	cmd.Flags().StringSliceVar(&keyFiles, "key", nil, "key `files` to sign with (default: "+
		"those in DIR/keys that are listed)")
	return cmd
}
