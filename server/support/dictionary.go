// SPDX-License-Identifier: Apache-2.0

package support

import (
	"sync"

	"landed/server/published"
	"landed/web"
)

// dictionary has the words of each published release. A published release changes no more, so they are kept.
type dictionary struct {
	locale *web.Locale
	plain  lexicon  // of a release that claims nothing
	unread lexicon  // of one that cannot be read
	kept   sync.Map // *effect.Program → lexicon
}

func newDictionary(locale *web.Locale) *dictionary {
	d := &dictionary{locale: locale, plain: newLexicon(locale, nil), unread: newLexicon(locale, nil)}
	d.unread.unread = true
	return d
}

// of is the effect of a release as people read it.
func (d *dictionary) of(r published.Release) lexicon {
	if r.Program == nil {
		return d.plain
	}
	if kept, ok := d.kept.Load(r.Program); ok {
		return kept.(lexicon)
	}
	lex := newLexicon(d.locale, &r.Program.Effect)
	d.kept.Store(r.Program, lex)
	return lex
}

// named is the effect of one of the published releases, by its name.
func (d *dictionary) named(all published.Releases, name string) lexicon {
	for _, r := range all.Readable {
		if r.Name == name {
			return d.of(r)
		}
	}
	for _, u := range all.Unreadable {
		if u.Name == name {
			return d.unread
		}
	}
	return d.plain
}
