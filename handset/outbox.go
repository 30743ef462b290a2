// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"landed/manifests/report"
)

const (
	maxQueued   = 64 // unsent reports
	maxRefusals = 14 // in about five days, in which the server may come to know what a report names
)

// queuedReport is a sealed report that the server has not confirmed yet.
type queuedReport struct {
	ID       string      `json:"id"`
	Kind     report.Kind `json:"kind"`
	Envelope []byte      `json:"envelope"`
	Refused  int         `json:"refused,omitempty"` // how often the server did not know what it speaks of
}

// The codes of docs/protocol/report.md that end a report's waiting, besides its receipt. final ones are about its
// bytes, which stay as they are: one that an older program sealed never becomes of a newer version, and those of this
// program wait behind it. unknown ones are about what the server knows, and a server that was restored, or whose
// catalogue comes after its handsets, learns it again. report_version is among neither: a server that does not read
// this version yet will, and the report waits for it, however long that takes.
var (
	final = []string{"envelope_malformed", "report_malformed", "report_forged", "report_too_large", "too_large",
		"id_reused", "model_changed", "too_many_reports", "report_version_old"}
	unknown = []string{"model_unknown", "variant_unknown", "channel_unknown", "build_unknown", "release_unknown",
		"release_not_for_model"}
)

// fitting drops a report from an outbox that has grown too long: the oldest step of an update, which the later ones
// imply, or the oldest but one. The first report is often the only one of the time before the patch, the last one
// says most.
func fitting(outbox []queuedReport) []queuedReport {
	if len(outbox) <= maxQueued {
		return outbox
	}
	last := len(outbox) - 1
	i := slices.IndexFunc(outbox[:last], func(l queuedReport) bool { return l.Kind == report.KindProgress })
	if i < 0 {
		i = 1
	}
	return slices.Delete(outbox, i, i+1)
}

func (c *Client) outboxWake() time.Time {
	if len(c.mem.Outbox) == 0 {
		return time.Time{}
	}
	return c.mem.OutboxWake
}

// deliver sends what is in the outbox, oldest first, and stops at the first that does not get through.
func (c *Client) deliver(ctx context.Context) error {
	if len(c.mem.Outbox) == 0 || !reached(c.cfg.Now(), c.mem.OutboxWake) {
		return nil
	}
	if c.dirty { // the last write failed: what is sent now would be forgotten by a restart, its number given again
		if err := c.save(); err != nil {
			return err
		}
	}
	for len(c.mem.Outbox) > 0 {
		again, err := c.post(ctx, &c.mem.Outbox[0])
		if again {
			c.mem.OutboxTries++
			c.mem.OutboxWake = c.cfg.Now().Add(c.backOff(c.mem.OutboxTries))
			return errors.Join(err, c.save())
		}
		if err != nil {
			c.cfg.Log.Error("the server refuses a report", "id", c.mem.Outbox[0].ID, "err", err)
		}
		c.mem.Outbox, c.mem.OutboxTries, c.mem.OutboxWake = c.mem.Outbox[1:], 0, time.Time{}
		if err := c.save(); err != nil {
			return err
		}
	}
	return nil
}

// post sends one report. again says that the waiting goes on. Only two answers end it: the receipt of this very
// report, and a problem with a code that the protocol defines. What a captive portal, a cache, or a file server that
// stands in for the feed answers says nothing.
func (c *Client) post(ctx context.Context, l *queuedReport) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.URL+"/v1/reports", bytes.NewReader(l.Envelope))
	if err != nil {
		return true, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return true, fmt.Errorf("send report: %w", err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // to the end, so that the connection can be used again
	var answer struct{ ID, Code string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return true, fmt.Errorf("send report: the server answers %s, and does not speak of the report", status(resp))
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
	return !ends, fmt.Errorf("send report: the server answers %s (%.40q)", status(resp), answer.Code)
}
