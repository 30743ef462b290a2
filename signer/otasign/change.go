// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

// buildsOf stands for the roles of all models where flags are added.
const buildsOf = "builds"

func (a *app) addModelCommand() *cobra.Command {
	var m makeFlags
	var models, keyFiles []string
	var like, file string
	var unlisted bool
	var q ceremony.Quorum
	c := &cobra.Command{
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
			trusted, err := loadTrust(m.trust())
			if err != nil {
				return err
			}
			online, err := load(filepath.Join(m.dir, "online.json"), tufrepo.ParseOnlineKeys)
			if err != nil {
				return err
			}
			roles, err := rolesOf(models, file, unlisted)
			if err != nil {
				return err
			}
			signed, err := signedBy(m.dir, keyFiles)
			if err != nil {
				return err
			}
			r, made, err := ceremony.AddModels(ceremony.AddModelsParams{Now: time.Now(), Trusted: trusted, Models: roles,
				Offers: online.Offers, Like: like, Names: m.names, Quorum: q, Algorithm: keys.Algorithm(m.algorithm),
				Life: m.life, Above: m.above(signed)})
			if err != nil {
				return err
			}
			return a.carryOut(m, r, made, signed, keyFiles, nil, nil)
		},
	}
	m.add(c, tufrepo.Targets, buildsOf)
	c.Flags().StringSliceVar(&models, "model", nil, "`models` to bring in, by device name (ro.product.device)")
	c.Flags().StringVar(&file, "models", "", "description of the models, a YAML `file` (default: the "+
		"line-up that is built in)")
	c.Flags().BoolVar(&unlisted, "unlisted", false, "bring in models that no list describes; their names "+
		"are taken as they are")
	c.Flags().StringVar(&like, "like", "", "use the keys of this `model`, which is there already, and make none")
	c.Flags().StringSliceVar(&m.names, "names", fiveNames, "`people` who get a key for these models")
	c.Flags().IntVar(&q.Threshold, "threshold", 2, "`how many` keys must sign for a model")
	c.Flags().IntVar(&q.Keys, "keys", 3, "`how many` keys a model has")
	unpublishedFlag(c, &m.unpublished)
	c.Flags().StringSliceVar(&keyFiles, "key", nil, "key `files` to sign with (default: "+
		"those in DIR/keys that are listed)")
	return c
}

func (a *app) rotateCommand() *cobra.Command {
	var m makeFlags
	var p ceremony.RotateParams
	var remove, addName, add, keyFiles []string
	var online string
	c := &cobra.Command{
		Use:   "rotate --role root --remove bo --add-name fi",
		Short: "Replace keys of a role",
		Long: "Takes keys out of roles and puts others in. The change carries everything that must be\n" +
			"signed again: a new root wants the old and the new threshold; a model's builds are signed\n" +
			"by the new keys. With the keys at hand it is signed as far as they suffice; for the rest a\n" +
			"request is written, which others sign. The same keys again renew a role that expires.\n" +
			"Bring the trust file up to date first: otasign refresh.",
		Example: "  otasign rotate --dir ceremony --role armani,dior --remove bo --add-name fi       # a key was lost\n" +
			"  otasign rotate --dir ceremony --role root --remove bo --add fi.key.pub --key root-ann.key\n" +
			"  otasign rotate --dir ceremony --role root --threshold 3                          # renew it\n" +
			"  otasign rotate --dir ceremony --role snapshot,timestamp,offers --online online-next.json   # the server was " +
			"broken into",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.rotate(m, p, online, remove, addName, add, keyFiles)
		},
	}
	m.add(c, tufrepo.Root, tufrepo.Targets, buildsOf)
	c.Flags().StringSliceVar(&p.Roles, "role", nil, "`roles`: root, targets, snapshot, timestamp, offers, or models")
	c.Flags().StringSliceVar(&remove, "remove", nil, "`keys` that go: the holder's name, "+
		"or the first 8 or more digits of the key id")
	c.Flags().StringSliceVar(&addName, "add-name", nil, "`people` for whom a new key is made here")
	c.Flags().StringSliceVar(&add, "add", nil, "public key `files` (.pub) of keys made elsewhere")
	c.Flags().IntVar(&p.Threshold, "threshold", 0, "`how many` keys must sign from now on (default: as before)")
	c.Flags().BoolVar(&p.OnlyHere, "only-here", false, "leave the keys that go trusted for the roles that are not named")
	unpublishedFlag(c, &m.unpublished)
	c.Flags().StringVar(&online, "online", "", "new public keys of the server, a `file`; "+
		"they replace the old ones of the roles named")
	c.Flags().StringSliceVar(&keyFiles, "key", nil, "key `files` to sign with (default: "+
		"those in DIR/keys that are listed)")
	return c
}

