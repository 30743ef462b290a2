// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"landed/manifests"
	"landed/manifests/otapkg"
	"landed/server/otactl/client"
)

func TestRoleWords(t *testing.T) {
	tests := []struct {
		role client.ChangeRole
		want string
	}{
		{client.ChangeRole{Role: "armani", Have: 0, Need: 2, Missing: []string{"k1", "k2", "k3"}}, "armani: 0 of 2 signatures, missing 2 of k1, k2, k3"},
		{client.ChangeRole{Role: "armani", Have: 1, Need: 2, Missing: []string{"k1", "k2"}}, "armani: 1 of 2 signatures, missing one of k1, k2"},
		{client.ChangeRole{Role: "armani", Have: 1, Need: 2, Missing: []string{"0123456789abcdef"}}, "armani: 1 of 2 signatures, missing 0123456789ab"},
		{client.ChangeRole{Role: "armani", Have: 2, Need: 2, Missing: []string{"k3"}}, "armani: 2 of 2 signatures"},
		{client.ChangeRole{Role: "lab", Have: 0, Need: 1, Missing: []string{"k1"}}, "lab: 0 of 1 signature, missing k1"},
	}
	for _, tt := range tests {
		if got := roleWords(tt.role); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 3 << 30: "3.0 GiB", 5 << 50: "5120.0 TiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) is %q, want %q", n, got, want)
		}
	}
}

// Text from elsewhere neither commands the terminal nor breaks a table.
func TestTableIsClean(t *testing.T) {
	var out bytes.Buffer
	list := table{head: []string{"A", "B"}}
	list.add("x\x1b[2Jy\tz\n", "\u202egpj.exe")
	list.add("", "\xff")
	(&printer{out: &out}).table(list)
	want := "A          B\nx [2Jy z    gpj.exe\n-          \uFFFD\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestNewestFull(t *testing.T) {
	pkg := func(sha, variant, channel string, utc int64, from ...string) client.Package {
		return client.Package{SHA256: sha, Variant: variant, Channel: channel, Build: manifests.Build{UTC: utc}, PreBuilds: from}
	}
	got := newestFull([]client.Package{
		pkg("late upload of an old build", "armani", "stable", 1),
		pkg("newest", "armani", "stable", 3),
		pkg("incremental", "armani", "stable", 4, "old"),
		pkg("other channel", "armani", "beta", 9),
		pkg("other image", "armani_global", "stable", 2),
	}, "stable")
	var names []string
	for _, p := range got {
		names = append(names, p.SHA256)
	}
	if diff := cmp.Diff([]string{"newest", "other image"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestWriteNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, step := range []struct {
		text string
		ok   bool
	}{{"one", true}, {"one", true}, {"two", false}, {"on", false}, {"", false}} {
		if err := writeNew(path, []byte(step.text), 0o600); (err == nil) != step.ok {
			t.Errorf("writing %q: %v", step.text, err)
		}
	}
	if have, err := os.ReadFile(path); err != nil || string(have) != "one" {
		t.Errorf("the file holds %q, %v", have, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v, %v", info, err)
	}
	if all, _ := os.ReadDir(dir); len(all) != 1 {
		t.Errorf("left behind: %v", all)
	}
}

// Every kind of error says what was found and what to do, and gives its exit code.
func TestExplain(t *testing.T) {
	tests := map[string]struct {
		err  error
		says string
		code int
	}{
		"interrupted": {fmt.Errorf("upload: %w", context.Canceled), "interrupted before the server answered. What it did all the same is in: otactl audit.", couldNot},
		"no answer":   {&client.Unreachable{URL: "http://x", Err: io.ErrUnexpectedEOF}, "no answer from http://x: unexpected EOF. Is otad running there? Another server is named with --url or OTACTL_URL.", couldNot},
		"refused":     {&client.Error{Status: 409, Code: "staged", Detail: "It is staged."}, "It is staged. (staged)", refused},
		"a fault":     {&client.Error{Status: 500, Code: "internal", Detail: "Something is wrong.", Request: "R1"}, "Something is wrong. The request has the id R1. (internal)", couldNot},
		"local":       {os.ErrNotExist, "file does not exist", couldNot},
	}
	for name, tt := range tests {
		if got := explain(tt.err).text(); got != tt.says || exitCode(tt.err) != tt.code {
			t.Errorf("%s: got %q and %d, want %q and %d", name, got, exitCode(tt.err), tt.says, tt.code)
		}
	}
}

// Whoever makes a release hears in words what its signers will be asked, and nothing less urgent.
func TestSayApprovals(t *testing.T) {
	var out bytes.Buffer
	(&releases{out: &printer{out: &out}}).sayApprovals([]client.Package{
		{Name: "plain.zip", Findings: otapkg.Findings{{Code: "INC-ALONE", Level: otapkg.Warn, Message: "No full package."}}},
		{Name: "wiping.zip", Findings: otapkg.Findings{{Code: "WIPE", Level: otapkg.Approve, Message: "It erases user data.", Fix: "Say so in the notes."}}},
	})
	want := "Each signer has to agree to this about wiping.zip:\n  approve  WIPE: It erases user data. Say so in the notes.\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// Classes of an effect that this program does not know are shown as well.
func TestShownClasses(t *testing.T) {
	got := shown(map[string]int64{"uploads_off": 3, "leak": 1, "confirmed_off": 2, "unknown": 0, "asks_first": 1})
	if diff := cmp.Diff([]string{"confirmed_off", "leak", "asks_first", "uploads_off"}, got); diff != "" {
		t.Error(diff)
	}
}
