// SPDX-License-Identifier: Apache-2.0

package otad

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/server"
)

type result struct {
	code           int
	stdout, stderr string
}

func run(ctx context.Context, env map[string]string, args ...string) result {
	var out, errs bytes.Buffer
	code := Main(ctx, args, func(name string) string { return env[name] }, strings.NewReader(""), &out, &errs)
	return result{code, out.String(), errs.String()}
}

// serving starts "otad serve" and returns its URL and a way to end it.
func serving(t *testing.T, data string, flags ...string) (url string, end func() result) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	file := filepath.Join(t.TempDir(), "addr")
	done := make(chan result, 1)
	args := append([]string{"serve", "-data", data, "-addr=127.0.0.1:0", "--addr-file", file}, flags...)
	go func() { done <- run(ctx, nil, args...) }()
	end = func() result { cancel(); return <-done }
	for deadline := time.Now().Add(2 * time.Minute); ; {
		if text, err := os.ReadFile(file); err == nil && strings.HasSuffix(string(text), "\n") {
			return "http://" + strings.TrimSpace(string(text)), end
		}
		select {
		case r := <-done:
			t.Fatalf("serve ended: %+v", r)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("serve did not say where it listens")
		}
	}
}

// asked is what a server answers to a GET. One that is not ready is asked again for a while: on a slow machine its database may not have
// answered in time.
func asked(t *testing.T, url string) *http.Response {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusServiceUnavailable || !strings.HasSuffix(url, "/readyz") || time.Now().After(end) {
			return resp
		}
		resp.Body.Close()
	}
}

