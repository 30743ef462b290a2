// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/manifests"
	"landed/server/fleet"
	"landed/server/reasons"
	"landed/web"
)

// speak has the pages speak a language, and call a halted rollout halting while told says so.
func (h *fixture) speak(language string, told *bool) {
	h.t.Helper()
	s, err := New(Config{View: h.store, Catalogue: func() *manifests.Catalogue { return h.lineup }, Now: func() time.Time { return now },
		Fresh: 1, Language: language, Halting: func(context.Context, fleet.Rollout) bool { return !*told }})
	if err != nil {
		h.t.Fatal(err)
	}
	router := chi.NewRouter()
	router.Group(s.Routes())
	h.support, h.doors = s, router
}

// halters are who stops a rollout, and why.
var halters = map[string]func(*fleet.Rollout){
	"a person": func(r *fleet.Rollout) { r.By, r.Reason = "mei", fleet.Said("it drains the battery") },
	"the server itself": func(r *fleet.Rollout) {
		r.By, r.Reason = "landed", fleet.Reason{Code: reasons.LeaksHalt, Values: map[string]string{"n": "5"}}
	},
}

// TestHalting: in every language there is, a rollout is being stopped until its handsets are told so, and stopped from then
// on: on the list, on the page of the model and on that of an installation, in words and in JSON.
func TestHalting(t *testing.T) {
	for _, language := range web.Locales() {
		locale, err := web.NewLocale(language)
		if err != nil {
			t.Fatal(err)
		}
		for name, by := range halters {
			t.Run(language+" "+name, func(t *testing.T) {
				h, told := open(t, manifests.DefaultCatalogue()), false
				h.publish("pisces", "dior")
				h.roll("pisces", func(r *fleet.Rollout) {
					r.State, r.Stages, r.Stage = fleet.RolloutHalted, []fleet.Stage{{Share: 10_000}}, 0
					by(r)
				})
				h.roll("dior", nil)
				hs := newHandset(1)
				h.install(hs, beforeActive, baseline(1))
				h.speak(language, &told)
				halting, halted := locale.Say("standing.halting", nil), locale.Say("standing.halted", nil)
				for _, step := range []struct {
					told          bool
					state         fleet.RolloutState
					badge         string
					standing, not string
				}{{false, fleet.RolloutHalting, halting, "halting", "halted"}, {true, fleet.RolloutHalted, halted, "halted", "halting"}} {
					told = step.told
					h.speak(language, &told)
					for _, path := range []string{"/", "/models/pisces", "/installations/" + hs.ref.String(), "/releases/" + releaseName} {
						page := html.UnescapeString(h.get(path).Body.String())
						if gaps := missing(page); len(gaps) > 0 {
							t.Errorf("%s, told %v: sentences are missing or do not fit their data: %v", path, told, gaps)
						}
						if strings.Contains(page, "s-"+step.not) || strings.Contains(page, "r-"+step.not) {
							t.Errorf("%s, told %v: a badge is %s", path, told, step.not)
						}
					}
					page := html.UnescapeString(h.get("/models/pisces").Body.String())
					if badge := `<span class="badge s-` + step.standing + `"><bdi>` + step.badge + "</bdi>"; !strings.Contains(page, badge) {
						t.Errorf("told %v: the page of the model has no badge %q", told, step.badge)
					}
					m := h.status().model("pisces")
					if string(m.Standing) != step.standing || len(m.Rollouts) != 1 || m.Rollouts[0].State != step.state {
						t.Errorf("told %v: the JSON says %s, %+v", told, m.Standing, m.Rollouts)
					}
				}
			})
		}
	}
}

// TestHaltingInWords: who stops it and why, and that one may still begin, in English.
func TestHaltingInWords(t *testing.T) {
	h, told := open(t, manifests.DefaultCatalogue()), false
	h.publish("pisces", "dior")
	h.roll("pisces", func(r *fleet.Rollout) { r.State = fleet.RolloutHalted; halters["a person"](r) })
	h.roll("dior", func(r *fleet.Rollout) { r.State = fleet.RolloutHalted; halters["the server itself"](r) })
	h.speak("en", &told)
	for path, wants := range map[string][]string{
		"/": {"Being stopped", "We are stopping the update for the ", "Handsets are not told so yet: until they are, one may still begin."},
		"/models/pisces": {"We are stopping the update for the ", "The reason given is: “it drains the battery”.", "Being stopped at 1 % by mei since ",
			": it drains the battery. Handsets are not told so yet.", "until they are, one may still begin"},
		"/models/dior": {"Being stopped at 1 % by the server itself since ", "The reason given is: “5 handsets show the opposite of the effect”."},
	} {
		page := strings.Join(strings.Fields(html.UnescapeString(h.get(path).Body.String())), " ")
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s does not say %q", path, want)
			}
		}
		for _, not := range []string{"We have stopped", "will not begin", "do not begin"} {
			if strings.Contains(page, not) {
				t.Errorf("%s says %q before handsets are told", path, not)
			}
		}
	}
}
