// SPDX-License-Identifier: Apache-2.0

package otahandset_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	client "landed/handset"
	"landed/handset/otahandset"
)

// evil is what whoever has the keys, the package or the network may write into what a handset reads.
const evil = "\x1b]0;pwn\x07\x1b[2J\u202e\u009b2J\u2028"

// Whoever wrote the build that runs, the settings or the server's answer: no command hands it to the terminal.
func TestNothingSteersTheTerminal(t *testing.T) {
	s := newStand(t)
	s.damage("slots/a/system/build.prop", func(text []byte) []byte {
		return bytes.ReplaceAll(text, []byte("ro.build.version.incremental="), []byte("ro.build.version.incremental="+evil))
	})
	network := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Retry-After", evil[3:6])
		w.WriteHeader(http.StatusForbidden)
		text, _ := json.Marshal(map[string]string{"code": evil, "title": evil, "detail": evil})
		w.Write(text)
	}))
	defer network.Close()
	all := ""
	for _, args := range [][]string{{"status"}, {"reference"}, {"check"}, {"check", "--server", network.URL}, {"status"},
		{"check", "--server", "http://" + evil}, {evil}, {"status", "--" + evil}} {
		var out, log bytes.Buffer
		otahandset.Main(append(args, "--dir", s.dir), strings.NewReader(""), &out, &log)
		all += out.String() + log.String()
		if args[0] == "status" && len(args) == 1 {
			var st client.Status
			if err := json.Unmarshal(out.Bytes(), &st); err != nil || !strings.HasPrefix(st.Build.Incremental, evil) {
				t.Errorf("programs read %q, %v", st.Build.Incremental, err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, "handset.json"), []byte(evil), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := run("check", "--dir", s.dir)
	all += out
	if strings.ContainsAny(all, "\x1b\x07\u202e\u009b\u2028") {
		t.Errorf("printed %q", all)
	}
	if !strings.Contains(all, `\u001b]0;pwn`) {
		t.Errorf("nothing of it came out at all: %s", all)
	}
}
