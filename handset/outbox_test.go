// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/report"
)

// answers lets somebody else answer at the door of the reports.
func (r *rig) answers(status int, kind, body string) {
	r.bend("/v1/reports", func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

const problemJSON = "application/problem+json"

// What stands in for the server, a captive portal or a plain file server, decides nothing about a report: it waits,
// and the server's own answer ends the waiting.
func TestOnlyTheServerDecidesAboutReports(t *testing.T) {
	for name, answer := range map[string]struct {
		status     int
		kind, body string
		kept       bool
	}{
		"captive portal":         {200, "text/html", "<html>Please log in</html>", true},
		"another report":         {200, "application/json", `{"id":"00000000000000000000000000000000","stored":"new"}`, true},
		"file server":            {404, "text/plain", "404 page not found\n", true},
		"read-only server":       {405, "text/plain", "", true},
		"JSON of a cloud":        {403, "application/json", `{"code":"AccessDenied","id":"x"}`, true},
		"JSON of a cloud, ours?": {400, "application/json", `{"code":"report_malformed"}`, true},
		"a problem of a gateway": {403, problemJSON, `{"code":"forbidden"}`, true},
		"cut off on the way":     {422, problemJSON, `{"code":"truncated"}`, true},
		"busy":                   {503, problemJSON, `{"code":"queue_full"}`, true},
		"final, from a fault":    {500, problemJSON, `{"code":"report_malformed"}`, true},
		"too many":               {429, problemJSON, `{"code":"slow_down"}`, true},
		"unknown as yet":         {422, problemJSON, `{"code":"release_unknown"}`, true},
		"written too early":      {501, problemJSON, `{"code":"report_version"}`, true},
		"written too early, 4xx": {422, problemJSON, `{"code":"report_version"}`, true},
		"refused":                {422, problemJSON, `{"code":"report_malformed"}`, false},
		"written too late":       {422, problemJSON, `{"code":"report_version_old"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.answers(answer.status, answer.kind, answer.body)
			r.step()
			st, err := r.client.Status()
			if err != nil || (st.Unsent > 0) != answer.kept {
				t.Fatalf("%d reports wait, %v", st.Unsent, err)
			}
			r.server.Bend = nil
			r.client.Hurry()
			r.step()
			if st, _ := r.client.Status(); st.Unsent != 0 || answer.kept && len(r.server.Reports()) != int(st.Seq) {
				t.Errorf("%d wait, %d of %d arrived", st.Unsent, len(r.server.Reports()), st.Seq)
			}
		})
	}
}

// A folder that a program of version 1 left holds its sealed reports. A server that takes those no more lets the ones
// behind them through.
func TestOldReportsBarNoNewOnes(t *testing.T) {
	r, _ := newRecordedRig(t, "handset-downloading", fixtures.Unpatched, 0)
	old := len(r.client.store.mem.Outbox)
	if r.step(); old == 0 || len(r.client.store.mem.Outbox) <= old {
		t.Fatalf("%d old reports wait, %d in all", old, len(r.client.store.mem.Outbox))
	}
	refused, taken := 0, 0
	r.client.outbox.server.http.Transport = direct{http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if !bytes.Equal(body, r.client.store.mem.Outbox[0].Envelope) {
			t.Error("sent out of order")
		}
		if refused < old {
			refused++
			w.Header().Set("Content-Type", problemJSON)
			w.WriteHeader(http.StatusUnprocessableEntity)
			io.WriteString(w, `{"code":"report_version_old"}`)
			return
		}
		taken++
		fmt.Fprintf(w, `{"id":%q,"stored":"new"}`, r.client.store.mem.Outbox[0].ID)
	})}
	r.client.Hurry()
	r.client.store.mem.Wake = r.now.Add(time.Hour) // only the reports
	if r.step(); refused != old || taken == 0 || len(r.client.store.mem.Outbox) != 0 {
		t.Errorf("%d of %d refused, %d taken, %d wait", refused, old, taken, len(r.client.store.mem.Outbox))
	}
}

// Reports of a whole update and the week after it lie at a door that is shut, over restarts, and then all arrive.
func TestReportsOutlastAShutDoor(t *testing.T) {
	r := newRig(t)
	r.answers(http.StatusNotFound, "text/plain", "404 page not found\n")
	for day := range 9 {
		for range 24 {
			r.step()
			r.pass(time.Hour)
		}
		if day%3 == 0 {
			r.open()
		}
	}
	r.server.Bend = nil
	r.client.Hurry()
	r.step()
	got := r.server.Reports()
	if len(got) != 7 || got[0].Kind != report.KindBaseline || got[6].Answers["observed_hours"].Int() != 168 {
		t.Errorf("arrived: %v", kinds(got))
	}
}

// A report that names what the server does not know is let go in the end, so that the later ones get through.
func TestReportOfTheUnknownIsLetGo(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.offered()
	r.answers(http.StatusUnprocessableEntity, problemJSON, `{"code":"release_unknown"}`)
	n := 0
	for ; n < 20; n++ {
		r.client.Hurry()
		r.step()
		if st, _ := r.client.Status(); st.Unsent == 0 {
			break
		}
	}
	if n+1 != maxRefusals {
		t.Errorf("let go after %d refusals, wanted %d", n+1, maxRefusals)
	}
}

// What does not fit into the outbox is a step of an update, as long as there is one; never the first report, which
// says what was before, nor the last.
func TestFitting(t *testing.T) {
	outbox := []queuedReport{{ID: "0", Kind: report.KindBaseline}}
	for i := 1; i <= 2*maxQueued; i++ {
		kind := report.KindEffect
		if i > 10 && i <= 80 {
			kind = report.KindProgress
		}
		outbox = fitting(append(outbox, queuedReport{ID: fmt.Sprint(i), Kind: kind}))
	}
	kept := map[string]bool{}
	for _, l := range outbox {
		kept[l.ID] = true
	}
	if len(outbox) != maxQueued || !kept["0"] || !kept[fmt.Sprint(2*maxQueued)] || !kept["10"] || kept["11"] {
		t.Errorf("kept %d: %v", len(outbox), kept)
	}
}

// A report whose state could not be written is not sent: after a restart its sequence number would be given again.
func TestNothingUnwrittenIsSent(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.offered()
	r.step()
	sent := len(r.server.Reports())
	mend := r.breakFile("client/" + stateFile)
	r.pass(8 * 24 * time.Hour)
	if _, err := r.client.Step(t.Context()); err == nil {
		t.Fatal("a state that cannot be written is no error")
	}
	if got := r.server.Reports()[sent:]; len(got) > 0 {
		t.Errorf("sent before it was written: %v", kinds(got))
	}
	mend()
	r.open() // killed, and started again
	r.pass(25 * time.Hour)
	r.step()
	seqs := map[int64]string{}
	for _, got := range r.server.Reports() {
		if id, twice := seqs[got.Seq]; twice && id != got.ID {
			t.Errorf("two reports carry sequence %d", got.Seq)
		}
		seqs[got.Seq] = got.ID
	}
	if len(seqs) != sent+1 {
		t.Errorf("%d reports in all, wanted the weekly one once the disk was mended", len(seqs))
	}
}
