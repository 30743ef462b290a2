// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ask publishes an epoch; 0 publishes none.
func (r *rig) ask(epoch int) {
	r.server.AlterOffers = func(text []byte) []byte {
		if epoch == 0 {
			return text
		}
		return []byte(put(`"model"`, fmt.Sprintf(`"epoch":%d`, epoch))(string(text)))
	}
	r.server.Publish()
}

// days lets days pass, an hour at a time, and gives how many reports came meanwhile.
func (r *rig) days(n int) int {
	before := len(r.server.Reports())
	for range n * 24 {
		r.step()
		r.pass(time.Hour)
	}
	return len(r.server.Reports()) - before
}

// TestEpochIsAnsweredOnce: a larger epoch is answered within a day after it was met, by what would be said now, under a
// new number; no other epoch is, and no restart answers twice.
func TestEpochIsAnsweredOnce(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.offered()
	r.step()
	for _, tt := range []struct {
		epoch, answers int
	}{{3, 1}, {3, 0}, {2, 0}, {0, 0}, {4, 1}} {
		r.client.store.mem.Baseline = r.now // so that the weekly one is not among them
		r.ask(tt.epoch)
		if got := r.days(2); got != tt.answers {
			t.Errorf("epoch %d: %d answers, wanted %d", tt.epoch, got, tt.answers)
		}
		r.open()
	}
	want := []string{"1 baseline known 0h", "2 baseline known 24h", "3 baseline known 168h"}
	got := kinds(r.server.Reports())
	if len(got) != len(want) || got[0] != want[0] || got[2] != want[2] {
		t.Error(cmp.Diff(want, got))
	}
}

// TestEpochOfWhoRuns: the answer is the effect, and the milestones come as ever.
func TestEpochOfWhoRuns(t *testing.T) {
	r := newRig(t)
	r.days(2)
	r.ask(1)
	if got := r.days(2); got != 1 {
		t.Fatalf("%d answers", got)
	}
	r.days(5)
	want := []string{"5 effect running 1h", "6 effect running 24h", "7 effect running 24h", "8 effect running 168h"}
	if diff := cmp.Diff(want, kinds(r.server.Reports()[4:])); diff != "" {
		t.Error(diff)
	}
}

// TestNothingToRepeat: who has said nothing when it meets an epoch has nothing to say again.
func TestNothingToRepeat(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.ask(9)
	r.offered()
	if r.days(3); len(r.server.Reports()) != 1 || r.client.store.mem.Epoch != 9 {
		t.Errorf("%v, epoch %d", kinds(r.server.Reports()), r.client.store.mem.Epoch)
	}
}

// TestEpochsOfAThief: whoever publishes another epoch every hour gets one report a day of each handset.
func TestEpochsOfAThief(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.offered()
	r.step()
	const days = 6
	before := len(r.server.Reports())
	for hour := range days * 24 {
		r.ask(1 + hour)
		r.client.Hurry()
		r.step()
		r.pass(time.Hour)
	}
	got := r.server.Reports()[before:]
	if len(got) > days || len(got) < days-2 {
		t.Errorf("%d answers in %d days", len(got), days)
	}
}

// TestEpochAnswersAreSpread: the answers of a fleet lie evenly over a day, by nothing that a server chose.
func TestEpochAnswersAreSpread(t *testing.T) {
	const n = 4_000
	var hours [24]int
	for i := range n {
		r := &reporter{secret: fmt.Appendf(nil, "handset %d", i)}
		after := r.spread(5)
		if after < 0 || after >= 24*time.Hour {
			t.Fatalf("after %s", after)
		}
		hours[int(after.Hours())]++
		if r.spread(5) != after || r.spread(6) == after && r.spread(7) == after {
			t.Fatalf("handset %d: %s, %s, %s", i, after, r.spread(6), r.spread(7))
		}
	}
	for hour, got := range hours {
		if got < n/24/2 || got > n/24*2 {
			t.Errorf("%d of %d answer in hour %d", got, n, hour)
		}
	}
}

var hashes = regexp.MustCompile("[0-9a-f]{64}") // of the offers document, which holds the epoch

// TestEpochIsNotSentBack: what is asked and reported with an epoch is what it is without one, but for one more report.
func TestEpochIsNotSentBack(t *testing.T) {
	sent := func(epoch int) (requests []string) {
		r := newRig(t)
		r.offer.Share = 0
		r.offered()
		r.step()
		r.server.Bend = func(_ http.ResponseWriter, req *http.Request) bool {
			body, _ := io.ReadAll(req.Body)
			req.Body = io.NopCloser(bytes.NewReader(body))
			if bytes.Contains(body, []byte("epoch")) || bytes.Contains(body, []byte("777001")) {
				t.Errorf("an epoch is sent: %s", body)
			}
			requests = append(requests, fmt.Sprint(req.Method, hashes.ReplaceAllString(req.URL.Path, "*"), len(body)))
			return false
		}
		r.ask(epoch)
		r.client.Hurry()
		r.step()
		return requests
	}
	if diff := cmp.Diff(sent(777_001), sent(777_002)); diff != "" {
		t.Error(diff)
	}
}

// TestEpochOfForgedOffers: nobody but whoever signs the offers asks.
func TestEpochOfForgedOffers(t *testing.T) {
	r := newRig(t)
	r.offer.Share = 0
	r.offered()
	r.step()
	r.server.OffersKey = r.server.SnapshotKey // not the one that the targets role names
	r.server.AlterOffers = func(text []byte) []byte { return []byte(put(`"model"`, `"epoch":5`)(string(text))) }
	r.server.PublishOffers("armani")
	r.client.Hurry()
	if refusal := r.step(); refusal == nil || r.client.store.mem.Epoch != 0 || !r.client.store.mem.EpochDue.IsZero() {
		t.Errorf("%v, epoch %d", refusal, r.client.store.mem.Epoch)
	}
}
