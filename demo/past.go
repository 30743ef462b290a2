// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
)

// breaking is a fault that comes with time: the guard of one model's build goes by a licence that runs out.
type breaking struct {
	device string
	day    int // after its first rollout began
}

// month is firstFix on three models, for thirty days. On the ninth the build of one of them breaks, on all handsets that run it.
func month() (plan, error) {
	p, err := throughOutage()
	p.fleet = p.fleet[:min(3, len(p.fleet))]
	p.first.models, p.tested = nil, nil
	for _, m := range p.fleet {
		p.first.models = append(p.first.models, m.Device)
	}
	p.outage, p.days, p.widen = nil, 30, 4
	p.breaks = &breaking{p.fleet[1].Device, 9}
	return p, err
}

// breakAt gives the build its end.
func (p *plan) breakAt(start time.Time) {
	if p.breaks == nil {
		return
	}
	ends := func(b fixtures.Build) fixtures.Build {
		b.Config.AutoActivate = true
		b.Config.GuardEnds = p.breaks.at(start, p.notice).Unix()
		return b
	}
	p.first.builds[p.breaks.device] = ends(p.first.builds[p.breaks.device])
	for i, m := range p.fleet {
		if m.Device == p.breaks.device {
			p.fleet[i].Fresh = ends(m.Fresh)
		}
	}
}

func (b breaking) at(start time.Time, notice int) time.Time {
	return start.Add(time.Duration(notice+b.day) * day)
}

// past holds what was so against what the pages remember of it.
type past struct {
	truth map[string]map[int64]map[string]int64 // by model and moment, in milliseconds
}

// note keeps what is so when the server has just copied its figures.
func (t *telling) note() {
	at := t.clock.Now().UnixMilli()
	for _, device := range t.fleet.Models() {
		if t.past.truth[device] == nil {
			t.past.truth[device] = map[int64]map[string]int64{}
		}
		t.past.truth[device][at] = t.toldOf(device)
	}
}

// toldOf is what the newest reports of a model can have shown. Who waits in silence is one with who waits: of that silence is
// told by whole days, and nothing about a handset changes with it.
func (t *telling) toldOf(device string) map[string]int64 {
	all := map[string]int64{}
	for class, n := range t.fleet.Told(device, t.plan.first.Name) {
		all[class] = int64(n)
	}
	return silentWait(all)
}

func silentWait(verdicts map[string]int64) map[string]int64 {
	all := maps.Clone(verdicts)
	all["unpatched"] += all["unknown"]
	delete(all, "unknown")
	return all
}

// pastResult is what the series of the pages say beside what was true.
type pastResult struct {
	Models []pastModel `json:"models"`
	Alarms []alarm     `json:"alarms"` // the log told of
	Broke  float64     `json:"broke"`  // the day on which the build broke, of the rollouts
}

// pastModel has a point for each day; all points that there are were held against the truth.
type pastModel struct {
	Model  string      `json:"model"`
	Points int         `json:"points"` // how many there are
	Wrong  int         `json:"wrong"`  // of those
	Daily  []pastPoint `json:"daily"`
}

// pastPoint is how figures stood, with those that waited in silence among those that wait.
type pastPoint struct {
	Day      float64          `json:"day"` // of the rollouts
	Verdicts map[string]int64 `json:"verdicts"`
	Truth    map[string]int64 `json:"truth"`
}

// alarm is a regression that the log told of.
type alarm struct {
	Day   float64 `json:"day"`
	Model string  `json:"model"`
	Share string  `json:"share"`
	Of    string  `json:"of"`
}

// toldPast reads the series, and says if they are right: every point of every model, the last as the page has it; and if the alarm
// came for the model that broke, after it did, and for no other.
func (t *telling) toldPast(ctx context.Context, page statusPage) (r *pastResult, agrees bool, err error) {
	begin := t.clock.start.Add(time.Duration(t.plan.notice) * day)
	since := func(at time.Time) float64 { return float64(at.Sub(begin).Round(time.Hour)) / float64(day) }
	r, agrees = &pastResult{Alarms: t.site.alarms.told(since), Broke: float64(t.plan.breaks.day)}, true
	for _, device := range t.fleet.Models() {
		var s struct {
			Points []struct {
				At       time.Time        `json:"at"`
				Verdicts map[string]int64 `json:"verdicts"`
			} `json:"points"`
		}
		if err := t.site.read(ctx, "/models/"+manifests.Model{Device: device}.Role()+"/series.json", &s); err != nil {
			return r, false, err
		}
		m := pastModel{Model: device, Points: len(s.Points)}
		for n, p := range s.Points {
			truth, last := t.past.truth[device][p.At.UnixMilli()], n == len(s.Points)-1
			if last {
				truth = t.toldOf(device)
				now := slices.IndexFunc(page.Models, func(on pageModel) bool { return on.Device == device })
				agrees = agrees && now >= 0 && maps.Equal(p.Verdicts, page.Models[now].Verdicts)
			}
			said := silentWait(p.Verdicts)
			if !maps.Equal(said, truth) {
				m.Wrong++
			}
			if last || since(s.Points[n+1].At)-since(begin) > 0 && int(since(p.At)) != int(since(s.Points[n+1].At)) {
				m.Daily = append(m.Daily, pastPoint{since(p.At), said, truth})
			}
			broken := device == t.plan.breaks.device && since(p.At) > r.Broke
			agrees = agrees && (broken || said["leak"] == 0)
			if last && broken {
				agrees = agrees && said["leak"] > 0
			}
		}
		agrees = agrees && m.Wrong == 0 && m.Points >= 30
		r.Models = append(r.Models, m)
	}
	return r, agrees && len(r.Alarms) > 0 && !slices.ContainsFunc(r.Alarms, func(a alarm) bool {
		return a.Model != t.plan.breaks.device || a.Day < r.Broke
	}), nil
}

// alarms is a log that keeps the lines about regressions.
type alarms struct {
	mu  sync.Mutex
	now func() time.Time
	all []alarmed
}

type alarmed struct {
	at time.Time
	alarm
}

// regression is what such a line says.
const regression = "a share of the installations of a release is worse than it was"

func (a *alarms) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }
func (a *alarms) WithAttrs([]slog.Attr) slog.Handler               { return a }
func (a *alarms) WithGroup(string) slog.Handler                    { return a }

// Handle implements slog.Handler.
func (a *alarms) Handle(_ context.Context, line slog.Record) error {
	if len(line.Message) < len(regression) || line.Message[:len(regression)] != regression {
		return nil
	}
	one := alarmed{at: a.now()}
	line.Attrs(func(of slog.Attr) bool {
		for key, into := range map[string]*string{"model": &one.Model, "share": &one.Share, "of": &one.Of} {
			if of.Key == key {
				*into = of.Value.String()
			}
		}
		return true
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, one)
	return nil
}

func (a *alarms) told(since func(time.Time) float64) []alarm {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := []alarm{}
	for _, one := range a.all {
		one.Day = since(one.at)
		all = append(all, one.alarm)
	}
	return all
}

// words are one line for people.
func (r *pastResult) words() string {
	first := "no alarm"
	if len(r.Alarms) > 0 {
		first = fmt.Sprintf("the alarm came on day %.1f", r.Alarms[0].Day)
	}
	points, wrong := 0, 0
	for _, m := range r.Models {
		points, wrong = points+m.Points, wrong+m.Wrong
	}
	return fmt.Sprintf(
		"%d points of the past, %d of them not as it was; one build broke on day %.0f, and %s",
		points,
		wrong,
		r.Broke,
		first,
	)
}
