// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"landed/manifests"
	"landed/server/fleet"
)

// patience is what only a page that hangs needs, or a browser that does not start.
const patience = 2 * time.Minute

// browser starts Chromium without a window, or skips where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	return browserWithin(t, 10*patience)
}

// browserWithin is browser for a test that may take so long.
func browserWithin(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on the PATH; this test looks at the pages with a real browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.WSURLReadTimeout(patience),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, // its folder is chromedp's, who knows that Chromium writes on when it has ended
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("no-first-run", true))
	ctx, stopBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(ctx)
	ctx, cancel := context.WithTimeout(ctx, limit)
	t.Cleanup(func() { cancel(); stop(); stopBrowser() })
	return ctx
}

func (h *fixture) serve() string {
	server := httptest.NewServer(h.doors)
	h.t.Cleanup(server.Close)
	return server.URL
}

// arrives waits until a page has what it is to have. One that is just being left, or is there in part, cannot be asked: it is
// asked again.
func arrives(ctx context.Context, condition string) (err error) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err = chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(patience))); err == nil {
			return nil
		}
	}
	return err
}

func emulate(theme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
		return err
	})
}

// TestLive watches a page move: figures change in place, what was typed and the place on the
// page stay, and a screen reader is told.
func TestLive(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani", "pisces", "dior")
	h.roll("armani", nil)
	h.roll("pisces", nil)
	h.count("armani", 10, unpatched, beforeActive)
	h.count("pisces", 10, unpatched, beforeActive)
	ctx, url := browser(t), h.serve()
	err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url+"/"),
		chromedp.SendKeys(chromedp.CSS("#ref"), "0123"))
	if err == nil {
		_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](`window.same = document.querySelector("#model-armani .bar rect"); window.here = true`))
	}
	if err != nil {
		t.Fatal(err)
	}
	h.count("armani", 50, confirmedOff, beforeActive)
	h.count("pisces", 1, leak, beforeActive)
	for what, condition := range map[string]string{
		"the headline moves":            `document.querySelector("h1").textContent.includes("On 1 of 3 models")`,
		"the title moves":               `document.title.startsWith("On 1 of 3 models")`,
		"the figures move":              `document.querySelector("#model-armani .parts").textContent.includes("50 Proven off")`,
		"the bar moves, in place":       `window.same.isConnected && parseFloat(window.same.getAttribute("width")) > 70`,
		"a notice appears":              `!!document.querySelector(".stopped") && document.querySelector(".stopped").textContent.includes("Mi 3 TD")`,
		"it was told politely":          `document.querySelector("#news[role=status]").textContent.includes("Leaking")`,
		"the page was not loaded again": `window.here === true`,
		"what was typed stays":          `document.activeElement.id === "ref" && document.activeElement.value === "0123"`,
		"it says that it is live":       `document.querySelector("#live").textContent === "Live"`,
	} {
		if err := arrives(ctx, condition); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestPause: who is reading may hold the page still; when it goes on, it has what came meanwhile.
func TestPause(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.publish("armani")
	h.roll("armani", nil)
	h.count("armani", 10, unpatched, beforeActive)
	ctx, url := browser(t), h.serve()
	wait := func(what, condition string) {
		t.Helper()
		if err := arrives(ctx, condition); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(url+"/")); err != nil {
		t.Fatal(err)
	}
	wait("it can be paused", `!document.getElementById("pause").hidden`)
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#pause"))); err != nil {
		t.Fatal(err)
	}
	wait("it says that it stands still", `document.querySelector("#live[role=status]").textContent.startsWith("Paused")`)
	h.count("armani", 50, confirmedOff, beforeActive)
	still, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`new Promise((done) => setTimeout(() =>
		done(!document.querySelector("#model-armani .parts").textContent.includes("50 Proven off")), 4500))`, chromedp.EvalAwaitPromise))
	if err != nil || !still {
		t.Errorf("it moved while it was paused: %v", err)
	}
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#pause"))); err != nil {
		t.Fatal(err)
	}
	wait("it goes on", `document.querySelector("#model-armani .parts").textContent.includes("50 Proven off")`)
}

