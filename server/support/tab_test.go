// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tab is one of a browser, with what its page did since it was asked for.
type tab struct {
	ctx               context.Context
	axe               bool
	fit, usable, dim  string // scripts that give faults
	reach             string
	guard             sync.Mutex
	wire              float64
	needs             map[network.RequestID]bool // asked for to show the page; what follows its figures later is not
	elsewhere, uneasy []string
	asked             string
}

// seen is what one look finds.
type seen struct{ faults, barriers, practices []string }

// openTab opens one, whose pages have axe-core in them before anything of their own if it is given. Its source comes in by
// the DevTools protocol, which the policy of the pages does not hold back.
func openTab(t *testing.T, browser context.Context, axe string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{ctx: ctx, axe: axe != "", needs: map[network.RequestID]bool{}}
	for name, to := range map[string]*string{"fit": &b.fit, "usable": &b.usable, "contrast": &b.dim, "reach": &b.reach} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".js"))
		if err != nil {
			t.Fatal(err)
		}
		*to = string(text)
	}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		if _, err := chromedp.Call(ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true}); err != nil {
			return err
		}
		if _, err := chromedp.Call(ctx, log.Enable, struct{}{}); err != nil {
			return err
		}
		if axe != "" {
			if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument,
				page.AddScriptToEvaluateOnNewDocumentParams{Source: axe}); err != nil {
				return err
			}
		}
		_, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// hear keeps what the page asks for, and what the browser says of it.
func (b *tab) hear(ev any) {
	b.guard.Lock()
	defer b.guard.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		if ev.Type != network.ResourceTypeFetch {
			b.needs[ev.RequestID] = true
		}
		to, err := url.Parse(ev.Request.URL)
		if home, _ := url.Parse(ev.DocumentURL); err != nil || to.Scheme != "data" && to.Host != home.Host {
			b.elsewhere = append(b.elsewhere, ev.Request.URL)
		}
	case *network.EventLoadingFinished:
		if b.needs[ev.RequestID] {
			b.wire += ev.EncodedDataLength
		}
	case *runtime.EventExceptionThrown:
		b.uneasy = append(b.uneasy, ev.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeWarning {
			b.uneasy = append(b.uneasy, fmt.Sprintf("%s: %+v", ev.Type, ev.Args))
		}
	case *log.EventEntryAdded:
		status := ev.Entry.Source == log.EntrySourceNetwork && ev.Entry.URL == b.asked // a page that says that there is nothing
		if !status && (ev.Entry.Level == log.EntryLevelError || ev.Entry.Level == log.EntryLevelWarning) {
			b.uneasy = append(b.uneasy, ev.Entry.Text+" "+ev.Entry.URL)
		}
	}
}

// look opens a page in a look, and gives all that is wrong with it.
func (b *tab) look(l look) (s seen, err error) {
	b.guard.Lock()
	b.wire, b.needs, b.elsewhere, b.uneasy, b.asked = 0, map[network.RequestID]bool{}, nil, nil, l.address()
	b.guard.Unlock()
	if err = chromedp.Do(b.ctx, chromedp.EmulateViewport(l.width, 900), through(l.media), chromedp.Navigate(l.address())); err != nil {
		return s, err
	}
	b.guard.Lock()
	wire := b.wire
	b.guard.Unlock()
	if wire > firstPaint {
		s.faults = append(s.faults, fmt.Sprintf("%.0f bytes on the wire; %d at most", wire, firstPaint))
	}
	for what, script := range map[string]string{"does not fit": b.fit, "hard to use": b.usable, "too faint": b.dim,
		"language": `document.documentElement.lang === "` + l.tag + `" ? [] : [document.documentElement.lang]`} {
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](script))
		if err != nil {
			return s, fmt.Errorf("%s: %w", what, err)
		}
		for _, f := range found {
			s.faults = append(s.faults, what+": "+f)
		}
	}
	if *shots != "" {
		if err := b.shoot(l); err != nil {
			return s, err
		}
	}
	if b.axe {
		if err := b.barriers(&s); err != nil {
			return s, err
		}
	}
	if l.media == "light" {
		if err := b.walk(&s); err != nil {
			return s, err
		}
	}
	b.guard.Lock()
	defer b.guard.Unlock()
	for _, to := range b.elsewhere {
		s.faults = append(s.faults, "asks elsewhere: "+to)
	}
	for _, words := range b.uneasy {
		s.faults = append(s.faults, "the console says: "+words)
	}
	return s, nil
}

// walk presses Tab from the beginning of the page to its end.
func (b *tab) walk(s *seen) error {
	n, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](b.reach))
	if err != nil {
		return err
	}
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(strings.Repeat(kb.Tab, n))); err != nil {
		return err
	}
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`untold()`))
	s.faults = append(s.faults, found...)
	return err
}

// barriers asks axe-core: what WCAG 2.0 to 2.2 names at its levels A and AA, and what else it finds to be good practice.
func (b *tab) barriers(s *seen) error {
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[struct{ Barriers, Practices []string }](`axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"],
			resultTypes: ["violations"], iframes: false,
	}).then((r) => {
		const words = (v, n) => v.id + " (" + v.help + "): " + n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " ");
		const found = { Barriers: [], Practices: [] };
		for (const v of r.violations) for (const n of v.nodes) {
			if (v.tags.includes("best-practice")) found.Practices.push(v.id + ": " + v.help + ": " + n.html.slice(0, 60));
			else found.Barriers.push(words(v, n));
		}
		return found;
	})`, chromedp.EvalAwaitPromise))
	s.barriers, s.practices = found.Barriers, found.Practices
	return err
}

// shoot takes a picture for somebody to look at.
func (b *tab) shoot(l look) error {
	taken, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*shots, l.String()+".png"), taken, 0o644)
}

// through is the medium of a look.
func through(media string) chromedp.Action[chromedp.Void] {
	p := emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}, {Name: "forced-colors", Value: "none"}},
	}
	switch media {
	case "dark":
		p.Features[0].Value = "dark"
	case "forced": // black, as most who choose them do
		p.Features[0].Value, p.Features[1].Value = "dark", "active"
	case "print":
		p.Media = "print"
	}
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, p)
		return err
	})
}
