// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSaveAndOpen(t *testing.T) {
	for _, a := range []Algorithm{Ed25519, P256} {
		t.Run(string(a), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ann.key")
			made, err := New(a, "ann", "root")
			if err != nil {
				t.Fatal(err)
			}
			if err := made.Save(path, "correct horse", MinWork); err != nil {
				t.Fatal(err)
			}
			k, err := Open(path, "correct horse")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(made.Public(), k.Public()); diff != "" {
				t.Errorf("public half changed:\n%s", diff)
			}
			sig, err := k.Sign([]byte("message"))
			if err != nil || !made.Key().Verify([]byte("message"), sig) || made.Key().Verify([]byte("other"), sig) {
				t.Errorf("signature of the opened key does not verify (error %v)", err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode is %v, error %v; wanted 0600", info.Mode(), err)
			}
			if public, err := ReadPublic(path); err != nil || public != made.Public() {
				t.Errorf("ReadPublic: %v, %v", public, err)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestNothingPrivateIsPrinted(t *testing.T) {
	k, err := New(Ed25519, "ann", "root")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("ann's key for root (%.8s)", k.Key().ID())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, k); got != want {
			t.Errorf("%s prints %q, wanted %q", verb, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	save := func(t *testing.T) string {
		k, err := New(Ed25519, "bo", "targets")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "bo.key")
		if err := k.Save(path, "secret", MinWork); err != nil {
			t.Fatal(err)
		}
		return path
	}
	edit := func(t *testing.T, path string, change func(string) string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(change(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name   string
		break_ func(t *testing.T, path string)
		pass   string
		want   string
	}{
		{"wrong passphrase", func(*testing.T, string) {}, "Secret", ErrPassphrase.Error()},
		{"no passphrase", func(*testing.T, string) {}, "", ErrPassphrase.Error()},
		{"readable by others", func(t *testing.T, p string) { os.Chmod(p, 0o640) }, "secret", "chmod 600"},
		{"not a key file", func(t *testing.T, p string) { edit(t, p, func(string) string { return "hello" }) }, "secret", "not a key file"},
		{"cut short", func(t *testing.T, p string) { edit(t, p, func(s string) string { return s[:len(s)-60] }) }, "secret", "damaged"},
		{"another key", func(t *testing.T, p string) {
			other, _ := os.ReadFile(PublicPath(save(t)))
			edit(t, PublicPath(p), func(string) string { return string(other) })
		}, "secret", "swapped"},
		{"public half with a wrong id", func(t *testing.T, p string) {
			edit(t, PublicPath(p), func(s string) string { return strings.Replace(s, `"keyid": "`, `"keyid": "0`, 1) })
		}, "secret", "key id"},
		{"huge file", func(t *testing.T, p string) {
			edit(t, p, func(s string) string { return s + strings.Repeat(" ", maxFile) })
		}, "secret", "larger than"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := save(t)
			c.break_(t, path)
			if _, err := Open(path, c.pass); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; wanted %q", err, c.want)
			}
		})
	}
	if _, err := Open(save(t), "no"); !errors.Is(err, ErrPassphrase) {
		t.Errorf("error %v; callers ask for ErrPassphrase", err)
	}
}

func TestAFileIsNeverOverwritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ann.key")
	k, err := New(Ed25519, "ann", "root")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.Save(path, "secret", MinWork); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v; wanted fs.ErrExist", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("the file now holds %q", text)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%d files are there; wanted the one that was", len(left))
	}
	for _, bad := range []func() error{
		func() error { return k.Save(filepath.Join(dir, "b"), "", MinWork) },
		func() error { return k.Save(filepath.Join(dir, "b"), "x", 40) },
		func() error { return k.Save(filepath.Join(dir, "no", "b"), "x", MinWork) },
	} {
		if bad() == nil {
			t.Error("accepted an empty passphrase, a huge work factor or a missing folder")
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Error("a refused Save left a file")
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range [][3]string{{"rsa", "ann", "root"}, {"p256", "../ann", "root"}, {"p256", "ann", ""}, {"p256", "Ann", "root"}} {
		if _, err := New(Algorithm(c[0]), c[1], c[2]); err == nil {
			t.Errorf("New(%q) was accepted", c)
		}
	}
}
