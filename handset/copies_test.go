// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCopyThatIsNoMetadata: whatever became of a copy of metadata on this handset's disk, it is dropped and fetched
// again; the next poll is as good as any.
func TestCopyThatIsNoMetadata(t *testing.T) {
	other := map[string]string{"timestamp.json": "snapshot.json", "snapshot.json": "timestamp.json",
		"root.json": "targets.json", "targets.json": "root.json", "armani.json": "root.json"}
	for name, content := range map[string]func(name string, r *rig) []byte{
		"object":      func(string, *rig) []byte { return []byte("{}") },
		"null":        func(string, *rig) []byte { return []byte("null") },
		"list":        func(string, *rig) []byte { return []byte("[]") },
		"empty":       func(string, *rig) []byte { return nil },
		"null signed": func(string, *rig) []byte { return []byte(`{"signed":null,"signatures":null}`) },
		"type alone":  func(string, *rig) []byte { return []byte(`{"signed":{"_type":"timestamp"},"signatures":[]}`) },
		"snapshot's":  func(string, *rig) []byte { return []byte(`{"signed":{"_type":"snapshot"},"signatures":[]}`) },
		"another's":   func(name string, r *rig) []byte { return r.copyOf(other[name]) },
		"cut":         func(name string, r *rig) []byte { return r.copyOf(name)[:100] },
		"a signature off": func(name string, r *rig) []byte {
			return bytes.Replace(r.copyOf(name), []byte(`"sig":"`), []byte(`"sig":"00`), 1)
		},
		"signed twice": func(name string, r *rig) []byte { // by one key, which go-tuf takes for an unreadable file
			text := r.copyOf(name)
			from := bytes.Index(text, []byte(`"signatures":[{`)) + len(`"signatures":[`)
			to := from + bytes.IndexByte(text[from:], '}') + 1
			return bytes.Join([][]byte{text[:to], text[from:to], text[to:]}, nil)[:len(text)+to-from]
		},
	} {
		for file := range other {
			if file == "targets.json" && name != "object" || file == "armani.json" && name != "another's" {
				continue // of which go-tuf makes nothing fatal
			}
			t.Run(file+" "+name, func(t *testing.T) {
				r := newRig(t)
				r.offer.Share = 0
				r.offered()
				r.step()
				if err := os.WriteFile(r.copyPath(file), content(file, r), 0o600); err != nil {
					t.Fatal(err)
				}
				r.offer.Share = 10_000
				r.offered()
				r.open()
				r.pass(14 * time.Hour)
				if refusal := r.step(); refusal != nil || !r.patched() {
					t.Errorf("got %v, patched %v", refusal, r.patched())
				}
			})
		}
	}
}

func (r *rig) copyPath(name string) string { return filepath.Join(r.dir, "client", "metadata", name) }

func (r *rig) copyOf(name string) []byte {
	r.t.Helper()
	return readFile(r.t, r.copyPath(name))
}
