// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"landed/manifests/report/envelope"
)

// door is what stands at /v1/reports: it answers each report by its number, and notes when which came.
type door struct {
	r      *rig
	status func(seq int64) int
	came   []string // "day seq"
}

func (r *rig) door(status func(seq int64) int) *door {
	d := &door{r: r, status: status}
	start := r.now
	r.server.Bend = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPost {
			return false
		}
		text, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(text))
		got, _, err := envelope.Open(text)
		if err != nil {
			r.t.Error(err)
		}
		d.came = append(d.came, fmt.Sprintf("%d %d", int(r.now.Sub(start).Hours())/24, got.Seq))
		code := d.status(got.Seq)
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"id":%q,"stored":"x"}`, got.ID)
		return true
	}
	return d
}

// unsent is how many reports the handset still keeps.
func (r *rig) unsent() int {
	st, err := r.client.Status()
	if err != nil {
		r.t.Fatal(err)
	}
	return st.Unsent
}

// TestTakenForNow: what the server has taken for now is kept, and does not stand in the way of what follows; it is sent
// again after a day or more, over restarts, until the server keeps it.
func TestTakenForNow(t *testing.T) {
	for _, good := range []int{http.StatusOK, http.StatusCreated} {
		r := newRig(t)
		room := false
		d := r.door(func(int64) int {
			if room {
				return good
			}
			return http.StatusAccepted
		})
		r.step() // a whole update: four reports
		if len(d.came) != 4 || r.unsent() != 4 {
			t.Fatalf("came %v, %d are kept", d.came, r.unsent())
		}
		for range 23 {
			r.pass(time.Hour)
			r.client.Hurry()
			r.open()
			r.step()
		}
		if slices.Contains(d.came, "0 1") && len(d.came) != 5 { // the effect of the first hour came, and nothing again
			t.Errorf("within a day came %v", d.came)
		}
		d.came, room = nil, true
		for range 13 {
			r.pass(time.Hour)
			r.step()
		}
		if n := r.unsent(); n != 0 || len(d.came) != 6 {
			t.Errorf("%d: %d are kept, came %v", good, n, d.came)
		}
	}
}

// TestNoRoomForWeeks: a server that never keeps a report is asked once a day at most, whatever waits, and in the end it is
// let go.
func TestNoRoomForWeeks(t *testing.T) {
	r := newRig(t)
	d := r.door(func(int64) int { return http.StatusAccepted })
	r.step()
	first := len(d.came)
	for range 24 * 30 {
		r.pass(time.Hour)
		r.step()
	}
	perDay, again := map[string]int{}, 0
	for _, came := range d.came[first:] {
		var day string
		var seq int
		fmt.Sscan(came, &day, &seq)
		if seq <= first {
			perDay[day]++
			again++
		}
	}
	for day, n := range perDay {
		if n > 1 {
			t.Errorf("%d were sent again on day %s", n, day)
		}
	}
	if again != maxProvisional || r.unsent() >= first+3 {
		t.Errorf("sent again %d times, wanted %d; %d are kept", again, maxProvisional, r.unsent())
	}
}

// TestTakenForNowBySomebodyElse: 202 without the report's own id is nobody's receipt.
func TestTakenForNowBySomebodyElse(t *testing.T) {
	r := newRig(t)
	r.answers(http.StatusAccepted, "application/json", `{"id":"00","stored":"provisional"}`)
	r.step()
	if mem := r.client.store.mem; mem.Outbox[0].Provisional != 0 || mem.OutboxTries != 1 || mem.OutboxWake.IsZero() {
		t.Errorf("%+v", mem.queue)
	}
}

// TestRefusedAfterAll: a report that was taken for now may still be refused for good; the others stay.
func TestRefusedAfterAll(t *testing.T) {
	r := newRig(t)
	r.door(func(int64) int { return http.StatusAccepted })
	r.step()
	r.answers(http.StatusUnprocessableEntity, problemJSON, `{"code":"report_malformed"}`)
	r.pass(37 * time.Hour)
	r.step()
	if n := r.unsent(); n != 0 {
		t.Errorf("%d are kept", n)
	}
}
