// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

// ceremonies are the commands that make and change keys, models, and the signed state in which they stand.
type ceremonies struct {
	term *terminal
	keys *keyring
}

func (c *ceremonies) initCommand() *cobra.Command {
	var m makeFlags
	var online string
	var root, targets ceremony.Quorum
	cmd := &cobra.Command{
		Use:   "init --online online.json",
		Short: "Make the root and targets keys, and the first signed root",
		Long: "Makes a key file for each person and role, each sealed with its holder's passphrase,\n" +
			"and the first root and targets, signed by all. The server's public keys come from\n" +
			"the online.json that otad init wrote. Afterwards every person takes their key files\n" +
			"away, and trust.json goes to the server and to everyone who signs.",
		Example: "  otasign init --dir ceremony --online online.json --names ann,bo,cy,di,ed\n" +
			"  otasign init --dir ceremony --online online.json --names xi,yu,zo --root-threshold 2 --root-keys 3",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return c.init(m, online, root, targets) },
	}
	m.add(cmd, tufrepo.Root, tufrepo.Targets)
	cmd.Flags().StringVar(&online, "online", "online.json", "public keys of the server, a `file` that otad init wrote")
	cmd.Flags().StringSliceVar(&m.names, "names", fiveNames, "`people` who hold keys: "+
		"the first of them get the targets keys as well")
	cmd.Flags().IntVar(&root.Threshold, "root-threshold", 3, "`how many` root keys must sign")
	cmd.Flags().IntVar(&root.Keys, "root-keys", 5, "`how many` root keys there are")
	cmd.Flags().IntVar(&targets.Threshold, "targets-threshold", 2, "`how many` targets keys must sign")
	cmd.Flags().IntVar(&targets.Keys, "targets-keys", 3, "`how many` targets keys there are")
	return cmd
}

func (c *ceremonies) init(m makeFlags, onlineFile string, root, targets ceremony.Quorum) error {
	online, err := load(onlineFile, tufrepo.ParseOnlineKeys)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no %s: otad init writes it into the server's data folder; bring it here, "+
			"or name it with --online: %w", onlineFile, err)
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(m.folder.trust()); err == nil {
		return fmt.Errorf("%s exists; a second root would cut off every handset that trusts the first. Use another --dir",
			m.folder.trust())
	}
	bundle, made, err := ceremony.Init(ceremony.InitParams{Now: time.Now(), Online: online, Names: m.names,
		Root: root, Targets: targets, Algorithm: keys.Algorithm(m.algorithm), Life: m.life})
	if err != nil {
		return err
	}
	set, err := bundle.Set()
	if err != nil {
		return err
	}
	signed := map[string][]byte{tufrepo.Root: set.Roots[0], tufrepo.Targets: set.Files[tufrepo.Targets]}
	var holders []holder
	for _, k := range made {
		h, err := newHolder(m.folder, k)
		if err != nil {
			return err
		}
		if err := h.ledger.Note(k.Public().Use, signed[k.Public().Use]); err != nil {
			return err
		}
		holders = append(holders, h)
	}
	var files keys.Batch
	defer files.Discard()
	if err := c.keys.save(&files, m, holders); err != nil {
		return err
	}
	if err := errors.Join(files.Replace(m.folder.online(), online.Bytes(), 0o644),
		files.New(m.folder.trust(), withNames(bundle, namesOf(made)).Bytes(), 0o644)); err != nil {
		return err
	}
	if err := files.Commit(); err != nil {
		return err
	}
	c.term.lines("  ", tufrepo.Diff(tufrepo.Set{}, set)...)
	c.term.say("Wrote %d key files to %s and the signed state to %s.", len(made), filepath.Join(m.folder.dir, "keys"),
		m.folder.trust())
	return nil
}
