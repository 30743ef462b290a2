// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

var fiveNames = []string{"ann", "bo", "cy", "di", "ed"}

// makeFlags are those of every command that makes keys or metadata.
type makeFlags struct {
	dir, out, algorithm string
	work                int
	life                ceremony.Life
	names               []string
	added               map[string]string // names of keys made elsewhere, by key id
	unpublished         bool              // of a change: what was signed beyond the trusted state was given up
}

// add adds the flags of a command that makes keys, and the lives of those roles that it writes.
func (m *makeFlags) add(c *cobra.Command, roles ...string) {
	m.addState(c, roles...)
	c.Flags().StringVar(&m.algorithm, "algorithm", string(keys.Ed25519), "`kind` of new keys: ed25519 or p256")
	c.Flags().IntVar(&m.work, "work", keys.DefaultWork, workUsage)
}

const workUsage = "how hard it is to guess the passphrase of a new key file: 2^`N` rounds of scrypt; " +
	"18 take about a second"

// addState adds the flags of every command that changes the trusted state.
func (m *makeFlags) addState(c *cobra.Command, roles ...string) {
	m.life = ceremony.DefaultLife()
	c.Flags().StringVar(&m.dir, "dir", "ceremony", "`folder` of the ceremony; keys are kept in its keys folder")
	c.Flags().StringVar(&m.out, "out", "", "`file` of the signed state that is read and replaced (default DIR/trust.json)")
	for _, role := range roles {
		switch role {
		case tufrepo.Root:
			c.Flags().Var((*days)(&m.life.Root), "root-life", "how long a new root is valid, such as 365d")
		case tufrepo.Targets:
			c.Flags().Var((*days)(&m.life.Targets), "targets-life", "how long a new targets is valid, such as 180d")
		default:
			c.Flags().Var((*days)(&m.life.Builds), "builds-life", "how long new builds of a model are valid, such as 180d")
		}
	}
}

// days is a flag for a life: "180d", or hours as "12h".
type days time.Duration

func (d *days) String() string {
	if v := time.Duration(*d); v%(24*time.Hour) != 0 {
		return v.String()
	}
	return fmt.Sprintf("%dd", time.Duration(*d)/(24*time.Hour))
}

func (d *days) Type() string { return "days" }

func (d *days) Set(text string) error {
	v, err := time.ParseDuration(text)
	if n, ok := strings.CutSuffix(text, "d"); ok {
		var whole int
		whole, err = strconv.Atoi(n)
		v = time.Duration(whole) * 24 * time.Hour
	}
	if err != nil || v <= 0 || v > 10_000*24*time.Hour {
		return fmt.Errorf("%q is no life; wanted days, such as 180d, or hours, such as 12h", text)
	}
	*d = days(v)
	return nil
}

func (m *makeFlags) trust() string {
	if m.out != "" {
		return m.out
	}
	return filepath.Join(m.dir, "trust.json")
}

func (m *makeFlags) keyPath(k keys.Public) string {
	return filepath.Join(m.dir, "keys", k.Use+"-"+k.Name+".key")
}

func (a *app) initCommand() *cobra.Command {
	var m makeFlags
	var online string
	var root, targets ceremony.Quorum
	c := &cobra.Command{
		Use:   "init --online online.json",
		Short: "Make the root and targets keys, and the first signed root",
		Long: "Makes a key file for each person and role, each sealed with its holder's passphrase,\n" +
			"and the first root and targets, signed by all. The server's public keys come from\n" +
			"the online.json that otad init wrote. Afterwards every person takes their key files\n" +
			"away, and trust.json goes to the server and to everyone who signs.",
		Example: "  otasign init --dir ceremony --online online.json --names ann,bo,cy,di,ed\n" +
			"  otasign init --dir ceremony --online online.json --names xi,yu,zo --root-threshold 2 --root-keys 3",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.init(m, online, root, targets) },
	}
	m.add(c, tufrepo.Root, tufrepo.Targets)
	c.Flags().StringVar(&online, "online", "online.json", "public keys of the server, a `file` that otad init wrote")
	c.Flags().StringSliceVar(&m.names, "names", fiveNames, "`people` who hold keys: "+
		"the first of them get the targets keys as well")
	c.Flags().IntVar(&root.Threshold, "root-threshold", 3, "`how many` root keys must sign")
	c.Flags().IntVar(&root.Keys, "root-keys", 5, "`how many` root keys there are")
	c.Flags().IntVar(&targets.Threshold, "targets-threshold", 2, "`how many` targets keys must sign")
	c.Flags().IntVar(&targets.Keys, "targets-keys", 3, "`how many` targets keys there are")
	return c
}

func (a *app) init(m makeFlags, onlineFile string, root, targets ceremony.Quorum) error {
	online, err := load(onlineFile, tufrepo.ParseOnlineKeys)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no %s: otad init writes it into the server's data folder; bring it here, "+
			"or name it with --online: %w", onlineFile, err)
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(m.trust()); err == nil {
		return fmt.Errorf("%s exists; a second root would cut off every handset that trusts the first. Use another --dir",
			m.trust())
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
		h, err := newHolder(m, k)
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
	if err := a.saveKeys(&files, m, holders); err != nil {
		return err
	}
	if err := errors.Join(files.Replace(filepath.Join(m.dir, "online.json"), online.Bytes(), 0o644),
		files.New(m.trust(), withNames(bundle, namesOf(made)).Bytes(), 0o644)); err != nil {
		return err
	}
	if err := files.Commit(); err != nil {
		return err
	}
	a.sayChanges(tufrepo.Diff(tufrepo.Set{}, set))
	a.say("Wrote %d key files to %s and the signed state to %s.", len(made), filepath.Join(m.dir, "keys"), m.trust())
	return nil
}

// newHolder is a key that this command made, with the record that will lie beside it. A record that
// lies there already, of a key that had the same name, goes on: it only forbids more.
func newHolder(m makeFlags, k *keys.Key) (holder, error) {
	path := m.keyPath(k.Public())
	ledger, err := loadLedger(path)
	return holder{k, path, ledger}, err
}

// saveKeys adds new key files, and the records of what they signed.
func (a *app) saveKeys(files *keys.Batch, m makeFlags, made []holder) error {
	if err := os.MkdirAll(filepath.Join(m.dir, "keys"), 0o700); err != nil {
		return err
	}
	for _, h := range made {
		phrase, err := a.phraseOf(h.key.Public().Name, "new keys", true)
		if err == nil {
			err = h.key.SaveIn(files, h.path, phrase, m.work)
		}
		if err != nil {
			return err
		}
	}
	return remember(files, made)
}

func (a *app) sayChanges(words []string) {
	for _, w := range words {
		a.say("  %s", plain(w))
	}
}

func (a *app) keyCommand() *cobra.Command {
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
			phrase, err := a.phraseOf(name, "the new key", true)
			if err != nil {
				return err
			}
			if err := k.Save(out, phrase, m.work); err != nil {
				return err
			}
			a.say("Wrote %s: %s and %s.", k, out, keys.PublicPath(out))
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&name, "name", "", "`person` who holds it")
	f.StringVar(&use, "use", "", "`role` that it is for: root, targets, or a model")
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
