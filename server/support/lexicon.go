// SPDX-License-Identifier: Apache-2.0

package support

import (
	"maps"
	"slices"

	"landed/manifests/effect"
	"landed/server/fleet"
	"landed/web"
)

// english is the language that is read where an effect has no words in that of the pages.
const english = "en"

// lexicon is the effect of a release as people read it: its classes in order, and its words in the language of the
// pages. Of a release without effect it has the classes that every effect has.
type lexicon struct {
	effect   *effect.Effect // nil: nothing is claimed
	language string         // of words
	words    effect.Words
	classes  []class
	locale   *web.Locale
	unread   bool // there is an effect, perhaps, and it cannot be read
}

// class is a class with its words and its colour.
type class struct {
	key    string
	kind   effect.Kind
	words  effect.ClassWords
	colour string
}

func newLexicon(locale *web.Locale, e *effect.Effect) lexicon {
	lex := lexicon{effect: e, locale: locale}
	all := effect.Effect{}
	if e != nil {
		all = *e
		lex.language = languageOf(*e, locale.Tag)
		lex.words = inLanguage(locale, lex.language, e.Words[lex.language])
	}
	nth := map[effect.Kind]int{}
	for _, c := range all.All() {
		colour := c.Name // those that every effect has stand for the same everywhere
		if !slices.Contains((effect.Effect{}).All(), c) {
			colour = web.Shade(string(c.Kind), nth[c.Kind])
			nth[c.Kind]++
		}
		lex.classes = append(lex.classes, class{c.Name, c.Kind, lex.classWords(c.Name, nil), colour})
	}
	return lex
}

// languageOf is the first of: the language of the pages, English, any.
func languageOf(e effect.Effect, tag string) string {
	for _, want := range []string{tag, english} {
		if _, ok := e.Words[want]; ok {
			return want
		}
	}
	for _, any := range slices.Sorted(maps.Keys(e.Words)) {
		return any
	}
	return ""
}

// claims says that there is an effect to be shown.
func (l lexicon) claims() bool { return l.effect != nil }

func (l lexicon) name() string {
	if l.effect == nil {
		return ""
	}
	return l.effect.Name
}

// classWords are the words of a class: those of the effect, else those that the pages have for the classes of every
// effect. Why it holds makes a difference where nothing can be said.
func (l lexicon) classWords(name string, because []effect.Reason) effect.ClassWords {
	if w, ok := l.words.Classes[name]; ok {
		return w
	}
	for _, r := range because {
		if r.Code == effect.CodeNoEffect || r.Code == effect.CodeNoRule {
			name = r.Code
		}
	}
	if l.unread {
		name = "unreadable"
	}
	if !l.locale.Has("class." + name + ".name") {
		return effect.ClassWords{Name: name}
	}
	say := func(part string) string { return l.locale.Say("class."+name+"."+part, l.words.ByHand) }
	return effect.ClassWords{Name: say("name"), Means: say("means"), Tell: say("tell"), Still: say("still"), Do: say("do")}
}

// unread is what is said of an installation whose release cannot be read, whatever was found earlier.
func unread() (fleet.Class, fleet.Kind, []fleet.Reason) {
	return effect.Unknown, effect.Unjudged, []fleet.Reason{{Code: "unreadable"}}
}

// reason words a reason: the effect's words, then those of the pages, then what the server says of rollouts.
func (l lexicon) reason(r fleet.Reason) string {
	if l.effect != nil {
		if text, ok := l.effect.Reason(l.language, r); ok {
			return clean(l.locale.In(l.language, clean(text)))
		}
	}
	return wordReason(l.locale, r)
}

func (l lexicon) reasons(all []fleet.Reason) []string {
	out := make([]string, 0, len(all))
	for _, r := range all {
		out = append(out, l.reason(r))
	}
	return out
}

// finding names what was found before the update.
func (l lexicon) finding(name string) string {
	if words, ok := l.words.Before[name]; ok {
		return words
	}
	return l.locale.Say("before."+effect.NotSeen, nil)
}

// findings lists what can be found before, NotSeen last.
func (l lexicon) findings() []string {
	if l.effect == nil {
		return []string{effect.NotSeen}
	}
	return append(slices.Clone(l.effect.Before.Findings), effect.NotSeen)
}

// question is what a customer asks.
func (l lexicon) question() string {
	if l.words.Question != "" {
		return l.words.Question
	}
	return l.locale.Say("installation.still", nil)
}

// colour is that of a class, as the style sheet names it.
func (l lexicon) colour(name string) string {
	for _, c := range l.classes {
		if c.key == name {
			return c.colour
		}
	}
	return effect.Unknown
}
