// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/handset/handsettest"
)

// suite is what a suite does: a repository, a folder for a client, and the command line.
type suite struct {
	t                 *testing.T
	server            *handsettest.Server
	url               string
	metadata, targets string
	asked             []string // paths below the feed
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	now := func() time.Time { return time.Now().UTC().Truncate(time.Second) }
	s := &suite{t: t, server: handsettest.New(now), metadata: t.TempDir(), targets: t.TempDir()}
	s.server.Devices["armani"] = "armani"
	s.server.AddTarget("armani", "builds/armani/a.json", []byte("one"))
	s.server.Publish()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked = append(s.asked, strings.TrimPrefix(r.URL.Path, "/tuf/"))
		s.server.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	s.url = web.URL
	root := filepath.Join(t.TempDir(), "root.json")
	if err := os.WriteFile(root, s.server.Root(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.want(0, "init", root)
	if len(s.asked) != 0 {
		t.Errorf("init asks for %s", s.asked)
	}
	return s
}

// want runs the command with the flags of a suite, and wants its exit code.
func (s *suite) want(code int, args ...string) {
	s.t.Helper()
	s.asked = nil
	var log bytes.Buffer
	flags := []string{"--metadata-dir", s.metadata, "--metadata-url", s.url + "/tuf/metadata/", "--target-dir", s.targets,
		"--target-base-url", s.url + "/tuf/targets/"}
	if got := run(append(flags, args...), &log); got != code {
		s.t.Fatalf("%s: exit code %d, wanted %d\n%s", args, got, code, &log)
	}
}

// downloaded wants the bytes that lie in the folder of targets.
func (s *suite) downloaded(want ...string) {
	s.t.Helper()
	names, _ := filepath.Glob(filepath.Join(s.targets, "*"))
	var have []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			s.t.Fatal(err)
		}
		have = append(have, string(text))
	}
	if fmt.Sprint(have) != fmt.Sprint(want) {
		s.t.Errorf("there is %q, wanted %q", have, want)
	}
}

// TestCommandLine goes through what the suite asks of a client.
func TestCommandLine(t *testing.T) {
	s := newSuite(t)
	s.want(0, "refresh")
	if got, want := strings.Join(s.asked, " "), "metadata/2.root.json metadata/timestamp.json metadata/1.snapshot.json "+
		"metadata/1.targets.json"; got != want {
		t.Errorf("it asks for %s, wanted %s", got, want)
	}
	for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		if _, err := os.Stat(filepath.Join(s.metadata, role+".json")); err != nil {
			t.Error(err)
		}
	}
	s.want(0, "--target-name", "builds/armani/a.json", "download")
	s.downloaded("one")
	s.want(0, "--target-name", "builds/armani/a.json", "download")
	if last := s.asked[len(s.asked)-1]; strings.HasPrefix(last, "targets/") {
		t.Errorf("it fetches %s again", last)
	}
	s.want(1, "--target-name", "builds/armani/a.json", "--target-name", "builds/armani/none", "download")
	s.want(0, "--settled", "refresh")
	s.want(0, "--settled", "refresh")
}

// TestRefuses: what a handset refuses ends with 1, and changes nothing that was trusted.
func TestRefuses(t *testing.T) {
	s := newSuite(t)
	s.want(0, "--target-name", "builds/armani/a.json", "download")
	before := s.server.File("timestamp.json")
	s.server.AddTarget("armani", "builds/armani/b.json", []byte("two"))
	s.server.Publish()
	s.want(0, "refresh")
	newest := s.server.File("timestamp.json")
	s.server.Put("timestamp.json", before)
	s.want(1, "refresh")
	kept, err := os.ReadFile(filepath.Join(s.metadata, "timestamp.json"))
	if err != nil || !bytes.Equal(kept, newest) {
		t.Errorf("it went back to an older timestamp, %v", err)
	}
	s.server.Put("timestamp.json", newest)
	s.server.Bend = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/tuf/targets/") {
			fmt.Fprint(w, "six")
			return true
		}
		return false
	}
	s.want(1, "--target-name", "builds/armani/b.json", "download")
	s.downloaded("one")
	s.want(2, "--no-such-flag", "refresh")
	s.want(1, "install")
	s.want(1)
}

// TestTwoDelegators: a role to which two others delegate is believed on no account, for go-tuf asks for the keys of one of them.
func TestTwoDelegators(t *testing.T) {
	s := newSuite(t)
	s.server.Alter = func(role string, signed map[string]any) {
		if role != "armani" {
			return
		}
		signed["delegations"] = map[string]any{"keys": map[string]any{}, "roles": []any{map[string]any{
			"name": "armani-offers", "keyids": []string{strings.Repeat("0", 64)}, "threshold": 1, "terminating": false,
			"paths": []string{"builds/armani/*"}}}}
	}
	s.server.AddTarget("armani", "builds/armani/b.json", []byte("two"))
	s.server.Publish()
	s.want(0, "refresh")
	s.want(1, "--target-name", "builds/armani/b.json", "download")
	s.downloaded()
}
