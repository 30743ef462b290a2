// SPDX-License-Identifier: Apache-2.0

package rollouts_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/server/library"
	"landed/server/rollouts"
	kit "landed/server/servertest"
)

// What there was no room for is offered to nobody, and the log says so, once for each document.
func TestWhatIsCutIsLogged(t *testing.T) {
	h := kit.New(t)
	h.Begin("armani")
	refs := []string{h.Upload("armani", fixtures.Patched).SHA256}
	send := func(name string, change func(*fixtures.Build)) string {
		b := kit.OK(fixtures.BuildOf("armani", fixtures.Patched))(t)
		change(&b)
		body := kit.OK(fixtures.Bytes(b, kit.OTAKey))(t)
		return kit.OK(h.Library.Upload(h.Ctx, library.Incoming{Name: name, Channel: "stable", By: "ann"}, bytes.NewReader(body)))(t).SHA256
	}
	for i := range 7 {
		refs = append(refs, send(fmt.Sprintf("from-%d.zip", i), func(b *fixtures.Build) {
			b.From = []string{fmt.Sprintf("Xiaomi/armani/armani:4.3/JLS36C/JHCMIBF%d.0:user/release-keys", i)}
		}))
	}
	next := send("next.zip", func(b *fixtures.Build) {
		b.Fingerprint, b.Incremental = strings.Replace(b.Fingerprint, "H46", "H47", 1), "JHCMIBH47.0"
		b.UTC += 3600
	})
	var log bytes.Buffer
	h.LogTo(&log, slog.LevelWarn)
	start := func(counter, name string, refs ...string) {
		kit.OK(h.Releases.Create(h.Ctx, kit.ReleaseSource(counter, name), refs, "ann"))(t)
		h.SignAndPublish(kit.OK(h.Releases.Stage(h.Ctx, name, "ann"))(t))
		kit.OK(h.Rollouts.Start(h.Ctx, rollouts.Start{Release: name, By: "ann"}))(t)
	}
	start("1", "eight", refs...)
	if strings.Contains(log.String(), "left_out") {
		t.Errorf("eight packages: %s", &log)
	}
	start("2", "ninth", next)
	if n := strings.Count(log.String(), "from-6.zip of eight.armani.stable"); n != 2 { // announced, then offered
		t.Errorf("the log names it %d times: %s", n, &log)
	}
	if err := h.Rollouts.PublishOffers(h.Ctx); err != nil || strings.Count(log.String(), "from-6.zip") != 2 {
		t.Errorf("at the next tick: %v, %s", err, &log)
	}
}
