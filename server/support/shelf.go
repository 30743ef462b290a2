// SPDX-License-Identifier: Apache-2.0

package support

// shelf keeps answers, so many and so large in all. There are two generations of them: what is asked for moves to the young ones, and when
// those are too many, or too large together, they are the old ones, and what the old ones were is gone. Whoever asks for ever more pages
// throws away what nobody asks for, and fills no memory.
type shelf struct {
	most  int // answers of a generation
	bytes int // of a generation; one answer that is larger is a generation of its own

	young, old map[key]*answer // the old are those that were not asked for since the young ones began
	size       int             // of the young
}

// keptBytes is how large all answers are at most that are kept, as they grow (answer.size), and keptAnswers how many of releases,
// models and of the status are kept at least, and half of those that are at most.
const (
	keptBytes   = 64 << 20
	keptAnswers = 256
)

// newShelves are those of each kind of readers, so that none throws away what others read. What is read by one alone is hardly asked for
// again: few of those are kept, for whoever looks on.
func newShelves() (all [kindsOfReaders]*shelf) {
	pages := &shelf{most: keptAnswers, bytes: keptBytes * 5 / 16}
	all[frontReaders], all[allReaders] = pages, pages
	all[installationReaders] = &shelf{most: 32, bytes: keptBytes * 3 / 32}
	all[oneReader] = &shelf{most: 8, bytes: keptBytes * 3 / 32}
	for _, s := range all {
		s.young = map[key]*answer{}
	}
	return all
}

// find looks for an answer; one that is asked for stays young.
func (s *shelf) find(k key) *answer {
	if a := s.young[k]; a != nil {
		return a
	}
	a := s.old[k]
	if a != nil {
		s.keep(k, a)
	}
	return a
}

// keep has an answer stand in the place of the one that there was.
func (s *shelf) keep(k key, a *answer) {
	if was := s.young[k]; was != nil {
		s.size -= was.size
		delete(s.young, k)
	}
	if len(s.young) >= s.most || len(s.young) > 0 && s.size+a.size > s.bytes {
		s.old, s.young, s.size = s.young, map[key]*answer{}, 0
	}
	delete(s.old, k)
	s.young[k], s.size = a, s.size+a.size
}
