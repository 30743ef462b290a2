// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// evil steers a terminal, or turns what is read around.
const evil = "\x1b]0;pwn\x07\x1b[2J\u202e\u009b2J\u2028"

// Whatever lies in the folder, in a backup or in a request: no output of otad and no line of its log steers a terminal.
func TestNothingSteersTheTerminal(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	data := filepath.Join(dir, "data")
	token := strings.TrimSpace(run(ctx, nil, "init", "--data", data, "--token-only").stdout)
	write := func(name string, text []byte) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var backup bytes.Buffer
	w := tar.NewWriter(&backup)
	about := []byte(`{"schema":1}`)
	for _, h := range []*tar.Header{{Name: "backup.json", Size: int64(len(about)), Mode: 0o600}, {Name: evil, Mode: 0o600}} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			w.Write(about)
		}
	}
	w.Close()
	write(filepath.Join(dir, "backup.tar"), backup.Bytes())
	all := ""
	said := func(r result) { all += r.stdout + r.stderr }
	said(run(ctx, nil, "restore", filepath.Join(dir, "backup.tar"), "--data", filepath.Join(dir, evil)))
	said(run(ctx, nil, "backup", filepath.Join(dir, evil+".tar"), "--data", data))
	said(run(ctx, nil, "token", "add", evil, "--data", data))
	said(run(ctx, nil, "fsck", "--data", filepath.Join(dir, evil)))
	said(run(ctx, nil, "serve", "--data", data, "--addr", evil))
	said(run(ctx, nil, evil))
	said(run(ctx, map[string]string{"OTAD_MAX_UPLOAD": evil}, "serve"))
	write(filepath.Join(data, "ota-keys", "stable", evil+".pem"), []byte(evil))
	for _, asJSON := range []bool{false, true} {
		url, end := serving(t, data, map[bool]string{false: "--log-json=false", true: "--log-json"}[asJSON])
		ask(t, token, url+"/v1/packages?name=x.zip", "not a package")
		ask(t, token, url+"/v1/packages?name="+"%1b%5b2J%e2%80%ae.zip", "not a package")
		r := end()
		said(r)
		for line := range strings.Lines(r.stderr) {
			if asJSON && !json.Valid([]byte(line)) {
				t.Errorf("a line of the log is no JSON: %q", line)
			}
		}
	}
	write(filepath.Join(data, "feed", "metadata", "1.root.json"), []byte(evil))
	said(run(ctx, nil, "fsck", "--data", data))
	if strings.ContainsAny(all, "\x1b\x07\u202e\u009b\u2028") {
		t.Errorf("printed %q", all)
	}
	if strings.Count(all, `pwn`) < 4 {
		t.Errorf("little of it came out at all: %s", all)
	}
}

func ask(t *testing.T, token, url, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}
