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

// outbox seals reports, gives them their numbers, and sends them until the server has them. A report is sent only
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
	if len(o.mem.Outbox) == 0 {
		return time.Time{}
	}
	return o.mem.OutboxWake
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
	for len(o.mem.Outbox) > 0 {
		again, err := o.post(ctx, &o.mem.Outbox[0])
		if again {
			o.mem.OutboxTries++
			o.mem.OutboxWake = o.clock.now().Add(o.chance.backOff(o.mem.OutboxTries, askedWait(err)))
			return errors.Join(err, o.state.save())
		}
		if err != nil {
			o.log.Error("the server refuses a report", "id", o.mem.Outbox[0].ID, "err", err)
		}
		o.mem.Outbox, o.mem.OutboxTries, o.mem.OutboxWake = o.mem.Outbox[1:], 0, time.Time{}
		if err := o.state.save(); err != nil {
			return err
		}
	}
	return nil
}

// post sends one report. again says that the waiting goes on. Only two answers end it: the receipt of this very
// report, and a problem with a code that the protocol defines. What a captive portal, a cache, or a file server that
// stands in for the feed answers says nothing.
func (o *outbox) post(ctx context.Context, l *queuedReport) (again bool, err error) {
	resp, body, err := o.server.post(ctx, l.Envelope)
	if err != nil {
		return true, fmt.Errorf("send report: %w", err)
	}
	var answer struct{ ID, Code string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return true, o.server.fault(resp,
			fmt.Errorf("send report: the server answers %s, and does not speak of the report", status(resp)))
	}
	if resp.StatusCode == http.StatusOK && answer.ID == l.ID {
		return false, nil
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	problem := resp.StatusCode/100 == 4 && kind == "application/problem+json"
	if problem && slices.Contains(unknown, answer.Code) {
		l.Refused++
	}
	ends := problem && slices.Contains(final, answer.Code) || l.Refused >= maxRefusals
	err = fmt.Errorf("send report: the server answers %s (%.40q)", status(resp), answer.Code)
	return !ends, o.server.fault(resp, err)
}
