// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"landed/server/fleet"
)

// commit stores what is queued, transaction after transaction. There is no timer: while
// one commit waits for the disk the next batch gathers by itself.
func (i *Intake) commit(oldest *atomic.Pointer[time.Time]) {
	batch := make([]*waiting, 0, i.Batch)
	for w := range i.queue {
		batch = i.gather(append(batch[:0], w))
		begun := time.Now()
		oldest.Store(&batch[0].since)
		i.store(batch)
		oldest.Store(nil)
		i.gauge.took(len(batch), time.Since(begun))
		clear(batch)
	}
}

// gather adds what waits already, and waits for nothing.
func (i *Intake) gather(batch []*waiting) []*waiting {
	for len(batch) < i.Batch {
		select {
		case w, open := <-i.queue:
			if !open {
				return batch
			}
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// pauses are how long a batch waits before it is tried again, when the store was busy or its answer was lost. What was
// stored by then is found as it was sent: it is counted once.
var pauses = []time.Duration{50 * time.Millisecond, 250 * time.Millisecond, time.Second}

// store commits a batch in one transaction and answers it. If the transaction fails, each
// report gets one of its own, so that a bad one spoils no other; not if the store is busy, which no report is to blame for.
func (i *Intake) store(batch []*waiting) {
	answers, err := i.transact(batch)
	for n := 0; n < len(pauses) && passes(err); n++ {
		time.Sleep(pauses[n])
		answers, err = i.transact(batch)
	}
	if err != nil && len(batch) > 1 && !fleet.Is(err, fleet.Busy) {
		for _, w := range batch {
			i.store([]*waiting{w})
		}
		return
	}
	if err != nil {
		for _, w := range batch {
			w.answer <- answered{Result: Result{Refused: err}}
		}
		return
	}
	for n, w := range batch {
		if answers[n].Evicts {
			i.evicted.Add(1)
		}
		w.answer <- answers[n]
	}
}

// passes says if what the store met may be over in a moment.
func passes(err error) bool {
	e, ok := errors.AsType[*fleet.Error](err)
	return ok && e.Kind == fleet.Busy && e.Wait == 0
}

func (i *Intake) transact(batch []*waiting) (answers []answered, err error) {
	_, measured := i.Spans.Begin(context.Background(), "intake.commit")
	measured.Figure("reports", len(batch))
	defer func() { measured.End(err) }()
	// A fault of this program in one report must not end the process or the committer.
	defer func() {
		if p := recover(); p != nil {
			i.Log.Error("panic while storing reports", "reports", len(batch), "panic", fmt.Sprint(p),
				"stack", string(debug.Stack()))
			err = fmt.Errorf("internal fault while storing the report")
		}
	}()
	now := i.Now()
	arrivals := make([]Arrival, len(batch))
	for n, w := range batch {
		arrivals[n] = w.Arrival
	}
	err = i.Store.Intake(context.Background(), func(tx fleet.Tx) error {
		loaded, err := i.load(context.Background(), tx, arrivals)
		if err != nil {
			return err
		}
		results, err := i.Share.take(context.Background(), tx, now, arrivals, loaded)
		answers = make([]answered, len(results))
		for n := range results {
			answers[n] = answered{results[n], standingBy(loaded.States[arrivals[n].Ref])}
		}
		return err
	})
	return answers, err
}
