// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"landed/manifests/tufrepo"
	"landed/signer/ceremony"
	"landed/signer/keys"
)

// buildsOf stands for the roles of all models where flags are added.
const buildsOf = "builds"

// change is one of keys or models, ready to be signed with the keys that are at hand.
type change struct {
	flags   makeFlags
	request tufrepo.Request
	made    []*keys.Key       // new keys, which sign too
	signed  map[string]int64  // by role, the highest version that the keys at hand have signed
	named   []string          // key files to sign with; none: those of the folder that the request lists
	gone    []string          // ids of keys on their way out
	added   map[string]string // names of keys made elsewhere, by key id
	also    map[string][]byte // files that are written with it, by path
}

// names are those of everybody who holds a key, by key id.
func (ch change) names() map[string]string {
	names := ch.flags.folder.names()
	maps.Copy(names, ch.added)
	maps.Copy(names, namesOf(ch.made))
	return names
}

// carryOut signs a change with the keys that are at hand. If they suffice, the new state is
// written; if not, a request for the others. It refuses a change of a state that is older than
// what the keys are known to have signed: it would take back what was published since. Keys, records,
// the files of also and the state are written together: a full disk leaves everything as it was.
func (c *ceremonies) carryOut(ch change) error {
	m, r := ch.flags, ch.request
	if err := ceremony.Behind(r.Staged(), ch.signed); err != nil && !m.unpublished {
		return refusal{fmt.Errorf("%s is out of date; bring it up to date with what is published: "+
			"otasign refresh FEED --dir %s\n(If what they signed was given up and never published, "+
			"say so with --unpublished.)\n%w", m.folder.trust(), m.folder.dir, err)}
	}
	c.term.say("%s", r.Title)
	c.term.lines("  ", ceremony.NameKeys(r.Summary, ch.names(), nil)...)
	holders, err := c.holders(ch)
	if err != nil {
		return err
	}
	signers := []ceremony.SigningKey{}
	for _, h := range holders {
		signers = append(signers, h.signingKey(m.unpublished))
	}
	var fresh []holder
	for _, k := range ch.made {
		h, err := newHolder(m.folder, k)
		if err != nil {
			return err
		}
		fresh = append(fresh, h)
		if ceremony.Lists(r, k.Key()) { // outsiders sign nothing of the feed
			signers = append(signers, h.signingKey(m.unpublished))
		}
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
	if err := errors.Join(c.keys.save(&files, m, fresh), remember(&files, holders)); err != nil {
		return err
	}
	for path, text := range ch.also {
		if err := files.Replace(path, text, 0o644); err != nil {
			return err
		}
	}
	if len(bundle.Files) == 0 {
		return c.askOthers(&files, ch, answer, progress)
	}
	if err := files.Replace(m.folder.trust(), withNames(bundle, ch.names()).Bytes(), 0o644); err != nil {
		return err
	}
	if err := files.Commit(); err != nil {
		return err
	}
	c.term.say("Signed; wrote the new state to %s. Send it to the server.", m.folder.trust())
	return nil
}

// askOthers writes the request with the signatures so far.
func (c *ceremonies) askOthers(
	files *keys.Batch, ch change, answer tufrepo.Response, progress []tufrepo.Progress,
) error {
	at := ch.flags.folder
	r, err := ceremony.WithSignatures(ch.request, answer)
	if err != nil {
		return err
	}
	r.Names = ch.names()
	path := filepath.Join(at.dir, "request-"+r.ID[:8]+".json")
	if err := files.New(path, r.Bytes(), 0o644); err != nil {
		return err
	}
	if err := files.Commit(); err != nil {
		return err
	}
	c.term.lines("  ", progressWords(progress, r.Names)...)
	c.term.say("Wrote %s. The others sign it with: otasign sign %s --trust trust.json --key FILE; "+
		"then: otasign assemble %s RESPONSE... --out %s", path, path, path, at.trust())
	return nil
}

// holders opens the keys to sign with: those named, or those in DIR/keys that the request lists
// and that are not on their way out.
func (c *ceremonies) holders(ch change) ([]holder, error) {
	paths := slices.Clone(ch.named)
	if len(paths) == 0 {
		for path, public := range ch.flags.folder.keys() {
			if !slices.Contains(ch.gone, public.ID) && ceremony.Lists(ch.request, public.Key) {
				paths = append(paths, path)
			}
		}
		slices.Sort(paths)
	}
	var list []holder
	for _, path := range paths {
		h, err := c.keys.open(path)
		if err != nil {
			return nil, err
		}
		list = append(list, h)
	}
	return list, nil
}
