// SPDX-License-Identifier: Apache-2.0

package virtual_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/firmware-fixtures/virtual"
)

// withBackup is a patched image of armani with an app backup; each is another build.
func withBackup(t testing.TB, kind fixtures.Kind, n int, change ...func(*fixtures.BackupConfig)) *virtual.Image {
	t.Helper()
	b, err := fixtures.LaterBuildOf("armani", fixtures.Patched, n)
	if err != nil {
		t.Fatal(err)
	}
	b.Backup = fixtures.BackupOf(kind)
	for _, c := range change {
		c(b.Backup)
	}
	return load(t, b)
}

// TestBackupStories goes through what an image with an app backup does about the list of apps.
func TestBackupStories(t *testing.T) {
	leave := func(c *fixtures.BackupConfig) { c.Migration = "leave" }
	images := map[string]*virtual.Image{
		"none": image(t, "armani", fixtures.Patched), "old": withBackup(t, fixtures.Unpatched, 1),
		"new": withBackup(t, fixtures.Patched, 2), "bad": withBackup(t, fixtures.Bad, 3),
		"leave": withBackup(t, fixtures.Patched, 4, leave),
	}
	answers := func(state, origin, uploads, off, app string) map[string]string {
		return map[string]string{"backup": state, "backup_origin": origin,
			"uploads_build": uploads, "uploads_off": off, "app_installed": app}
	}
	for name, tt := range map[string]struct {
		story string
		want  map[string]string
		sent  int // lists since the build first booted
	}{
		"an image without one":           {"none app on day", map[string]string{}, 0},
		"before: sends by itself":        {"old", answers("on", "factory_default", "1", "0", "false"), 1},
		"before: once a day":             {"old day app day", answers("on", "factory_default", "2", "0", "true"), 3},
		"before: switched off":           {"old off day day", answers("off", "user", "1", "0", "false"), 1},
		"before: reset":                  {"old off reset", answers("on", "factory_default", "1", "0", "false"), 1},
		"update: switched off":           {"old new app day day", answers("off", "policy", "0", "0", "true"), 0},
		"update: left on":                {"old leave", answers("on", "carried_over", "0", "0", "false"), 0},
		"update: left on, a day later":   {"old leave day", answers("on", "carried_over", "1", "0", "false"), 1},
		"update: off stays off":          {"old off leave day", answers("off", "user", "0", "0", "false"), 0},
		"update: from one without":       {"none new app day", answers("off", "factory_default", "0", "0", "true"), 0},
		"update: on by choice":           {"old new app on day", answers("on", "user", "1", "0", "true"), 1},
		"update: chosen, and kept":       {"old new on leave", answers("on", "user", "0", "0", "false"), 0},
		"bad: sends while off":           {"old bad app day day", answers("off", "policy", "2", "2", "true"), 2},
		"bad: and on":                    {"old bad day on day", answers("on", "user", "2", "1", "false"), 2},
		"an image without one, between":  {"old on none app new", answers("off", "policy", "0", "0", "false"), 0},
		"over the day of the last build": {"old bad", answers("off", "policy", "0", "0", "false"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for word := range strings.FieldsSeq(tt.story) {
				r.backupStep(images, word)
			}
			got := map[string]string{}
			for name, v := range r.Answers(r.now, askOf(t, appList)) {
				got[name] = v.String()
			}
			for _, common := range []string{"boot", "data_up", "observed_hours"} { // every image answers these
				if got[common] == "" {
					t.Errorf("no answer to %s", common)
				}
				delete(got, common)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			received := r.o.ReceivedSince("h", r.Truth().Since)
			if received[virtual.AppList] != tt.sent || received.Total() != 0 {
				t.Errorf("the maker received %v, wanted %d lists and nothing else", received, tt.sent)
			}
		})
	}
}

func (r *rig) backupStep(images map[string]*virtual.Image, word string) {
	r.now = r.now.Add(time.Minute)
	switch word {
	case "day":
		r.now = r.now.Add(day)
		r.Tick(r.now)
	case "app":
		r.AppInstalled(r.now)
	case "on", "off":
		r.SetBackup(word == "on", r.now)
	case "reset":
		r.FactoryReset(r.now)
		r.NetUp(r.now)
	default:
		r.Boot(images[word], r.now)
		r.NetUp(r.now)
	}
}

// TestBackupState: the userdata of the app backup survives a restart, and is not shared with a copy.
func TestBackupState(t *testing.T) {
	r := newRig(t)
	img := withBackup(t, fixtures.Bad, 1)
	r.Boot(img, r.now)
	r.NetUp(r.now)
	text, err := json.Marshal(r.State())
	if err != nil {
		t.Fatal(err)
	}
	var s virtual.State
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	q, err := virtual.Resume("h", img, s, r.o)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBackup(true, r.now)
	if got := q.State().Backup; got == nil || got.Switch.State != off || got.UploadsOff != 1 || r.State().Backup.Switch.State != on {
		t.Errorf("resumed with %+v", got)
	}
	old := virtual.NewPhone("old", 1, r.o)
	old.Boot(image(t, "armani", fixtures.Patched), r.now)
	text, _ = json.Marshal(old.State())
	if strings.Contains(string(text), "backup") || strings.Contains(string(text), "app_installed") {
		t.Errorf("an image without an app backup keeps %s", text)
	}
}

func TestParseBackupRefuses(t *testing.T) {
	b, _ := fixtures.BuildOf("armani", fixtures.Patched)
	prop, conf := b.SystemFiles()[virtual.PropName], b.SystemFiles()[virtual.ConfName]
	good := string(fixtures.BackupOf(fixtures.Patched).Text())
	for name, tt := range map[string]struct{ conf, want string }{
		"empty":       {"", "no upload_while_off"},
		"unknown key": {good + "list=yes\n", `key "list" is unknown`},
		"twice":       {good + "feature=1\n", "feature stands there twice"},
		"value":       {strings.Replace(good, "migration=switch_off", "migration=ask", 1), `migration is "ask"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := virtual.Parse(prop, conf, []byte(tt.conf)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, wanted %q in it", err, tt.want)
			}
		})
	}
	b.Backup = &fixtures.BackupConfig{Default: "maybe", Migration: "ask"}
	err := fixtures.Write(nil, b, fixtures.TestKey(), fixtures.Options{})
	if err == nil || !strings.Contains(err.Error(), `default is "maybe"`) {
		t.Errorf("a configuration that no image may have: %v", err)
	}
}

// A handset that goes on from a state without the userdata of an app backup, on an image that has one, does nothing
// about it until it is set up anew.
func TestBackupWithoutUserdata(t *testing.T) {
	img := withBackup(t, fixtures.Unpatched, 1)
	r := newRig(t)
	r.Boot(img, r.now)
	s := r.State()
	s.Backup = nil
	p, err := virtual.Resume("h", img, s, r.o)
	if err != nil {
		t.Fatal(err)
	}
	p.NetUp(r.now)
	p.AppInstalled(r.now)
	p.SetBackup(true, r.now)
	if n := r.o.Received("h")[virtual.AppList]; n != 0 || p.Truth().Backup != nil || p.State().Triggers.AppInstalled {
		t.Errorf("%d lists left it; %+v", n, p.Truth().Backup)
	}
	if p.FactoryReset(r.now); p.Truth().Backup == nil {
		t.Error("after a factory reset it has none either")
	}
}
