// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"slices"

	"landed/manifests/effect"
	"landed/server/fleet"
	"landed/server/published"
	"landed/server/recount"
)

// snapshot is all that the pages need of the published releases, read in one transaction.
type snapshot struct {
	releases    []*issue                   // newest first
	unreadable  []*issue                   // published, and no release of this program
	of          map[string][]*issue        // by model, newest first
	cells       map[string][]fleet.Counts  // by model: of each release and channel
	totals      map[string][]fleet.Counts  // by model: of its fleet, by channel
	models      []string                   // devices that any release has, in the order of the catalogue
	found       *findings                  // of observers
	retired     map[string]bool            // those of them that were given up
	quarantines []fleet.Quarantine         // lifted ones, too
	outages     []fleet.Outage             // when reports could not come
	unnamed     bool                       // the database was restored, and nobody has said what was lost
	witnesses   map[string]fleet.Witnesses // by rollout, of models that have any
	silence     map[string]*SilentFor      // by release, "" of all; of a copy alone: those of now say it with their series
	first       *snapshot                  // that was read, if this is the same in other words
	public      *publicCells               // what everybody may see, in the place of figures; nil: all figures are there
}

// add takes a release in, after all newer ones.
func (snap *snapshot) add(is *issue) {
	for _, m := range is.models {
		snap.of[m] = append(snap.of[m], is)
	}
	snap.releases = append(snap.releases, is)
}

// in is the same in other words: nothing else in a snapshot is of a language.
func (snap *snapshot) in(words *dictionary) *snapshot {
	now := *snap
	now.releases, now.unreadable, now.of, now.first = nil, nil, map[string][]*issue{}, snap.read()
	for _, is := range snap.releases {
		worded := *is
		worded.lex = words.of(is.Release)
		now.add(&worded)
	}
	for _, is := range snap.unreadable {
		worded := *is
		worded.lex = words.unread
		now.unreadable = append(now.unreadable, &worded)
	}
	return &now
}

// read is the snapshot that was read, of which this is one in other words, or itself.
func (snap *snapshot) read() *snapshot { return cmp.Or(snap.first, snap) }

// issue is a published release with its words, and what became of it.
type issue struct {
	published.Release
	lex      lexicon
	models   []string // devices that it has a package or a rollout for, in the order of the catalogue
	rollouts []fleet.Rollout
}

// has says if one of its rollouts is such a one.
func (is *issue) has(such func(*fleet.Rollout) bool) bool {
	for i := range is.rollouts {
		if such(&is.rollouts[i]) {
			return true
		}
	}
	return false
}

// newest is the release under which a model stands: the newest that was offered to it, so that publishing alone erases
// nothing that was shown, and offered where most of its handsets are, so that a trial in the lab takes no fleet off the
// page; before any was, the newest that was offered on another channel, then the newest that has it; nil if none has.
func (snap *snapshot) newest(device string) *issue {
	all, home := snap.of[device], snap.home(device)
	for _, offered := range []func(*fleet.Rollout) bool{
		func(r *fleet.Rollout) bool { return r.Model == device && r.Channel == home },
		func(r *fleet.Rollout) bool { return r.Model == device },
	} {
		if i := slices.IndexFunc(all, func(is *issue) bool { return is.has(offered) }); i >= 0 {
			return all[i]
		}
	}
	if len(all) > 0 {
		return all[0]
	}
	return nil
}

// home is the channel on which most installations of a model are, the first by name of equals; "" if there are none.
func (snap *snapshot) home(device string) (channel string) {
	if snap.public != nil {
		return snap.publicHome(device)
	}
	var most int64
	for _, c := range snap.totals[device] {
		if c.Installations > most || c.Installations == most && most > 0 && c.Channel < channel {
			channel, most = c.Channel, c.Installations
		}
	}
	return channel
}

// wordsOn are those of the effect under which a model stands.
func (snap *snapshot) wordsOn(device string) effect.Words {
	if is := snap.newest(device); is != nil {
		return is.lex.words
	}
	return effect.Words{}
}

func (snap *snapshot) release(name string) *issue {
	i := slices.IndexFunc(snap.releases, func(is *issue) bool { return is.Name == name })
	if i < 0 {
		return nil
	}
	return snap.releases[i]
}

// whole are the figures of a model under its newest release, with its whole fleet.
func (snap *snapshot) whole(is *issue, device string) Figures {
	cells, totals := snap.cells[device], snap.totals[device]
	f := wholeOf(is, cells, totals, recount.Everybody)
	if anyQuarantined(totals) {
		f = f.leaving(wholeOf(is, quarantined(cells), quarantined(totals), recount.Everybody), snap.quarantinesOn(device))
	}
	if !anyCounted(totals) {
		return f
	}
	return f.carried(wholeOf(is, counted(cells), counted(totals), f.Unmet))
}

func wholeOf(is *issue, cells, totals []fleet.Counts, most int64) Figures {
	c, before := underNewest(is.Name, cells, totals, most)
	f := is.lex.figures(c)
	f.Unmet, f.ProvenEarlier, f.OppositeEarlier = before.unmet, before.proven, before.opposite
	return f
}

// own are the figures of a release on a model: what was shown of it, by handsets that moved on too.
func (snap *snapshot) own(is *issue, device string) Figures {
	cells := snap.cellsOf(is, device)
	f := is.lex.figures(cells...)
	if anyQuarantined(cells) {
		f = f.leaving(is.lex.figures(quarantined(cells)...), snap.quarantinesOn(device))
	}
	if !anyCounted(cells) {
		return f
	}
	return f.carried(is.lex.figures(counted(cells)...))
}

func (snap *snapshot) cellsOf(is *issue, device string) (cells []fleet.Counts) {
	for _, c := range snap.cells[device] {
		if c.Release == is.Name {
			cells = append(cells, c)
		}
	}
	return cells
}
