// SPDX-License-Identifier: Apache-2.0

package support

import (
	"flag"
	"fmt"
	"maps"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"landed/internal/race"
)

var everyLook = flag.Bool(
	"every",
	false,
	"look at every page in all combinations of language, width and look; else each value of one meets each of another",
)

// axeVariable names the file of axe-core, axe.min.js, that looks for barriers; it is no part of this repository.
const axeVariable = "LANDED_AXE"

// firstPaint is how many bytes a page and what it needs may take on the wire.
const firstPaint = 100_000

// What a page is looked at in.
var (
	lookTags   = []string{inEnglish, "zh-Hans", "zh-Hant"}
	lookWidths = []int64{360, 768, 1280}
	lookMedia  = []string{"light", "dark", "forced", "print"}
)

// look is a page, and what somebody meets it in.
type look struct {
	page  picture
	tag   string
	width int64
	media string
}

func (l look) String() string {
	return fmt.Sprintf("%s-%s-%d-%s", l.page.name, l.tag, l.width, l.media)
}

// address is that of the page in the language of the look.
func (l look) address() string {
	u, err := url.Parse(l.page.url)
	if err != nil {
		panic(err)
	}
	u.Path = "/" + l.tag + u.Path
	return u.String()
}

// looks are all combinations, or as few as there can be in which each value of one meets each value of another: every page is
// seen once in each medium, and language and width go round at their own paces.
func looks(pages []picture, every bool) (all []look) {
	for n, p := range pages {
		for m, media := range lookMedia {
			if !every {
				all = append(all, look{p, lookTags[(n+m)%len(lookTags)], lookWidths[(n/len(lookTags)+2*m)%len(lookWidths)], media})
				continue
			}
			for _, tag := range lookTags {
				for _, width := range lookWidths {
					all = append(all, look{p, tag, width, media})
				}
			}
		}
	}
	return all
}

// TestPairsOfLooks: of each two of page, language, width and medium, each value meets each value.
func TestPairsOfLooks(t *testing.T) {
	var pages []picture
	for n := range len(lookTags) * len(lookWidths) {
		pages = append(pages, picture{name: fmt.Sprint(n)})
	}
	met := map[string]bool{}
	for _, l := range looks(pages, false) {
		of := []string{"page " + l.page.name, l.tag, fmt.Sprint(l.width), l.media}
		for i, a := range of {
			for _, b := range of[:i] {
				met[a+" "+b] = true
			}
		}
	}
	p, g, w, m := len(pages), len(lookTags), len(lookWidths), len(lookMedia)
	if want := p*g + p*w + p*m + g*w + g*m + w*m; len(met) != want {
		t.Errorf("%d pairs meet, of %d", len(met), want)
	}
}

// lookedAt are the pages of the pictures, each address once.
func lookedAt(t *testing.T) (pages []picture) {
	for _, p := range pictures(t) {
		u, err := url.Parse(p.url)
		if err != nil {
			t.Fatal(err)
		}
		chosen := slices.ContainsFunc(lookTags, func(tag string) bool { return strings.HasPrefix(u.Path, "/"+tag+"/") })
		twice := slices.ContainsFunc(pages, func(q picture) bool { return q.url == p.url })
		if !chosen && !twice && strings.HasPrefix(p.name, *prefix) {
			pages = append(pages, p)
		}
	}
	return pages
}

// TestLooks opens every page in a browser, in each language, on windows from a phone's to a desk's, light, dark, in colours
// that the reader forces, and as it prints: all of it fits, can be read, reached and pressed, and asks nobody else for
// anything. With axe-core (LANDED_AXE=.../axe.min.js) no page has a barrier that WCAG 2.2 AA names.
func TestLooks(t *testing.T) {
	if race.Detector {
		t.Skip("what runs is the browser, and the pages that it asks for are tested under the race detector elsewhere")
	}
	ctx := browserWithin(t, time.Hour)
	axe, err := os.ReadFile(os.Getenv(axeVariable))
	if err != nil && os.Getenv(axeVariable) != "" {
		t.Fatal(err)
	}
	pages := lookedAt(t)
	var (
		work                        = make(chan look)
		tabs                        sync.WaitGroup
		guard                       sync.Mutex
		begun                       = time.Now()
		faults, barriers, practices = found{}, found{}, found{}
	)
	for range min(runtime.GOMAXPROCS(0), 4) {
		tab := openTab(t, ctx, string(axe))
		tabs.Go(func() {
			for l := range work {
				seen, err := tab.look(l)
				guard.Lock()
				if err != nil {
					faults.add(l, err.Error())
				}
				faults.add(l, seen.faults...)
				barriers.add(l, seen.barriers...)
				practices.add(l, seen.practices...)
				guard.Unlock()
			}
		})
	}
	all := looks(pages, *everyLook)
	for _, l := range all {
		work <- l
	}
	close(work)
	tabs.Wait()
	t.Logf("%d looks of %d pages in %v", len(all), len(pages), time.Since(begun).Round(time.Second))
	faults.tell(t.Errorf)
	t.Run("axe", func(t *testing.T) {
		if len(axe) == 0 {
			t.Skip("set " + axeVariable + " to the axe.min.js of axe-core (npm pack axe-core) to look for barriers")
		}
		barriers.tell(t.Errorf)
		practices.tell(t.Logf)
	})
}

// found is what was found, and where.
type found map[string][]look

func (f found) add(l look, all ...string) {
	for _, what := range all {
		f[what] = append(f[what], l)
	}
}

// tell names everything once.
func (f found) tell(to func(string, ...any)) {
	for _, what := range slices.Sorted(maps.Keys(f)) {
		var where []string
		for _, l := range f[what] {
			where = append(where, l.String())
		}
		slices.Sort(where)
		to("%s (on %d: %s)", what, len(where), strings.Join(where[:min(len(where), 3)], ", "))
	}
}
