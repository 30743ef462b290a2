// SPDX-License-Identifier: Apache-2.0

package support

import (
	"cmp"
	"context"
	"sync"
)

// front is what the first page is made from, in every language and form. Nobody may change it.
type front struct {
	moment
	snap *snapshot
	past *soFar // of the fleet
}

// fronts have the newest front. Those who follow the first page in several languages do so at about the same time: what one of them
// has read is good for the others who come a moment later, for as long as an answer is made before it has run out (1-ahead of its
// time), or while nothing has changed. No answer is given for longer than if it had been read for itself: it is of the moment of the front.
type fronts struct {
	kept *kept
	mu   sync.Mutex
	last *front
}

// of gives the newest front if that is good, else one that is read now, by who is told of the last one (an empty one at first). Of
// those who ask for first pages, one at a time comes here (kept.turn).
func (f *fronts) of(ctx context.Context, read func(now, was *front) error) (*front, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if is := f.last; is != nil && (f.kept.within(is.moment, 1-ahead) || f.kept.unchanged(ctx, is.moment)) {
		return is, nil
	}
	m, err := f.kept.moment(ctx)
	if err != nil {
		return nil, err
	}
	is := &front{moment: m}
	if err := read(is, cmp.Or(f.last, &front{})); err != nil {
		return nil, err
	}
	f.last = is
	return is, nil
}
