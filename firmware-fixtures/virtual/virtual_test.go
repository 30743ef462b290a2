// SPDX-License-Identifier: Apache-2.0

package virtual_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/firmware-fixtures/virtual"
	"landed/manifests/effect/probe"
)

var start = time.Date(2014, 8, 20, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// image loads what a fixture package would have installed, with changes to its configuration.
func image(t testing.TB, model string, kind fixtures.Kind, change ...func(*fixtures.Config)) *virtual.Image {
	t.Helper()
	b, err := fixtures.BuildOf(model, kind)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(&b.Config)
	}
	return load(t, b)
}

func load(t testing.TB, b fixtures.Build) *virtual.Image {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, data := range b.SystemFiles() {
		fsys[name] = &fstest.MapFile{Data: data}
	}
	img, err := virtual.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestImageOfEveryFixture: build system and handset share a text and no code; here they must agree.
func TestImageOfEveryFixture(t *testing.T) {
	for _, m := range fixtures.Models() {
		for _, k := range fixtures.Kinds() {
			b, _ := fixtures.BuildOf(m, k)
			want := virtual.Image{Fingerprint: b.Fingerprint, Device: b.Model, Variant: b.Variant, Incremental: b.Incremental, UTC: b.UTC,
				Behaviour: virtual.Behaviour{Feature: b.Config.Feature, DefaultOn: b.Config.Default == "on", AutoActivate: b.Config.AutoActivate,
					Gate: virtual.Gate(b.Config.AutoGate), LookupAlways: b.Config.PresenceLookup == "always",
					Migration: virtual.Migration(b.Config.Migration), DeregisterAuto: b.Config.DeregisterAuto,
					Transport: virtual.Transport(b.Config.Transport)}}
			if diff := cmp.Diff(want, *image(t, m, k)); diff != "" {
				t.Errorf("%s %s: %s", m, k, diff)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	b, _ := fixtures.BuildOf("armani", fixtures.Patched)
	prop, conf := string(b.SystemFiles()[virtual.PropName]), string(b.SystemFiles()[virtual.ConfName])
	tests := map[string]struct{ prop, conf, want string }{
		"unknown key":        {prop, conf + "force_off=yes\n", `key "force_off" is unknown`},
		"missing key":        {prop, strings.Replace(conf, "transport=https\n", "", 1), "no transport"},
		"twice":              {prop, conf + "feature=1\n", "feature stands there twice"},
		"value":              {prop, strings.Replace(conf, "default=off", "default=maybe", 1), `default is "maybe"`},
		"no equals sign":     {prop, conf + "feature\n", "wanted key=value"},
		"binary":             {prop, "\xff\xfe", "wanted UTF-8"},
		"huge":               {prop, strings.Repeat("#\n", 40<<10), "at most 65536 bytes"},
		"no fingerprint":     {strings.Replace(prop, "ro.build.fingerprint", "x", 1), conf, "no ro.build.fingerprint"},
		"two fingerprints":   {prop + "ro.build.fingerprint=x\n", conf, "stands there twice"},
		"time is no number":  {strings.Replace(prop, "ro.build.date.utc=", "ro.build.date.utc=a", 1), conf, "ro.build.date.utc"},
		"time is long after": {strings.Replace(prop, "ro.build.date.utc=", "ro.build.date.utc=9999", 1), conf, "ro.build.date.utc"},
	}
	if _, err := virtual.Parse([]byte(prop), []byte(conf), nil); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := virtual.Parse([]byte(tt.prop), []byte(tt.conf), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, wanted %q in it", err, tt.want)
			}
		})
	}
	_, err := virtual.Parse(nil, nil, nil)
	if n := len(strings.Split(fmt.Sprint(err), "\n")); n != 12 {
		t.Errorf("empty files have %d faults, wanted all 12 at once: %v", n, err)
	}
}

func TestLoadMissingFile(t *testing.T) {
	_, err := virtual.Load(fstest.MapFS{})
	if err == nil || !strings.Contains(err.Error(), virtual.PropName) || !strings.Contains(err.Error(), virtual.ConfName) {
		t.Errorf("error %v, wanted both files named", err)
	}
}

// FuzzParse: an image is refused, or has only values of the closed format.
func FuzzParse(f *testing.F) {
	for _, k := range fixtures.Kinds() {
		b, _ := fixtures.BuildOf("armani", k)
		f.Add(b.SystemFiles()[virtual.PropName], b.SystemFiles()[virtual.ConfName], fixtures.BackupOf(k).Text())
		f.Add(b.SystemFiles()[virtual.PropName], b.SystemFiles()[virtual.ConfName], []byte(nil))
	}
	f.Add([]byte("ro.build.date.utc=1\n=\n"), []byte("feature=\n#\n\r\n=x"), []byte("default=\n"))
	asks := []probe.Ask{askOf(f, optIn), askOf(f, appList)}
	f.Fuzz(func(t *testing.T, prop, conf, backup []byte) {
		img, err := virtual.Parse(prop, conf, backup)
		if err != nil {
			return
		}
		p := virtual.NewPhone("fuzz", 2, &virtual.Observer{})
		p.Boot(img, start)
		p.SIMReady(0, start)
		p.NetUp(start)
		p.AppInstalled(start)
		p.SetBackup(false, start)
		p.Tick(start.Add(day))
		for i, a := range asks {
			got := p.Answers(start, a)
			if err := probe.Check(a.Probes, got); err != nil {
				t.Errorf("an accepted image gives answers that no report may carry: %v", err)
			}
			if whole := len(got) == len(a.Probes); whole != (i == 0 || img.Backup != nil) {
				t.Errorf("%d answers to %d probes: %v", len(got), len(a.Probes), got)
			}
		}
		if img.Fingerprint == "" || img.UTC < 1 || img.Device == "" {
			t.Errorf("accepted %+v", img)
		}
	})
}

// TestStateSurvivesJSON stores a handset in the middle of everything and goes on from there.
func TestStateSurvivesJSON(t *testing.T) {
	var o virtual.Observer
	p := virtual.NewPhone("h", 2, &o)
	p.Boot(image(t, "dior", fixtures.Unpatched), start)
	p.SIMReady(0, start)
	p.NetUp(start)
	p.ContactOpened(start)
	text, err := json.Marshal(p.State())
	if err != nil {
		t.Fatal(err)
	}
	var s virtual.State
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	q, err := virtual.Resume("h", p.Image(), s, &o)
	if err != nil {
		t.Fatal(err)
	}
	later := start.Add(30 * time.Hour)
	if diff := cmp.Diff(p.State(), q.State()); diff != "" {
		t.Error(diff)
	}
	patched := image(t, "dior", fixtures.Patched)
	if _, err := virtual.Resume("h", patched, s, &o); err == nil {
		t.Error("resumed on another image without a boot")
	}
	off, err := virtual.Resume("h", nil, s, &o)
	if err != nil {
		t.Fatal(err)
	}
	off.Boot(patched, later)
	if got := off.State().Switch.State; got != virtual.StateSuspended {
		t.Errorf("switch is %s after the update, wanted suspended", got)
	}
	if q.State().Switch.State != virtual.StateOn {
		t.Error("two handsets share one state")
	}
}

// userdata is a state as the first programs wrote it: flat, every member by its name.
const userdata = `{"setup_epoch":2,"build":"b","feature":1,"first_boot":"2014-08-20T09:00:00Z","previous":"a",
"slots":[{"present":true,"ready":true,"registered":true,"by":"user","wanted":true,"ask_again":true,
"retry":"2014-08-21T09:00:00Z"}],"net_up":true,"switch":{"state":"on","origin":"user"},
"record":{"consent":"in","text":1,"day":"2014-08-20","surface":"prompt"},"prompt":true,"migration":"ask",
"attempts_setup":3,"attempts_build":2,"lookups_off":1,"triggers":{"boot":true,"sim_ready":true,"data_up":true,
"day_passed":true,"contact_opened":true,"thread_opened":true,"app_installed":true},
"backup":{"feature":1,"switch":{"state":"on","origin":"user"},"uploads_build":5,"uploads_off":4,
"next":"2014-08-22T09:00:00Z"},"sent":{"auto":1,"lookups_off":2,"lookups_on":3,"user":4,"plain":true}}`

func TestUserdataMembers(t *testing.T) {
	var s virtual.State
	if err := json.Unmarshal([]byte(userdata), &s); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := errors.Join(json.Unmarshal([]byte(userdata), &want), json.Unmarshal(text, &got)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestObserver(t *testing.T) {
	var o virtual.Observer
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 100 {
				_ = o.Send(start.Add(time.Duration(n)*time.Hour), fmt.Sprint(i%2), virtual.IMEI, virtual.Number)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff([]string{"0", "1"}, o.Handsets()); diff != "" {
		t.Error(diff)
	}
	at := start.Add(60 * time.Hour)
	for _, h := range o.Handsets() {
		if diff := cmp.Diff(virtual.Count{virtual.IMEI: 160, virtual.Number: 160}, o.ReceivedSince(h, at)); diff != "" {
			t.Error(diff)
		}
		if got := o.ReceivedBefore(h, at).Total() + o.ReceivedSince(h, at).Total(); got != o.Received(h).Total() || got != 800 {
			t.Errorf("%d identifiers of handset %s, wanted 800", got, h)
		}
	}
	if got := o.Received("nobody").Total(); got != 0 {
		t.Errorf("%d identifiers of a handset that sent none", got)
	}
}

// deaf is a service that accepts nothing until told.
type deaf struct {
	virtual.Observer
	accept bool
}

func (d *deaf) Send(at time.Time, h string, what ...virtual.Identifier) error {
	_ = d.Observer.Send(at, h, what...)
	if !d.accept {
		return errors.New("not now")
	}
	return nil
}
