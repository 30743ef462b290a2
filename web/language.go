// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// Language is one that pages are in.
type Language struct {
	Tag  string // BCP 47, as in the attribute lang
	Name string // in that language
}

// Negotiator finds the language of a reader.
type Negotiator struct {
	tags    []string // as in matcher
	matcher language.Matcher

	mu   sync.Mutex
	kept map[string]string // what was chosen for a header: browsers send few different ones, and send them with every poll
}

// keptChoices is how many headers are kept at most; then it begins anew.
const keptChoices = 256

// NewNegotiator chooses among languages; the first one is for who asks for none of them. A tag that is none is no choice.
func NewNegotiator(tags ...string) *Negotiator {
	n := &Negotiator{kept: map[string]string{}}
	var known []language.Tag
	for _, tag := range tags {
		if t, err := language.Parse(tag); err == nil {
			n.tags, known = append(n.tags, tag), append(known, t)
		}
	}
	n.matcher = language.NewMatcher(known)
	return n
}

// longestAsked is how much of a header is read, in bytes; browsers send a tenth of it.
const longestAsked = 1000

// Choose reads the values of Accept-Language (RFC 9110, 12.5.4), and gives the tag that fits best by CLDR: zh-TW, zh-HK and
// zh-MO are zh-Hant, zh and other regions of it zh-Hans.
func (n *Negotiator) Choose(headers []string) string {
	asked := strings.Join(headers, ",")
	if len(asked) > longestAsked {
		return n.choose(headers)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	tag, ok := n.kept[asked]
	if !ok {
		if tag = n.choose(headers); len(n.kept) >= keptChoices {
			clear(n.kept)
		}
		n.kept[asked] = tag
	}
	return tag
}

func (n *Negotiator) choose(headers []string) string {
	var wanted []wish
	left := longestAsked
	for _, h := range headers {
		if left -= len(h); left < 0 {
			break
		}
		for item := range strings.SplitSeq(h, ",") { // by itself, so that one that is none hides no other
			if tags, weights, err := language.ParseAcceptLanguage(item); err == nil && len(tags) == 1 {
				wanted = append(wanted, wish{tags[0], weights[0]})
			}
		}
	}
	slices.SortStableFunc(wanted, func(a, b wish) int { return cmp.Compare(b.weight, a.weight) })
	asked := make([]language.Tag, 0, len(wanted))
	for _, w := range wanted {
		asked = append(asked, w.tag)
	}
	_, i, sure := n.matcher.Match(asked...)
	if sure == language.No || len(asked) == 0 {
		return n.tags[0]
	}
	return n.tags[i]
}

// wish is a language that a reader asks for.
type wish struct {
	tag    language.Tag
	weight float32
}
