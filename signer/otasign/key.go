// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"github.com/spf13/cobra"

	"landed/signer/keys"
)

func (r *keyring) command() *cobra.Command {
	var m makeFlags
	var name, use, out string
	c := &cobra.Command{
		Use:   "key --name fi --use root --out fi.key",
		Short: "Make one key, on its holder's own machine",
		Long:  "Makes one key file. Only the .pub file beside it leaves the machine: rotate --add takes it in.",
		Example: "  otasign key --name fi --use root --out root-fi.key\n" +
			"  otasign rotate --dir ceremony --role root --remove bo --add root-fi.key.pub --key root-ann.key   # " +
			"whoever begins",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			k, err := keys.New(keys.Algorithm(m.algorithm), name, use)
			if err != nil {
				return err
			}
			phrase, err := r.phraseOf(name, "the new key", true)
			if err != nil {
				return err
			}
			if err := k.Save(out, phrase, m.work); err != nil {
				return err
			}
			r.term.say("Wrote %s: %s and %s.", k, out, keys.PublicPath(out))
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&name, "name", "", "`person` who holds it")
	f.StringVar(&use, "use", "", "`role` that it is for: root, targets, a model, observers, witnesses, or MODEL-witnesses")
	f.StringVar(&out, "out", "", "key `file` to write")
	f.StringVar(&m.algorithm, "algorithm", string(keys.Ed25519), "`kind` of the key: ed25519 or p256")
	f.IntVar(&m.work, "work", keys.DefaultWork, workUsage)
	for _, flag := range []string{"name", "use", "out"} {
		if err := c.MarkFlagRequired(flag); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return c
}
