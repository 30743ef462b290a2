// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
)

// A state of version 1 held the tags of servers. They are gone with the next write, and all else is kept.
func TestStateOfVersion1(t *testing.T) {
	old := readFile(t, recordedV1+"/handset-downloading/"+stateFile)
	if !strings.Contains(string(old), "of-a-mirror") {
		t.Fatal("the recorded state holds no tag")
	}
	r, _ := newRecordedRig(t, "handset-downloading", fixtures.Unpatched, 0)
	m := r.client.store.mem
	if m.Schema != stateSchema || m.Seq != 3 || m.Validator != "" || m.Offer == nil || m.Time.Keys == "" || len(m.Outbox) == 0 {
		t.Errorf("read as %+v", m)
	}
	custom, err := m.Offer.CustomJSON()
	if err != nil || !strings.Contains(string(old), string(custom)) {
		t.Errorf("the custom part became %s, %v", custom, err)
	}
	if err := r.client.store.save(); err != nil {
		t.Fatal(err)
	}
	now := string(readFile(t, r.dir+"/client/"+stateFile))
	for _, gone := range []string{"of-a-mirror", `"etag"`, `"part"`, `"watch"`, `"doc"`} {
		if strings.Contains(now, gone) {
			t.Errorf("%s is still there", gone)
		}
	}
}

// Every member of a state file of today, recorded, is read and written under its name.
func TestStateMembers(t *testing.T) {
	recorded := readFile(t, "testdata/state-v2.json")
	mem, err := readState(recorded)
	if err != nil {
		t.Fatal(err)
	}
	mem.Validator = `"20d8709dcb576d7e54823bf1ac73b77d0219dc3b32a4b1fa4bbaf5a968322d74"` // dropped: it looks again
	text, err := json.Marshal(&mem)
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := errors.Join(json.Unmarshal(recorded, &want), json.Unmarshal(text, &got)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(want); n < 30 {
		t.Errorf("the recorded state has %d members", n)
	}
}

// A state of a later program is told in words and left as it is.
func TestStateOfALaterVersion(t *testing.T) {
	const text = `{"schema":3,"state":"dreaming"}`
	r := newRig(t)
	name := r.dir + "/client/" + stateFile
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(r.config()); err == nil || !strings.Contains(err.Error(), "version 3, and this program reads up to 2") {
		t.Errorf("got %v", err)
	}
	if got := string(readFile(t, name)); got != text {
		t.Errorf("%s became %s", text, got)
	}
}

// A state that no program wrote, as after a power cut, is put aside. The handset begins as a new installation, by
// itself, and goes on updating; what was put aside holds a key, and ends with a factory reset.
func TestDamagedState(t *testing.T) {
	for name, damage := range map[string]func(whole []byte) []byte{
		"zeros":               func(whole []byte) []byte { return make([]byte, len(whole)) },
		"empty":               func([]byte) []byte { return nil },
		"cut":                 func(whole []byte) []byte { return whole[:len(whole)/2] },
		"cut at its end":      func(whole []byte) []byte { return whole[:len(whole)-1] },
		"no version":          func([]byte) []byte { return []byte(`{"schema":0}`) },
		"no member":           func([]byte) []byte { return []byte(`{}`) },
		"null":                func([]byte) []byte { return []byte(`null`) },
		"a version in words":  func([]byte) []byte { return []byte(`{"schema":"2"}`) },
		"no key":              func([]byte) []byte { return []byte(`{"schema":2}`) },
		"no key, version 1":   func([]byte) []byte { return []byte(`{"schema":1}`) },
		"a key in numbers":    func([]byte) []byte { return []byte(`{"schema":2,"seed":7}`) },
		"an unknown state":    func(w []byte) []byte { return bytes.Replace(w, []byte(`"failed"`), []byte(`"flying"`), 1) },
		"an answer of a shop": func([]byte) []byte { return []byte("<html>Please log in</html>") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.bend(".zip", func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) })
			r.step()
			r.server.Bend = nil
			before, file := r.client.Reference(), r.dir+"/client/"+stateFile
			damaged := damage(readFile(t, file))
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			r.open()
			if !bytes.Equal(readFile(t, r.dir+"/client/"+damagedFile), damaged) {
				t.Error("what lay there was not put aside")
			}
			if r.client.Reference() == before {
				t.Error("it is the same installation")
			}
			if refusal := r.step(); refusal != nil || !r.patched() {
				t.Errorf("it goes on: %v, patched %v", refusal, r.patched())
			}
			r.open() // and what it has written is whole
			if err := Reset(r.dir + "/client"); err != nil {
				t.Fatal(err)
			}
			if left, _ := filepath.Glob(file + "*"); len(left) > 0 {
				t.Errorf("after a factory reset there is %v", left)
			}
		})
	}
}

func FuzzReadState(f *testing.F) {
	for _, name := range []string{"idle", "downloading", "observing"} {
		f.Add(readFile(f, recordedV1+"/handset-"+name+"/"+stateFile))
	}
	f.Add(readFile(f, "testdata/state-v2.json"))
	f.Add([]byte(`{"schema":2,"seed":"","offer":{"rollout":"r"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := readState(text); err == nil && (s.Schema != stateSchema || len(s.Seed) == 0) {
			t.Errorf("read as version %d, with a seed of %d bytes", s.Schema, len(s.Seed))
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
			r.log = logger(&log)
			r.open()
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
