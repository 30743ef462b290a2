// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"os"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
)

// A state of version 1 held the tags of servers. They are gone with the next write, and all else is kept.
func TestStateOfVersion1(t *testing.T) {
	old := readFile(t, recordedV1+"/handset-downloading/"+stateFile)
	if !strings.Contains(string(old), "of-a-mirror") {
		t.Fatal("the recorded state holds no tag")
	}
	r, _ := newRecordedRig(t, "handset-downloading", fixtures.Unpatched, 0)
	m := r.client.mem
	if m.Schema != stateSchema || m.Seq != 3 || m.Validator != "" || m.Offer == nil || m.Time.Keys == "" || len(m.Outbox) == 0 {
		t.Errorf("read as %+v", m)
	}
	custom, err := m.Offer.CustomJSON()
	if err != nil || !strings.Contains(string(old), string(custom)) {
		t.Errorf("the custom part became %s, %v", custom, err)
	}
	if err := r.client.save(); err != nil {
		t.Fatal(err)
	}
	now := string(readFile(t, r.dir+"/client/"+stateFile))
	for _, gone := range []string{"of-a-mirror", `"etag"`, `"part"`, `"watch"`, `"doc"`} {
		if strings.Contains(now, gone) {
			t.Errorf("%s is still there", gone)
		}
	}
}

// A state that cannot be read is told in words and left as it is.
func TestStateOfAnotherVersion(t *testing.T) {
	for text, want := range map[string]string{
		`{"schema":3,"state":"dreaming"}`: "version 3, and this program reads up to 2",
		`{"schema":0}`:                    "of no version",
		`{}`:                              "of no version",
		`{"schema":"2"}`:                  "factory reset",
		`{"schema":2}`:                    "holds no installation",
		`{"schema":1}`:                    "holds no installation",
		`{"schema":2,"seed":7}`:           "factory reset",
		`{"sch`:                           "factory reset",
	} {
		r := newRig(t)
		name := r.dir + "/client/" + stateFile
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(r.client.cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, wanted %s", text, err, want)
		}
		if got := string(readFile(t, name)); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}

func FuzzReadState(f *testing.F) {
	for _, name := range []string{"idle", "downloading", "observing"} {
		f.Add(readFile(f, recordedV1+"/handset-"+name+"/"+stateFile))
	}
	f.Add([]byte(`{"schema":2,"seed":"","offer":{"rollout":"r"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := readState(text); err == nil && s.Schema != stateSchema && s.Schema != 0 {
			t.Errorf("read as version %d", s.Schema)
		}
	})
}

// Words of a feed are no commands to the terminal or the log that shows them, not even in the hands of who stole the
// offers key.
func TestOffersCommandNoTerminal(t *testing.T) {
	for name, do := range map[string]func(r *rig){
		"path":    func(r *rig) { r.offer.Package.Path = "builds/armani/x\n\x1b]0;pwn\x07\u202e\u009b.zip" },
		"outside": func(r *rig) { r.offer.Package.Path = "\x1b]0;pwn\x07" + strings.Repeat("long", 10_000) },
		"rollout": func(r *rig) { r.offer.Rollout = "r\x1b[2J" },
		"state":   func(r *rig) { r.offer.State = "\x1b[2J\u202e" },
		"needs":   func(r *rig) { r.offer.RawCustom = r.rawCustom(`"must_understand":["\u001b[2J\u202e"]`) },
		"model":   func(r *rig) { r.server.Devices["armani"] = "\x1b[2J"; r.offer.Custom.Model = "\x1b[2J" },
		"release": func(r *rig) { r.offer.Custom.Release = "\x1b[2J" },
	} {
		t.Run(name, func(t *testing.T) {
			r := waiting(t)
			var log strings.Builder
			r.client.cfg.Log = logger(&log)
			do(r)
			r.offered()
			_, err := r.client.Step(t.Context())
			st, _ := r.client.Status()
			words := st.Reason + log.String()
			if err != nil {
				words += err.Error()
			}
			if strings.ContainsAny(words, "\x1b\x07\u202e\u009b") || len(words) > 3*maxWords || words == "" {
				t.Errorf("%d bytes: %.300q", len(words), words)
			}
			if r.patched() {
				t.Error("it was installed")
			}
			r.pass(14 * time.Hour)
		})
	}
}
