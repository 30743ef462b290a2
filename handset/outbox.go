// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"time"

	"landed/manifests/report"
	"landed/manifests/report/envelope"
)

// outbox seals reports, gives them their numbers, and sends them until the server has them for good. A report is sent only
// after the state that holds it has been written, so its number is never used again.
type outbox struct {
	mem    *queue
	key    ed25519.PrivateKey
	server *server
	clock  *clock
	chance chance
	log    *slog.Logger
	state  keeper
	silent bool // it was said that no more reports will be made
}

// keeper writes the state to the disk; *store does.
type keeper interface {
	save() error
	owe()          // it must be written before anything is sent
	settle() error // writes what is owed
}

// add seals a report and queues it.
func (o *outbox) add(r report.Report) {
	if o.mem.Seq >= report.MaxSeq {
		o.end()
		return
	}
	r.Seq = o.mem.Seq + 1
	text, id, err := envelope.Seal(r, o.key)
	if err != nil {
		o.log.Error("a report cannot be made", "err", err)
		return
	}
	o.mem.Seq++
	o.state.owe()
	o.mem.Outbox = fitting(append(o.mem.Outbox, queuedReport{ID: id, Kind: r.Kind, Envelope: text}))
}

// end is the end of the sequence numbers. What was reported stands; what is in the outbox is still sent;
// nothing follows, since a number given twice would look like a copied key. A factory reset begins anew. It says so
// once.
func (o *outbox) end() {
	if !o.silent {
		o.log.Error("this installation has made all the reports that it may make; a factory reset begins another",
			"reports", o.mem.Seq)
	}
	o.silent = true
}

// counts are the number of the last report made, and how many the server has not confirmed.
func (o *outbox) counts() (seq int64, unsent int) { return o.mem.Seq, len(o.mem.Outbox) }

// wake is when deliver wants to be called; zero if nothing waits.
func (o *outbox) wake() time.Time {
	first := time.Time{}
	for i, l := range o.mem.Outbox {
		at := o.mem.OutboxWake
		if l.Provisional > 0 {
			at = latest(at, o.mem.OutboxAgain)
		}
		if i == 0 || at.Before(first) {
			first = at
		}
	}
	return first
}

// hurry makes whatever waits due.
func (o *outbox) hurry() { o.mem.OutboxWake = time.Time{} }

// deliver sends what is in the outbox, oldest first, and stops at the first that does not get through.
func (o *outbox) deliver(ctx context.Context) error {
	if len(o.mem.Outbox) == 0 || !o.clock.reached(o.mem.OutboxWake) {
		return nil
	}
	// If the last write failed, what is sent now would be forgotten by a restart, its number given again.
	if err := o.state.settle(); err != nil {
		return err
	}
	for {
		i := o.due()
		if i < 0 {
			return nil
		}
		l := &o.mem.Outbox[i]
		became, err := o.post(ctx, l)
		if became == waits {
			o.mem.OutboxTries++
			o.mem.OutboxWake = o.clock.now().Add(o.chance.backOff(o.mem.OutboxTries, askedWait(err)))
			return errors.Join(err, o.state.save())
		}
		if err != nil {
			o.log.Error("the server refuses a report", "id", l.ID, "err", err)
		}
		o.mem.OutboxTries, o.mem.OutboxWake = 0, time.Time{}
		if became == provisional {
			o.keep(l)
		} else {
			o.mem.Outbox = slices.Delete(o.mem.Outbox, i, i+1)
		}
		if err := o.state.save(); err != nil {
			return err
		}
	}
}

// due is the oldest report that may be sent now, -1 if there is none.
func (o *outbox) due() int {
	again := o.clock.reached(o.mem.OutboxAgain)
	return slices.IndexFunc(o.mem.Outbox, func(l queuedReport) bool { return l.Provisional == 0 || again })
}

// keep notes that the server has taken a report and may let go of it. It goes out again after a day or more; if the
// server still does not keep it then, all others of its kind wait as long once more, and that counts for each of them.
func (o *outbox) keep(l *queuedReport) {
	first := l.Provisional == 0
	if first {
		l.Provisional = 1
	}
	if first && !o.clock.reached(o.mem.OutboxAgain) {
		return // others wait already
	}
	o.mem.OutboxAgain = o.clock.now().Add(provisionalWait + time.Duration(o.chance.below(uint64(provisionalWait/2))))
	if first {
		return
	}
	before := len(o.mem.Outbox)
	o.mem.Outbox = slices.DeleteFunc(o.mem.Outbox, func(l queuedReport) bool { return l.Provisional >= maxProvisional })
	for i := range o.mem.Outbox {
		if o.mem.Outbox[i].Provisional > 0 {
			o.mem.Outbox[i].Provisional++
		}
	}
	if gone := before - len(o.mem.Outbox); gone > 0 {
		o.log.Warn("the server has not kept reports for two weeks; they are let go", "reports", gone)
	}
}

// became is what an answer makes of a report.
type became int

const (
	waits       became = iota // it is sent again
	provisional               // the server has it for now; it is kept, and sent again another day
	done                      // the server has it for good, or will never have it
)

// post sends one report. Only three answers change anything: the receipt of this very report, for good or for now, and a
// problem with a code that the protocol defines. What a captive portal, a cache, or a file server that stands in for the
// feed answers says nothing.
func (o *outbox) post(ctx context.Context, l *queuedReport) (became, error) {
	resp, body, err := o.server.post(ctx, l.Envelope)
	if err != nil {
		return waits, fmt.Errorf("send report: %w", err)
	}
	var answer struct{ ID, Code string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return waits, o.server.fault(resp,
			fmt.Errorf("send report: the server answers %s, and does not speak of the report", status(resp)))
	}
	switch {
	case answer.ID != l.ID:
	case resp.StatusCode == http.StatusOK, resp.StatusCode == http.StatusCreated:
		return done, nil
	case resp.StatusCode == http.StatusAccepted:
		return provisional, nil
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	problem := resp.StatusCode/100 == 4 && kind == "application/problem+json"
	if problem && slices.Contains(unknown, answer.Code) {
		l.Refused++
	}
	err = o.server.fault(resp, fmt.Errorf("send report: the server answers %s (%.40q)", status(resp), answer.Code))
	if problem && slices.Contains(final, answer.Code) || l.Refused >= maxRefusals {
		return done, err
	}
	return waits, err
}