func (a *app) rotate(
	m makeFlags, p ceremony.RotateParams, online string, remove, addName, add, keyFiles []string,
) error {
	trusted, err := loadTrust(m.trust())
	if err != nil {
		return err
	}
	signed, err := signedBy(m.dir, keyFiles)
	if err != nil {
		return err
	}
	p.Now, p.Trusted, p.Life, p.Above = time.Now(), trusted, m.life, m.above(signed)
	if online != "" {
		if len(remove)+len(addName)+len(add) > 0 {
			return errors.New("--online says both what goes and what comes; leave out --remove, --add and --add-name")
		}
		return a.rotateOnline(m, p, online, signed, keyFiles)
	}
	if len(p.Roles) == 0 {
		return errors.New("say which role with --role")
	}
	for _, who := range remove {
		id, err := ceremony.FindKey(trusted, p.Roles, who, namesIn(m))
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
	m.added = map[string]string{}
	for _, file := range add {
		public, err := load(file, keys.ParsePublic)
		if err != nil {
			return err
		}
		p.Add = append(p.Add, public.Key)
		m.added[public.ID] = public.Name
	}
	r, err := ceremony.Rotate(p)
	if err != nil {
		return err
	}
	return a.carryOut(m, r, made, signed, keyFiles, p.Remove, nil)
}

// rotateOnline replaces the server's keys by those of a new online.json.
func (a *app) rotateOnline(
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
	return a.carryOut(m, r, nil, signed, keyFiles, nil,
		map[string][]byte{filepath.Join(m.dir, "online.json"): next.Bytes()})
}

// above are the versions that a change passes over.
func (m *makeFlags) above(signed map[string]int64) map[string]int64 {
	if !m.unpublished {
		return nil
	}
	return signed
}

// carryOut signs a change with the keys that are at hand. If they suffice, the new state is
// written; if not, a request for the others. It refuses a change of a state that is older than
// what the keys are known to have signed: it would take back what was published since. Keys, records,
// the files of also and the state are written together: a full disk leaves everything as it was.
func (a *app) carryOut(m makeFlags, r tufrepo.Request, made []*keys.Key, signed map[string]int64, keyFiles,
	gone []string, also map[string][]byte) error {
	if err := ceremony.Behind(r.Staged(), signed); err != nil && !m.unpublished {
		return refusal{fmt.Errorf("%s is out of date; bring it up to date with what is published: "+
			"otasign refresh FEED --dir %s\n(If what they signed was given up and never published, "+
			"say so with --unpublished.)\n%w", m.trust(), m.dir, err)}
	}
	a.say("%s", r.Title)
	a.sayChanges(r.Summary)
	holders, err := a.holders(m, r, keyFiles, gone)
	if err != nil {
		return err
	}
	signers := []ceremony.SigningKey{}
	for _, h := range holders {
		signers = append(signers, h.signingKey(m.unpublished))
	}
	var fresh []holder
	for _, k := range made {
		h, err := newHolder(m, k)
		if err != nil {
			return err
		}
		fresh = append(fresh, h)
		signers = append(signers, h.signingKey(m.unpublished))
	}
	answer, err := ceremony.Sign(r, time.Now(), signers...)
	if err != nil {
		return refusal{err}
	}
	bundle, progress, err := ceremony.Assemble(r, time.Now(), answer)
	if err != nil {
		return refusal{err}
	}
	var files keys.Batch
	defer files.Discard()
	if err := errors.Join(a.saveKeys(&files, m, fresh), remember(&files, holders)); err != nil {
		return err
	}
	for path, text := range also {
		if err := files.Replace(path, text, 0o644); err != nil {
			return err
		}
	}
	if len(bundle.Files) == 0 {
		return a.askOthers(&files, m, r, fresh, answer, progress)
	}
	if err := files.Replace(m.trust(), withNames(bundle, namesIn(m), namesOf(made)).Bytes(), 0o644); err != nil {
		return err
	}
	if err := files.Commit(); err != nil {
		return err
	}
	a.say("Signed; wrote the new state to %s. Send it to the server.", m.trust())
	return nil
}

// askOthers writes the request with the signatures so far.
func (a *app) askOthers(
	files *keys.Batch, m makeFlags, r tufrepo.Request, made []holder, answer tufrepo.Response, progress []tufrepo.Progress,
) error {
	r, err := ceremony.WithSignatures(r, answer)
	if err != nil {
		return err
	}
	names := namesIn(m)
	for _, k := range made {
		names[k.key.Public().ID] = k.key.Public().Name
	}
	r.Names = names
	path := filepath.Join(m.dir, "request-"+r.ID[:8]+".json")
	if err := files.New(path, r.Bytes(), 0o644); err != nil {
		return err
	}
	if err := files.Commit(); err != nil {
		return err
	}
	a.sayProgress(progress, names)
	a.say("Wrote %s. The others sign it with: otasign sign %s --trust trust.json --key FILE; "+
		"then: otasign assemble %s RESPONSE... --out %s", path, path, path, m.trust())
	return nil
}

// sayProgress says who still has to sign: by name, as far as names knows the keys. A new root is counted
// twice, by its own keys and by those of the root before.
func (a *app) sayProgress(list []tufrepo.Progress, names map[string]string) {
	roots := []string{" by the new root's keys", " by the keys of the root before"}
	for _, p := range list {
		by := ""
		if p.Role == tufrepo.Root && len(roots) > 0 {
			by, roots = roots[0], roots[1:]
		}
		if p.Done() {
			a.say("  %s: %d of %d signatures%s.", p.Role, p.Have, p.Need, by)
			continue
		}
		var left []string
		for _, id := range p.Missing {
			left = append(left, cmp.Or(names[id], id[:min(len(id), 8)]))
		}
		slices.Sort(left)
		a.say("  %s: %d of %d signatures%s; wanted %d of: %s.", p.Role, p.Have, p.Need, by, p.Need-p.Have,
			strings.Join(left, ", "))
	}
}

// holders opens the keys to sign with: those named, or those in DIR/keys that the request lists
// and that are not on their way out.
func (a *app) holders(m makeFlags, r tufrepo.Request, named, gone []string) ([]holder, error) {
	paths := named
	if len(named) == 0 {
		for path, public := range keysIn(m) {
			if !slices.Contains(gone, public.ID) && ceremony.Lists(r, public.Key) {
				paths = append(paths, path)
			}
		}
		slices.Sort(paths)
	}
	var list []holder
	for _, path := range paths {
		h, err := a.openKey(path)
		if err != nil {
			return nil, err
		}
		list = append(list, h)
	}
	return list, nil
}

// keysIn lists the key files of the ceremony by path, as far as they can be read.
func keysIn(m makeFlags) map[string]keys.Public {
	found := map[string]keys.Public{}
	paths, _ := filepath.Glob(filepath.Join(m.dir, "keys", "*.key"))
	for _, path := range paths {
		if public, err := keys.ReadPublic(path); err == nil {
			found[path] = public
		}
	}
	return found
}

func loadTrust(path string) (tufrepo.Set, error) {
	bundle, err := load(path, tufrepo.ParseBundle)
	if err != nil {
		return tufrepo.Set{}, err
	}
	set, err := bundle.Set()
	if err != nil {
		return set, fmt.Errorf("%s: %w", path, err)
	}
	return set, nil
}
