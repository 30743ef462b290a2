// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"landed/manifests/evidence"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
	"landed/server"
	kit "landed/server/servertest"
)

// TestVouchersEnd: the log tells before a voucher ends, once at each step, and no more when there is another, or it was
// taken back.
func TestVouchersEnd(t *testing.T) {
	h := kit.New(t)
	h.Released("armani", "dior")
	kit.NameOutsiders(h, []string{"armani", "dior"}, tufrepo.OutsiderKeys{Role: tufrepo.Witnesses, Who: kit.KeysOf(1, "lab")})
	log := &strings.Builder{}
	tell, last := server.WatchVouchers(server.Config{Now: func() time.Time { return h.Now },
		Log: slog.New(slog.NewTextHandler(log, nil))}, h.DB)
	begins := h.Now
	hand := func(said evidence.Said) (id string) {
		t.Helper()
		text, id := kit.SealStatement(t, "lab", said)
		if _, _, err := h.Evidence.Add(h.Ctx, text, "ann"); err != nil {
			t.Fatal(err)
		}
		return id
	}
	vouch := func(ref report.Reference, model string, days int) string {
		v := kit.Voucher(h, ref, model)
		v.From, v.Until = h.Now, h.Now.AddDate(0, 0, days)
		return hand(evidence.Said{Voucher: &v})
	}
	first := vouch("0123456789ABCDEFGHJKMNPQ", "armani", 100)
	vouch("1123456789ABCDEFGHJKMNPQ", "dior", 400)
	at := func(days int, want string) {
		t.Helper()
		h.Now = begins.AddDate(0, 0, days)
		log.Reset()
		for range 2 {
			if err := tell(h.Ctx); err != nil {
				t.Fatal(err)
			}
		}
		if got := log.String(); strings.Count(got, "level=ERROR") != min(1, len(want)) || !strings.Contains(got, want) {
			t.Errorf("day %d: wanted %q once, and the log says %q", days, want, got)
		}
	}
	at(0, "")
	at(74, "")
	at(76, "model=armani vouchers=1 first=2014-11-28T09:00:00.000Z percent=75")
	at(80, "")
	at(91, "percent=90")
	if got := last(h.Ctx); !got["armani"].Equal(begins.AddDate(0, 0, 100)) || len(got) != 2 {
		t.Errorf("the metrics say %v", got)
	}
	second := vouch("0123456789ABCDEFGHJKMNPQ", "armani", 100)
	at(91, "")
	at(150, "")
	hand(evidence.Said{Withdrawal: &evidence.Withdrawal{Statement: second, At: h.Now, Reason: "lost"}})
	at(150, "")
	if got := last(h.Ctx); !got["armani"].Equal(begins.AddDate(0, 0, 100)) {
		t.Errorf("the metrics say %v", got)
	}
	hand(evidence.Said{Withdrawal: &evidence.Withdrawal{Statement: first, At: h.Now, Reason: "lost"}})
	if got := last(h.Ctx); len(got) != 1 {
		t.Errorf("the metrics say %v", got)
	}
	at(401, "model=dior vouchers=1 first=2015-09-24T09:00:00.000Z percent=100")
}
