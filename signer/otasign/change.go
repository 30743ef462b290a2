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

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

// buildsOf stands for the roles of all models where flags are added.
const buildsOf = "builds"

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
