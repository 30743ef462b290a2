// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"flag"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"landed/manifests"
	"landed/server/fleet"
)

var shots = flag.String("shots", "", "folder to put pictures of the pages into; none are taken without it")

// browser starts Chromium without a window, or skips where there is none.
func browser(t *testing.T) context.Context {
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
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("no-first-run", true))
	ctx, stopBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(ctx)
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(func() { cancel(); stop(); stopBrowser() })
	return ctx
}

func (h *house) serve() string {
	server := httptest.NewServer(h.doors)
	h.t.Cleanup(server.Close)
	return server.URL
}

func emulate(theme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
		return err
	})
}

// TestPictures takes pictures for people to look at: go test -run Pictures -shots DIR
func TestPictures(t *testing.T) {
	if *shots == "" {
		t.Skip("give -shots DIR to take pictures of the pages")
	}
	h := open(t, manifests.DefaultCatalogue())
	h.fleetOfSeven()
	hs, odd := newHandset(1), newHandset(2)
	h.install(hs, fleet.BeforeActive, baseline(1), failed(2, "install", 20), effect(3, 1), effect(5, 24), effect(4, 3))
	h.install(odd, fleet.BeforeActive, baseline(1))
	empty := open(t, manifests.DefaultCatalogue())
	quiet := open(t, manifests.DefaultCatalogue())
	quiet.publish("armani", "dior")
	quiet.roll("armani", nil)
	urls := map[string]string{"full": h.serve(), "empty": empty.serve(), "quiet": quiet.serve()}
	ctx := browser(t)
	for _, page := range []struct{ name, house, path string }{
		{"status", "full", "/"}, {"model", "full", "/models/armani"}, {"halted", "full", "/models/pisces"},
		{"installation", "full", "/installations/" + hs.ref.String()}, {"unpatched", "full", "/installations/" + odd.ref.String()},
		{"missing", "full", "/installations/0123-4567-89AB-CDEF-GHJK-MNPQ"}, {"typo", "full", "/installations?ref=hello"},
		{"empty", "empty", "/"}, {"quiet", "quiet", "/"}, {"quietmodel", "quiet", "/models/dior"},
	} {
		for _, width := range []int64{1280, 390} {
			for _, theme := range []string{"light", "dark"} {
				if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), emulate(theme), chromedp.Navigate(urls[page.house]+page.path)); err != nil {
					t.Fatal(err)
				}
				picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
				if err != nil {
					t.Fatal(err)
				}
				name := page.name + "-" + theme + map[int64]string{1280: "", 390: "-phone"}[width] + ".png"
				if err := os.WriteFile(filepath.Join(*shots, name), picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