// TestLongReason: a reason of any length pushes nothing else off the page, and none of it is lost.
func TestLongReason(t *testing.T) {
	for name, reason := range map[string]string{"words": strings.Repeat("because ", 625), "one word": strings.Repeat("x", 5000)} {
		h := open(t, manifests.DefaultCatalogue())
		h.publish("armani")
		h.roll("armani", func(r *fleet.Rollout) { r.State, r.By, r.Reason = fleet.RolloutHalted, "mei", fleet.Said(reason) })
		if body := h.get("/models/armani").Body.String(); !strings.Contains(body, `<span class="why"><bdi>`+reason+`</bdi></span>`) {
			t.Errorf("%s: the timeline of the model does not hold the whole reason", name)
		}
		ctx, url := browser(t), h.serve()
		for _, path := range []string{"/", "/models/armani"} {
			for _, width := range []int64{320, 1280} {
				if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(url+path)); err != nil {
					t.Fatal(err)
				}
				over, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
				if err != nil || over > 0 {
					t.Errorf("%s: %s at %d: %d pixels too wide, %v", name, path, width, over, err)
				}
				small, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`[...document.querySelectorAll(".stopped, .card")].every((e) => e.offsetHeight < 900)`))
				if err != nil || !small {
					t.Errorf("%s: %s at %d: the reason fills the page, %v", name, path, width, err)
				}
			}
		}
	}
}

// TestFoldAndFind: what a reader unfolded stays so while figures move, a search shows what was
// meant unfolded, and the live page keeps to the search.
func TestFoldAndFind(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	ctx, url := browser(t), h.serve()
	step := func(what, condition string) {
		t.Helper()
		if err := arrives(ctx, condition); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(url+"/"), chromedp.Click(chromedp.CSS("#model-armani summary"))); err != nil {
		t.Fatal(err)
	}
	step("it unfolds", `document.querySelector("#model-armani details").open`)
	h.count("armani", 1000, confirmedOff, beforeActive)
	step("it stays so", `document.querySelector("#model-armani .parts").textContent.includes("119,351") && document.querySelector("#model-armani details").open`)
	if err := chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS("#find-model"), "2013061\n")); err != nil {
		t.Fatal(err)
	}
	step("the search finds", `location.search === "?find=2013061" && document.querySelectorAll(".card").length === 1 && document.querySelector("#model-pisces details").open`)
	h.count("pisces", 1, leak, beforeActive)
	step("the live page keeps to it", `document.querySelector("#model-pisces .parts").textContent.includes("4 Leaking") && document.querySelectorAll(".card").length === 1`)
}

// TestLostServer says so when the figures no longer follow.
func TestLostServer(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	server := httptest.NewServer(h.doors)
	ctx := browser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/")); err != nil {
		t.Fatal(err)
	}
	server.CloseClientConnections()
	server.Close()
	if err := arrives(ctx, `document.querySelector("#live").classList.contains("lost")`); err != nil {
		t.Error(err)
	}
}

// TestEverywhere opens every kind of page on a phone and a desk, light and dark: nothing
// scrolls sideways, the policy stops nothing that the page needs, words stand out from their
// background, and the page is whole without its script.
func TestEverywhere(t *testing.T) {
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	hs := newHandset(1)
	h.install(hs, beforeActive, baseline(1), failed(2, "install", 20), effectOf(3, 1), effectOf(5, 24), effectOf(4, 3))
	ctx, url := browser(t), h.serve()
	contrast, err := os.ReadFile("testdata/contrast.js")
	if err != nil {
		t.Fatal(err)
	}
	usable, err := os.ReadFile("testdata/usable.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/?find=note&order=name", "/models/pisces", "/models/lcsh92_wet_jb9", "/installations/" + hs.ref.String(), "/installations?ref=hello"} {
		for _, width := range []int64{320, 390, 1280} {
			for _, theme := range []string{"light", "dark"} {
				err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), emulate(theme), scripts(width != 390), chromedp.Navigate(url+path))
				if err != nil {
					t.Fatal(err)
				}
				over, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
				if err != nil || over > 0 {
					t.Errorf("%s at %d: %d pixels too wide, %v", path, width, over, err)
				}
				styled, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`getComputedStyle(document.body).maxWidth !== "none" && document.querySelector(".brand img").naturalWidth > 0`))
				if err != nil || !styled {
					t.Errorf("%s at %d: the policy or a missing file keeps the style or the mark away, %v", path, width, err)
				}
				faint, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](string(contrast)))
				if err != nil || len(faint) > 0 {
					t.Errorf("%s at %d, %s: too faint: %v, %v", path, width, theme, faint, err)
				}
				faults, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](string(usable)))
				if err != nil || len(faults) > 0 {
					t.Errorf("%s at %d: hard to use: %v, %v", path, width, faults, err)
				}
			}
		}
	}
}

// scripts switches the scripts of pages on or off; the test's own still run.
func scripts(on bool) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	})
}
