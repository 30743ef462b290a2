// SPDX-License-Identifier: Apache-2.0

// Package native is the door of our own handsets: POST /v1/reports, one signed report each.
//
// Parties: handsets send a DSSE envelope; package intake opens, judges and stores it. It
// promises an answer only after the report is on disk, the same answer to the same report
// sent again, and problem+json with a stable code for everything else. It refuses bodies
// larger than an envelope can be before it reads them, other content types, and to know
// where a report came from: no client address is stored or logged.
package native

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"

	"landed/manifests/report/envelope"
	"landed/server/fleet"
	"landed/server/intake"
	"landed/server/render"
)

// Receiver takes reports in.
type Receiver interface {
	Receive(ctx context.Context, envelope []byte) (intake.Receipt, error)
}

// Reports answers POST /v1/reports: 200 {"id", "stored": "new"|"replayed"|"late"} or 202 {"id", "stored": "provisional"}.
func Reports(log *slog.Logger, to Receiver) http.Handler {
	return render.API(log, func(w http.ResponseWriter, r *http.Request) error {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "application/json" {
			return fleet.Errorf(fleet.Invalid, "content_type", "a report is sent as application/json, a DSSE envelope")
		}
		if r.ContentLength > envelope.MaxBytes {
			return tooLarge()
		}
		// Room for what was announced, at once: a body that is read by doubling is copied three times.
		body := bytes.NewBuffer(make([]byte, 0, max(r.ContentLength, 0)+bytes.MinRead))
		_, err = body.ReadFrom(io.LimitReader(r.Body, envelope.MaxBytes+1))
		text := body.Bytes()
		if err != nil {
			return &fleet.Error{Kind: fleet.Invalid, Code: "truncated", Msg: "the report did not arrive whole; send it again",
				Err: err}
		}
		if len(text) > envelope.MaxBytes {
			return tooLarge()
		}
		receipt, err := to.Receive(r.Context(), text)
		if err != nil {
			if refused, ok := errors.AsType[*fleet.Error](err); ok && refused.Code == intake.CodeNewcomers {
				w.Header().Set("Retry-After", "1800") // it is counted by the hour
			}
			return err
		}
		status := http.StatusOK
		if receipt.Stored == intake.StoredProvisional {
			status = http.StatusAccepted // no receipt: the handset keeps its copy
		}
		return render.JSON(w, status, receipt)
	})
}

func tooLarge() error {
	return fleet.Errorf(fleet.TooLarge, "too_large", "a report has at most %d bytes", envelope.MaxBytes)
}
