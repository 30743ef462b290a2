// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"landed/manifests"
	"landed/manifests/report"
	v1 "landed/manifests/report/v1"
	"landed/server/fleet"
)

var shots = flag.String("shots", "", "folder to put pictures of the pages into; none are taken without it")

var prefix = flag.String("picture", "", "take only those pictures whose names begin so")

// picture is one page as somebody meets it.
type picture struct {
	name, url string
	how       string // "", "plain" (no script), "print", "zoom" (200 % of a desk)
}

// TestPictures takes pictures for people to look at: go test -run Pictures -shots DIR
func TestPictures(t *testing.T) {
	if *shots == "" {
		t.Skip("give -shots DIR to take pictures of the pages")
	}
	for _, p := range pictures(t) {
		if !strings.HasPrefix(p.name, *prefix) {
			continue
		}
		ctx := browser(t)
		for name, width := range map[string]int64{"": 1280, "-phone": 390} {
			for _, theme := range []string{"light", "dark"} {
				if p.how != "" && (name != "" || theme != "light") {
					continue
				}
				if p.how == "zoom" {
					width = 640
				}
				show := chromedp.Do(
					ctx,
					chromedp.EmulateViewport(width, 900),
					medium(p.how, theme),
					scripts(p.how != "plain"),
					chromedp.Navigate(p.url),
				)
				if show != nil {
					t.Fatal(show)
				}
				taken, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(*shots, p.name+"-"+theme+name+".png"), taken, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// pictures are the pages that a designer wants to see: every kind, and the awkward ones.
func pictures(t *testing.T) []picture {
	full, empty, quiet := open(
		t,
		manifests.DefaultCatalogue(),
	), open(
		t,
		manifests.DefaultCatalogue(),
	), open(
		t,
		manifests.DefaultCatalogue(),
	)
	full.fleetOfSeven()
	quiet.publish("armani", "dior")
	quiet.roll("armani", nil)
	many := fleetOf(t, 200, 7)
	url, manyURL := full.serve(), many.serve()
	list := []picture{
		{
			"status",
			url + "/",
			"",
		}, {"status-plain", url + "/", "plain"}, {"status-print", url + "/", "print"}, {"status-zoom", url + "/", "zoom"},
		{
			"find",
			url + "/?find=note",
			"",
		}, {"none", url + "/?find=nokia", ""}, {"model", url + "/models/armani", ""}, {"model-print", url + "/models/armani", "print"},
		{"halted", url + "/models/pisces", ""}, {"mostly", url + "/models/cancro", ""}, {"notbegun", url + "/models/fuxi", ""},
		{
			"missing",
			url + "/installations/0123-4567-89AB-CDEF-GHJK-MNPQ",
			"",
		}, {"typo", url + "/installations?ref=hello", ""}, {"nomodel", url + "/models/x", ""},
		{
			"empty",
			empty.serve() + "/",
			"",
		}, {"quiet", quiet.serve() + "/", ""}, {"many", manyURL + "/", ""}, {"many-attention",
			manyURL + "/?show=attention&order=attention", ""},
		{
			"awkward",
			awkward(t).serve() + "/",
			"",
		}, {"awkward-model", awkward(t).serve() + "/models/evil", ""}, {"broken", broken(t).serve() + "/", ""},
	}
	spoilt, hs := spoilt(t)
	spoiltURL := spoilt.serve()
	list = append(list, picture{"unreadable", spoiltURL + "/", ""}, picture{"unreadable-model", spoiltURL + "/models/armani", ""},
		picture{"unreadable-alone", spoiltURL + "/models/pisces", ""}, picture{"unreadable-releases", spoiltURL + "/releases", ""},
		picture{"unreadable-handset", spoiltURL + "/installations/" + hs.ref.String(), ""})
	list = append(list, releasePictures(t)...)
	list = append(list, outlinePictures(t)...)
	folder := folded(t).serve() + "/releases/" + releaseName + "/report"
	list = append(list, picture{"folder", folder, ""}, picture{"folder-print", folder, "print"},
		picture{"folder-zh-Hans", strings.Replace(folder, "/releases", "/zh-Hans/releases", 1), ""})
	fails, known := failing(t)
	fails.know(stops)
	fails.know("{class: unpatched, text: {en: Handsets of this batch wait for a week.}, who: nobody}")
	failsURL := fails.serve()
	list = append(list, picture{"known-handset", failsURL + "/installations/" + known.ref.String(), ""},
		picture{"known-model", failsURL + "/models/armani", ""})
	past := remembered(t).serve()
	list = append(
		list,
		picture{"past-status", past + "/", ""},
		picture{"past-model", past + "/models/armani", ""},
		picture{
			"past-release",
			past + "/releases/" + releaseName,
			"",
		},
		picture{"past-compare", past + "/compare/armani,dior," + releaseName, ""},
		picture{
			"compare",
			past + "/compare",
			"",
		},
		picture{"verify", past + "/verify", ""},
		picture{"past-print", past + "/models/armani", "print"},
	)
	for name, path := range map[string]string{"status": "/", "model": "/models/armani", "release": "/releases/" + releaseName} {
		list = append(list, picture{"day-" + name, past + path + "?on=" + ago(17), ""})
	}
	list = append(list, picture{"day-none", past + "/?on=2013-01-01", ""})
	for _, tag := range []string{"zh-Hans", "zh-Hant"} {
		list = append(
			list,
			picture{tag + "-status", url + "/" + tag + "/", ""},
			picture{tag + "-model", url + "/" + tag + "/models/armani", ""},
			picture{
				tag + "-halted",
				url + "/" + tag + "/models/pisces",
				"",
			},
			picture{tag + "-releases", url + "/" + tag + "/releases", ""},
			picture{tag + "-handset", url + "/" + tag + "/installations/" + newHandset(1).ref.String(), ""},
			picture{tag + "-typo", url + "/" + tag + "/installations?ref=hello", ""},
		)
	}
	for n, reports := range handsets() {
		hs := newHandset(uint64(n + 1))
		full.install(hs, beforeActive, reports...)
		list = append(list, picture{"handset" + string(rune('1'+n)), url + "/installations/" + hs.ref.String(), ""})
	}
	return list
}

// releasePictures are pages of fleets with more than one release.
func releasePictures(t *testing.T) []picture {
	two := repaired(t)
	two.next("app-list", appListSource)
	two.publishPackages(nextPackage("dior", "JHCMIBH47.0"))
	two.roll("dior", nil)
	two.moveOn(20, *unmoved("dior"), two.state("dior", "not_sent", notSeen, report.ProgressRunning))
	two.next("repairs", plainSource)
	two.publishPackages(nextPackage("lcsh92_wet_jb9", "JHCMIBH48.0"))
	two.roll("lcsh92_wet_jb9", nil)
	two.moveOn(90, *unmoved("lcsh92_wet_jb9"), two.state("lcsh92_wet_jb9", unknown, notSeen, report.ProgressRunning))
	both := newHandset(9)
	two.next("last", appListSource)
	pkg := nextPackage("armani", "JHCMIBH49.0")
	two.publishPackages(pkg)
	two.installSealed(both, beforeActive, underTwo(t, both, "last", pkg.Build)...)
	url := two.serve()
	return []picture{
		{"two-handset", url + "/installations/" + both.ref.String(), ""},
		{"two-status-attention", url + "/?order=attention", ""},
		{"two-status", url + "/", ""}, {"two-releases", url + "/releases", ""}, {"two-release", url + "/releases/" + releaseName, ""},
		{"two-app-list", url + "/releases/app-list", ""}, {"two-plain", url + "/releases/repairs", ""},
		{"two-model", url + "/models/pisces", ""}, {"two-model-plain", url + "/models/lcsh92_wet_jb9", ""},
	}
}

// handsets are the reports of installations of several classes.
func handsets() [][]v1.Body {
	carried, leak := effectOf(3, 30), effectOf(3, 30)
	carried.Evidence.State, carried.Evidence.Origin = v1.StateOn, v1.OriginCarriedOver
	leak.Evidence.AttemptsBuild, leak.Evidence.AttemptsSetup, leak.Evidence.Transport = 2, 6, v1.TransportHTTP
	return [][]v1.Body{
		{baseline(1), failed(2, report.PhaseInstall, 20), effectOf(3, 1), effectOf(5, 24), effectOf(4, 3)},
		{baseline(1)}, {baseline(1), carried}, {baseline(1), leak}, {baseline(1), effectOf(2, 3)},
		{baseline(1), failed(2, report.PhaseBoot, 19)}, {leaking(1, 1, v1.StateOn), leaking(2, 1, v1.StateOff)},
	}
}

// awkward is a model with the longest names and reasons there are, in one word.
func awkward(t *testing.T) *fixture {
	long := "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftstelefon Pro Max 5G"
	c, err := manifests.ParseCatalogue(
		[]byte(
			"schema: 1\nmodels: [{device: evil, product: \"" + long + "\", numbers: [], rom_names: [], variants: [evil], android: '4', profile: {family: file, legacy_recovery: true}}]",
		),
	)
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, c)
	h.publish("evil")
	h.roll("evil", func(r *fleet.Rollout) {
		r.State, r.By, r.Reason = fleet.RolloutHalted, "mei", fleet.Said(strings.Repeat("x", 300))
	})
	h.count("evil", 3, confirmedOff, beforeActive)
	return h
}

// broken is a store that cannot be read.
func broken(t *testing.T) *fixture {
	h := open(t, manifests.DefaultCatalogue())
	h.show(faulty{}, nil)
	return h
}

// medium is what a page is shown on, and how bright.
func medium(how, theme string) chromedp.Action[chromedp.Void] {
	media := map[string]string{"print": "print"}[how]
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(
			ctx,
			emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{
				Media:    media,
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
			},
		)
		return err
	})
}
