// SPDX-License-Identifier: Apache-2.0

package otasim

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"landed/manifests/evidence"
	"landed/manifests/tufrepo"
)

// TestObserver: all three tests are done over real connections. The service keeps the numbers that reached it before, so
// retention fails first, and passes once it has deleted them.
func TestObserver(t *testing.T) {
	server, root := feed(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- (&observing{standIn: at("service.json")}).serve(ctx, new(bytes.Buffer)) }()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(at("service.json")); err == nil {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("the service ended: %v", err)
		default:
		}
		if time.Now().After(end) {
			t.Fatal("the service did not say where it is")
		}
	}
	observe := func(more ...string) map[string]string {
		t.Helper()
		var out, errs bytes.Buffer
		args := append([]string{"--observer", "--server", server.URL, "--root", root, "--models", "armani", "--observer-key", at("key.pem"),
			"--out", dir, "--probes", at("probes.json"), "--service", at("service.json")}, more...)
		if code := Main(args, nil, &out, &errs); code != 0 {
			t.Fatalf("exit code %d: %s", code, &errs)
		}
		var got struct {
			Model      string
			Statements []statement
		}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Model != "armani" || len(got.Statements) != 3 {
			t.Fatalf("%v: %s", err, &out)
		}
		verdicts := map[string]string{}
		for _, s := range got.Statements {
			verdicts[string(s.Kind)] = string(s.Verdict)
			text, err := os.ReadFile(s.File)
			if err != nil {
				t.Fatal(err)
			}
			signed, err := evidence.Parse(text)
			if err != nil || signed.ID != s.ID || !signed.SignedBy([]tufrepo.Key{publicKey(t, at("key.pem.pub"))}) {
				t.Errorf("%s: %v", s.File, err)
			}
			if strings.Contains(string(signed.Payload()), "+999") {
				t.Errorf("%s holds a number", s.File)
			}
		}
		return verdicts
	}
	first := observe()
	if first["traffic"] != "confirms" || first["transport"] != "confirms" || first["retention"] != "refutes" {
		t.Errorf("at first: %v", first)
	}
	if again := observe(); again["retention"] != "refutes" {
		t.Errorf("while it keeps them: %v", again)
	}
	if then := observe("--deletes"); then["retention"] != "confirms" {
		t.Errorf("once it has deleted them: %v", then)
	}
	if then := observe(); then["retention"] != "confirms" {
		t.Errorf("and later: %v", then)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func publicKey(t *testing.T, path string) tufrepo.Key {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var public struct {
		KeyID string
		Key   tufrepo.Key
	}
	if err := json.Unmarshal(text, &public); err != nil || public.Key.ID() != public.KeyID {
		t.Fatalf("%s: %v", text, err)
	}
	return public.Key
}

func TestObserverRefuses(t *testing.T) {
	_, root := feed(t)
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.pem")
	if err := os.WriteFile(bad, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--observer"}, "root"},
		{[]string{"--observer", "--root", filepath.Join(dir, "no.json"), "--observer-key", filepath.Join(dir, "key.pem")}, "1.root.json"},
		{[]string{"--observer", "--root", root, "--observer-key", bad}, "wanted a private key in PEM"},
		{[]string{"--observer", "--root", root, "--server", "http://127.0.0.1:1", "--observer-key", filepath.Join(dir, "key.pem")}, "refused"},
	} {
		var out, errs bytes.Buffer
		if code := Main(c.args, nil, &out, &errs); code != 2 || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%v: exit code %d, %s; wanted %q", c.args, code, &errs, c.want)
		}
	}
}
