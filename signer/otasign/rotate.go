// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

func (c *ceremonies) rotateCommand() *cobra.Command {
	var m makeFlags
	var p ceremony.RotateParams
	var remove, addName, add, keyFiles []string
	var online string
	cmd := &cobra.Command{
		Use:   "rotate --role root --remove bo --add-name fi",
		Short: "Replace keys of a role",
		Long: "Takes keys out of roles and puts others in. The change carries everything that must be\n" +
			"signed again: a new root wants the old and the new threshold; a model's builds are signed\n" +
			"by the new keys. With the keys at hand it is signed as far as they suffice; for the rest a\n" +
			"request is written, which others sign. The same keys again renew a role that expires.\n" +
			"The keys of those who look from outside are changed in the same way: observers, and\n" +
			"witnesses for every model or MODEL-witnesses for one. Of these a role that is not there yet\n" +
			"is begun, and one that loses its last key is gone; they sign nothing of the feed.\n" +
			"Bring the trust file up to date first: otasign refresh.",
		Example: "  otasign rotate --dir ceremony --role armani,dior --remove bo --add-name fi       # a key was lost\n" +
			"  otasign rotate --dir ceremony --role root --remove bo --add fi.key.pub --key root-ann.key\n" +
			"  otasign rotate --dir ceremony --role root --threshold 3                          # renew it\n" +
			"  otasign rotate --dir ceremony --role snapshot,timestamp,offers --online online-next.json   # the server was " +
			"broken into\n" +
			"  otasign rotate --dir ceremony --role observers --add f-secure.key.pub,tuv.key.pub --threshold 2\n" +
			"  otasign rotate --dir ceremony --role armani-witnesses --add lab.key.pub",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return c.rotate(m, p, online, remove, addName, add, keyFiles)
		},
	}
	m.add(cmd, tufrepo.Root, tufrepo.Targets, buildsOf)
	cmd.Flags().StringSliceVar(&p.Roles, "role", nil, "`roles`: root, targets, snapshot, timestamp, offers, models, observers, "+
		"witnesses, or MODEL-witnesses")
	cmd.Flags().StringSliceVar(&remove, "remove", nil, "`keys` that go: the holder's name, "+
		"or the first 8 or more digits of the key id")
	cmd.Flags().StringSliceVar(&addName, "add-name", nil, "`people` for whom a new key is made here")
	cmd.Flags().StringSliceVar(&add, "add", nil, "public key `files` (.pub) of keys made elsewhere")
	cmd.Flags().IntVar(&p.Threshold, "threshold", 0, "`how many` keys must sign from now on (default: as before)")
	cmd.Flags().BoolVar(&p.OnlyHere, "only-here", false, "leave the keys that go trusted for the roles that are not named")
	unpublishedFlag(cmd, &m.unpublished)
	cmd.Flags().StringVar(&online, "online", "", "new public keys of the server, a `file`; "+
		"they replace the old ones of the roles named")
	cmd.Flags().StringSliceVar(&keyFiles, "key", nil, "key `files` to sign with (default: "+
		"those in DIR/keys that are listed)")
	return cmd
}

func (c *ceremonies) rotate(
	m makeFlags, p ceremony.RotateParams, online string, remove, addName, add, keyFiles []string,
) error {
	trusted, err := loadTrust(m.folder.trust())
	if err != nil {
		return err
	}
	signed, err := signedBy(m.folder.dir, keyFiles)
	if err != nil {
		return err
	}
	p.Now, p.Trusted, p.Life, p.Above = time.Now(), trusted, m.life, m.above(signed)
	if online != "" {
		if len(remove)+len(addName)+len(add) > 0 {
			return errors.New("--online says both what goes and what comes; leave out --remove, --add and --add-name")
		}
		return c.rotateOnline(m, p, online, signed, keyFiles)
	}
	if len(p.Roles) == 0 {
		return errors.New("say which role with --role")
	}
	for _, who := range remove {
		id, err := ceremony.FindKey(trusted, p.Roles, who, m.folder.names())
		if err != nil {
			return err
		}
		p.Remove = append(p.Remove, id)
	}
	var made []*keys.Key
	for _, name := range addName {
		k, err := keys.New(keys.Algorithm(m.algorithm), name, p.Roles[0])
		if err != nil {
			return err
		}
		made, p.Add = append(made, k), append(p.Add, k.Key())
	}
	added := map[string]string{}
	for _, file := range add {
		public, err := load(file, keys.ParsePublic)
		if err != nil {
			return err
		}
		p.Add = append(p.Add, public.Key)
		added[public.ID] = public.Name
	}
	r, err := ceremony.Rotate(p)
	if err != nil {
		return err
	}
	return c.carryOut(change{flags: m, request: r, made: made, signed: signed, named: keyFiles, gone: p.Remove,
		added: added})
}

// rotateOnline replaces the server's keys by those of a new online.json.
func (c *ceremonies) rotateOnline(
	m makeFlags, p ceremony.RotateParams, file string, signed map[string]int64, keyFiles []string,
) error {
	next, err := load(file, tufrepo.ParseOnlineKeys)
	if err != nil {
		return err
	}
	r, err := ceremony.RotateOnline(p, next)
	if err != nil {
		return err
	}
	return c.carryOut(change{flags: m, request: r, signed: signed, named: keyFiles,
		also: map[string][]byte{m.folder.online(): next.Bytes()}})
}