func TestInitServeTokenFsck(t *testing.T) {
	ctx, data := context.Background(), filepath.Join(t.TempDir(), "data")
	made := run(ctx, map[string]string{"OTAD_DATA": data}, "init", "--admin", "root", "--token-only")
	if made.code != 0 || !strings.HasPrefix(made.stdout, "landed_") || strings.Count(made.stdout, "\n") != 1 {
		t.Fatalf("init: %+v", made)
	}
	if again := run(ctx, nil, "init", "-data", data); again.code != 1 || !strings.Contains(again.stderr, "is a data folder already") {
		t.Errorf("init twice: %+v", again)
	}
	if _, err := os.Stat(filepath.Join(data, "online.json")); err != nil {
		t.Error(err)
	}
	url, end := serving(t, data)
	engineer := run(ctx, nil, "token", "add", "ann", "--role", "engineer", "--data", data)
	if engineer.code != 0 {
		t.Fatalf("token add beside a running server: %+v", engineer)
	}
	for _, path := range []string{"/healthz", "/readyz", "/", "/status.json"} {
		resp := asked(t, url+path)
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if r := end(); r.code != 0 || !strings.Contains(r.stdout, url) {
		t.Errorf("serve: %+v", r)
	}
	if r := run(ctx, nil, "fsck", "--data", data); r.code != 0 {
		t.Errorf("fsck: %+v", r)
	}
	if r := run(ctx, map[string]string{"OTAD_MAX_UPLOAD": "much"}, "serve"); r.code != 1 ||
		!strings.Contains(r.stderr, "OTAD_MAX_UPLOAD") {
		t.Errorf("a wrong twin: %+v", r)
	}
}

// An upload that is under way when the signal comes is answered, and what it brought is kept.
func TestShutdownAnswersWhatIsUnderWay(t *testing.T) {
	ctx, data := context.Background(), filepath.Join(t.TempDir(), "data")
	token := strings.TrimSpace(run(ctx, nil, "init", "--data", data, "--token-only").stdout)
	key := fixtures.TestKey()
	if err := os.WriteFile(filepath.Join(data, "ota-keys", "stable", "ota.pem"), key.CertPEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := fixtures.BuildOf("armani", fixtures.Patched)
	if err != nil {
		t.Fatal(err)
	}
	body, err := fixtures.Bytes(b, key)
	if err != nil {
		t.Fatal(err)
	}
	url, end := serving(t, data)
	read, write := io.Pipe()
	r, err := http.NewRequest("POST", url+"/v1/packages?name=update.zip", read)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Expect", "100-continue") // so that the first byte is sent when the handler reads
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	type answer struct {
		resp *http.Response
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		resp, err := client.Do(r)
		answers <- answer{resp, err}
	}()
	if _, err := write.Write(body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	ended := make(chan result, 1)
	go func() { ended <- end() }()
	if _, err := write.Write(body[len(body)/2:]); err != nil {
		t.Fatal(err)
	}
	write.Close()
	a := <-answers
	if a.err != nil {
		t.Fatal(a.err)
	}
	text, _ := io.ReadAll(a.resp.Body)
	a.resp.Body.Close()
	if a.resp.StatusCode != http.StatusCreated {
		t.Errorf("%s %s", a.resp.Status, text)
	}
	if r := <-ended; r.code != 0 {
		t.Errorf("serve: %+v", r)
	}
}

// TestHelpNamesLanguages: what the help offers is what serve takes.
func TestHelpNamesLanguages(t *testing.T) {
	help := run(context.Background(), nil, "serve", "--help")
	if want := "of the status pages for who asks for none of these: " + strings.Join(server.Languages(), ", ") + " ("; help.code != 0 ||
		!strings.Contains(help.stdout+help.stderr, want) {
		t.Errorf("the help does not hold %q:\n%s%s", want, help.stdout, help.stderr)
	}
}

// TestPublicPath: the status pages are behind the path that is given, with every link; feed, reports and health stay.
func TestPublicPath(t *testing.T) {
	ctx, data := context.Background(), filepath.Join(t.TempDir(), "data")
	if made := run(ctx, nil, "init", "--data", data); made.code != 0 {
		t.Fatalf("init: %+v", made)
	}
	if refused := run(ctx, nil, "serve", "--data", data, "--public-path", "landed/"); refused.code != 1 ||
		!strings.Contains(refused.stderr, "it begins with a slash") {
		t.Errorf("a path that is none: %+v", refused)
	}
	address, end := serving(t, data, "--public-path", "/landed", "--language", "zh-Hant")
	defer end()
	for path, want := range map[string]string{
		"/landed/": `<html lang="zh-Hant">`, "/landed/en/": `href="/landed/en/"`,
		"/landed/status.json": `"language": "zh-Hant"`, "/": `href="/landed/`,
		"/landed/nowhere": `href="/landed/"`, "/landed/en/nowhere": `href="/landed/en/"`, "/healthz": "ok",
		"/landed/healthz": "<html", "/landed/v1/reports": "<html",
	} {
		answer, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if !strings.Contains(string(body), want) {
			t.Errorf("%s: %s does not hold %s:\n%.300s", path, answer.Status, want, body)
		}
	}
}

// TestReady asks servers that are ready, that are not, and that are no servers.
func TestReady(t *testing.T) {
	ctx, data := context.Background(), filepath.Join(t.TempDir(), "data")
	if made := run(ctx, nil, "init", "--data", data); made.code != 0 {
		t.Fatalf("init: %+v", made)
	}
	url, end := serving(t, data, "--min-free", "1000000000000000000")
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	lacks := run(ctx, map[string]string{"OTAD_ADDR": "0.0.0.0:" + port}, "ready")
	if lacks.code != 1 || !strings.Contains(lacks.stderr, "disk: ") {
		t.Errorf("without room: %+v; wanted the cause", lacks)
	}
	end()
	url, end = serving(t, data, "--min-free", "0")
	defer end()
	addr := strings.TrimPrefix(url, "http://")
	asked(t, url+"/readyz").Body.Close()
	if is := run(ctx, nil, "ready", "--addr", "127.0.0.1:1", "--admin-addr", addr); is.code != 0 || is.stdout != "ready\n" {
		t.Errorf("%+v; wanted ready", is)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for _, addr := range []string{other.Listener.Addr().String(), "127.0.0.1:1", "nowhere"} {
		if not := run(ctx, nil, "ready", "--addr", addr); not.code != 1 || not.stderr == "" {
			t.Errorf("%s: %+v", addr, not)
		}
	}
}
