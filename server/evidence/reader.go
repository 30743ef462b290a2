// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"landed/manifests/evidence"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Reader reads what observers and witnesses signed, and remembers it: statements are only ever added, so what it knows
// of a model holds until there are more of them, or another targets names other people. The zero Reader is ready, and
// may be used by any number of goroutines.
type Reader struct {
	mu  sync.Mutex
	now *people
}

// people are those whom one version of targets names, and what they signed.
type people struct {
	targets int64 // its version, 0 before the first
	info    tufrepo.Info
	mu      sync.Mutex
	models  map[string]*model // by device
}

// model is what was signed about one model.
type model struct {
	n        int
	all      []evidence.Statement
	findings map[string][]evidence.Finding // by build, of those that were asked for
	vouched  []evidence.Vouched
}

// Snapshot is what was signed, as of one transaction.
type Snapshot struct {
	ctx    context.Context
	tx     fleet.Tx
	people *people
	sizes  map[string]int // of statements, by device
}

// Open looks at what there is. The snapshot is good for as long as the transaction.
func (r *Reader) Open(ctx context.Context, tx fleet.Tx) (*Snapshot, error) {
	sizes, err := tx.Statements().Sizes(ctx)
	if err != nil {
		return nil, err
	}
	m, err := tx.Metadata().Latest(ctx, tufrepo.Targets)
	if err != nil && !fleet.Is(err, fleet.NotFound) {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil || m.Version != r.now.targets {
		next := &people{targets: m.Version, models: map[string]*model{}}
		if m.Version > 0 {
			if next.info, err = tufrepo.Read(m.Bytes); err != nil {
				return nil, fmt.Errorf("published targets: %w", err)
			}
		}
		r.now = next
	}
	return &Snapshot{ctx, tx, r.now, sizes}, nil
}

// Observers is how many of how many observers must confirm a statement; zeros if there are none.
func (s *Snapshot) Observers() (need, of int) {
	who := s.people.info.OutsidersOf(tufrepo.Observers)
	return who.Threshold, len(who.Keys)
}

// Findings are what the observers found on a build of a model, one for each kind.
func (s *Snapshot) Findings(device, build string) ([]evidence.Finding, error) {
	s.people.mu.Lock()
	defer s.people.mu.Unlock()
	m, err := s.model(device)
	if err != nil {
		return nil, err
	}
	if f, ok := m.findings[build]; ok {
		return f, nil
	}
	f := evidence.Stand(m.all, s.people.info.OutsidersOf(tufrepo.Observers), evidence.Subject{Model: device, Build: build})
	m.findings[build] = f
	return f, nil
}

// Vouched are the vouchers for handsets of a model, those that were withdrawn or ran out too.
func (s *Snapshot) Vouched(device string) ([]evidence.Vouched, error) {
	s.people.mu.Lock()
	defer s.people.mu.Unlock()
	m, err := s.model(device)
	if err != nil {
		return nil, err
	}
	return m.vouched, nil
}

// Spans are, by device, how long people vouch for its handsets: of each handset the span that ends last, and none that was
// withdrawn. Devices without one are not in it.
func (s *Snapshot) Spans() (map[string][]fleet.Span, error) {
	all := map[string][]fleet.Span{}
	for device := range s.sizes {
		vouched, err := s.vouchedFor(device)
		if err != nil {
			return nil, err
		}
		for _, w := range vouched {
			all[device] = append(all[device], slices.MaxFunc(w.Vouched, func(a, b fleet.Span) int { return a.Until.Compare(b.Until) }))
		}
	}
	return all, nil
}

// model reads what was signed about a model, if there is more than is known. It is called with the lock held.
func (s *Snapshot) model(device string) (*model, error) {
	have := s.people.models[device]
	if have != nil && have.n == s.sizes[device] {
		return have, nil
	}
	m := &model{n: s.sizes[device], findings: map[string][]evidence.Finding{}}
	if m.n > 0 {
		stored, err := s.tx.Statements().OfModel(s.ctx, device)
		if err != nil {
			return nil, err
		}
		for _, one := range stored {
			parsed, err := evidence.Parse(one.Envelope)
			if err != nil || parsed.ID != one.ID {
				return nil, fmt.Errorf("the stored statement %s cannot be read as what it was: %w", one.ID, err)
			}
			m.all = append(m.all, parsed)
		}
		m.vouched = evidence.Vouchers(m.all, s.people.info.WitnessesFor(roleOf(device)), device)
	}
	s.people.models[device] = m
	return m, nil
}
