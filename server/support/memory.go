// SPDX-License-Identifier: Apache-2.0

package support

import (
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"landed/manifests/effect"
	signed "landed/manifests/evidence"
	"landed/server/fleet"
)

// memory is what was said of each model the last time, in one language. While reports come in, a few models of a long line-up move
// between one front page and the next, and all others are said, and drawn, as before. What it gives is shared: nobody may change it.
type memory struct {
	clock func() time.Time // tells the time, and asks for no page to be made again for it
	bases *bases
	mu    sync.Mutex
	last  map[string]saying // by device
}

// saying is what was said of a model, and the number of what it was made from.
type saying struct {
	from  int64
	model Model
	timed bool // it says how long something lasts yet
}

// sayings numbers what was said, so that a page knows what it has drawn.
var sayings atomic.Int64

// today is what the describer says of a model today, said again only if something that it is made from moved.
func (m *memory) today(d describer, snap *snapshot, device string) Model {
	from := m.bases.number(d, snap, device, m.clock())
	m.mu.Lock()
	was, ok := m.last[device]
	m.mu.Unlock()
	if ok && was.from == from {
		if was.timed {
			d.now() // the page that has it is timed, too
		}
		return was.model
	}
	is := saying{from: from}
	told := d
	told.now = func() time.Time {
		is.timed = true
		return d.now()
	}
	is.model = told.today(snap, device)
	if is.model.said = was.model.said; !ok || !reflect.DeepEqual(is.model, was.model) { // a minute went by, and it is said as before
		is.model.said = sayings.Add(1)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		m.last = map[string]saying{}
	}
	m.last[device] = is
	return is.model
}

// bases number what is said of models, in every language, from what it is said: the same number, the same basis.
type bases struct {
	mu     sync.Mutex
	newest int64
	last   map[string]numbered // by device
}

type numbered struct {
	number int64
	basis  *basis
	read   *snapshot // that it was of the last time; it is of no other of one moment
}

// number is that of the basis of a model in a snapshot. Of one snapshot, in whatever words, it is made once.
func (b *bases) number(d describer, snap *snapshot, device string, now time.Time) int64 {
	common := commonOf(d, device, now)
	b.mu.Lock()
	defer b.mu.Unlock()
	was, ok := b.last[device]
	if ok && was.read == snap.read() && was.basis.common == common {
		return was.number
	}
	is := numbered{was.number, d.basis(common, snap, device), snap.read()}
	if !ok || !was.basis.equal(is.basis) {
		b.newest++
		is.number = b.newest
	}
	if b.last == nil {
		b.last = map[string]numbered{}
	}
	b.last[device] = is
	return is.number
}

// basis is all of a snapshot that is about one model, and what else its words depend on. A field of snapshot that is not here must be
// of no consequence for them: TestBasis asks for a decision.
type basis struct {
	common
	cells       []fleet.Counts
	totals      []fleet.Counts
	issues      []basisIssue
	found       [][]signed.Finding // of the builds of the release that it stands under
	need, of    int                // observers
	holders     map[string]string
	retired     bool
	quarantines []fleet.Quarantine
	outages     []fleet.Outage
	unnamed     bool
	witnesses   []fleet.Witnesses // of the rollouts, in their order
}

// equal says that the same is said from s as from b. Nearly all of both are figures, which are quicker to hold against each other one by
// one.
func (s *basis) equal(b *basis) bool {
	if !slices.EqualFunc(s.cells, b.cells, fleet.Counts.Equal) || !slices.EqualFunc(s.totals, b.totals, fleet.Counts.Equal) {
		return false
	}
	one, other := *s, *b
	one.cells, one.totals, other.cells, other.totals = nil, nil, nil, nil
	return reflect.DeepEqual(one, other)
}

// basisIssue is a release that the model has, readable or not. A published release changes no more.
type basisIssue struct {
	name     string
	at       time.Time
	program  *effect.Program
	readable bool
	has      bool // a package or a rollout for the model
	rollouts []fleet.Rollout
}

// common is what the words of all models depend on, and is in no snapshot.
type common struct {
	models     *models // the line-up with its builds
	minute     time.Time
	distrusted bool
}

func commonOf(d describer, device string, now time.Time) common {
	d.lineup.device(device) // takes over the line-up of now
	return common{d.lineup.kept.Load(), now.Truncate(time.Minute), d.distrusted != nil && d.distrusted()}
}

func (d describer) basis(common common, snap *snapshot, device string) *basis {
	s := &basis{
		common: common, cells: snap.cells[device], totals: snap.totals[device], need: snap.found.need, of: snap.found.of,
		holders: snap.found.names, retired: snap.retired[device], quarantines: snap.quarantinesOn(device), outages: snap.outages,
		unnamed: snap.unnamed,
	}
	for _, is := range snap.of[device] {
		s.add(snap, is, device, true)
	}
	for _, is := range snap.unreadable {
		s.add(snap, is, device, false)
	}
	if is := snap.newest(device); is != nil && s.of > 0 {
		for _, build := range is.builds(device) {
			s.found = append(s.found, snap.found.on[signed.Subject{Model: device, Build: build}])
		}
	}
	return s
}

func (s *basis) add(snap *snapshot, is *issue, device string, readable bool) {
	one := basisIssue{name: is.Name, at: is.At, program: is.Program, readable: readable, has: slices.Contains(is.models, device)}
	for i := range is.rollouts {
		if r := &is.rollouts[i]; r.Model == device {
			one.rollouts = append(one.rollouts, *r)
			s.witnesses = append(s.witnesses, snap.witnesses[r.ID])
		}
	}
	s.issues = append(s.issues, one)
}
