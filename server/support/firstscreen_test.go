// SPDX-License-Identifier: Apache-2.0

package support

import (
	"testing"

	"github.com/chromedp/chromedp"

	"landed/manifests"
	"landed/manifests/report"
	"landed/manifests/report/v1"
	"landed/server/fleet"
)

// TestFirstScreen: how it stands, what is to be done and how old that is are on the first screen of a desk, and of a small phone what is to
// be done first.
func TestFirstScreen(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	halted := open(t, manifests.DefaultCatalogue())
	halted.publish("armani")
	halted.roll("armani", func(r *fleet.Rollout) {
		r.State, r.By, r.Reason = fleet.RolloutHalted, "mei", fleet.Said("it drains the battery")
	})
	long := []v1.Body{baseline(1)}
	for seq := range int64(19) { // its first is 20 days old, and its newest one day
		long = append(long, failed(seq+2, report.PhaseInstall, 47))
	}
	issue := open(t, manifests.DefaultCatalogue())
	issue.publish("armani")
	issue.roll("armani", nil)
	issue.know("{cause: package, text: {en: It stops at 40 % on a changed system. A service centre puts the official one back.}, " +
		"link: 'https://help.example.org/known/1', who: service}")
	ctx := browser(t)
	for name, tt := range map[string]struct {
		at     *fixture
		bodies []v1.Body
	}{
		"proven":                  {h, []v1.Body{baseline(1), effectOf(2, 24)}},
		"gave up":                 {h, []v1.Body{baseline(1), failed(2, report.PhaseBoot, 19)}},
		"its storage is at fault": {h, long},
		"stopped":                 {halted, []v1.Body{baseline(1), failed(2, report.PhaseInstall, 20)}},
		"known":                   {issue, []v1.Body{baseline(1), failed(2, report.PhaseInstall, 5)}},
		"switched off since":      {h, []v1.Body{leaking(1, 1, v1.StateOn), leaking(2, 1, v1.StateOff)}},
	} {
		hs := newHandset(uint64(len(name)))
		tt.at.install(hs, beforeActive, tt.bodies...)
		url := tt.at.serve() + "/installations/" + hs.ref.String()
		for width, of := range map[int64]string{1280: ".steps li", 360: ".steps li:first-child"} {
			if name == "known" { // what people wrote of it is what is to be done first
				of = map[int64]string{1280: ".steps li, .issue", 360: ".issue"}[width]
			}
			height := map[int64]int64{1280: 900, 360: 640}[width]
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height), chromedp.Navigate(url)); err != nil {
				t.Fatal(err)
			}
			bottom, err := chromedp.Run(ctx, chromedp.Evaluate[float64](
				`Math.max(...[...document.querySelectorAll("#say, #age, `+of+`")].map((e) => e.getBoundingClientRect().bottom + scrollY))`))
			if err != nil || bottom > float64(height) {
				t.Errorf("%s at %d: how it stands, what to do and its age end at %.0f pixels of %d, %v", name, width, bottom, height, err)
			}
		}
	}
}
