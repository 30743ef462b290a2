// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// The scripts of otactl run this client against a real server. Here are the answers that a
// real server never gives: those of proxies, strangers, and broken lines.

func serving(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(s.URL+"/", "landed_secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestStatedBytesAreNotSent: bytes that a server has already are known by their digest.
func TestStatedBytesAreNotSent(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if want := "sha-256=:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xab}, 32)) + ":"; r.Header.Get("Repr-Digest") != want {
			t.Errorf("Repr-Digest is %q", r.Header.Get("Repr-Digest"))
		}
		_, _ = fmt.Fprintf(w, `{"sha256": %q, "known": true}`, digest)
	})
	p, err := c.Packages().Stating(digest).Upload(context.Background(), "a.zip", "", iotest.ErrReader(errors.New("it was read")), 9, nil)
	if err != nil || !p.Known {
		t.Errorf("%+v, %v", p, err)
	}
}

func answer(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestStrangeAnswers(t *testing.T) {
	const problemJSON = "application/problem+json"
	tests := map[string]struct {
		h          http.HandlerFunc
		code, says string
	}{
		"a page":           {answer(200, "text/html", "<html>Welcome\x1b[2J to the portal"), "foreign_answer", `Welcome [2J to the portal`},
		"a bad gateway":    {answer(502, "text/html", "<h1>502</h1>"), "foreign_answer", "502 Bad Gateway"},
		"another shape":    {answer(200, "application/json", `{"packages": 7}`), "foreign_answer", "cannot be read"},
		"an empty answer":  {answer(200, "application/json", ``), "foreign_answer", "cannot be read"},
		"a foreign error":  {answer(404, problemJSON, `{"title": "no code"}`), "foreign_answer", "404 Not Found"},
		"a broken problem": {answer(422, problemJSON, `{"code": `), "foreign_answer", "422"},
		"a problem":        {answer(409, problemJSON+"; charset=utf-8", `{"code":"staged","detail":"It is staged.","status":200}`), "staged", "It is staged."},
		"too much":         {answer(200, "application/json", `"`+strings.Repeat("x", 2000)+`"`), "foreign_answer", "larger than 2000 bytes"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://other.example/v1/packages", http.StatusFound)
		}, "redirected", "http://other.example/v1/packages"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := serving(t, tt.h)
			c.t.limit = 2000
			_, err := c.Packages().List(context.Background())
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != tt.code || !strings.Contains(e.Error(), tt.says) {
				t.Errorf("got %#v, %v; wanted code %s, saying %q", e, err, tt.code, tt.says)
			}
			if ok && strings.ContainsRune(e.Error(), '\x1b') {
				t.Errorf("an escape comes through: %q", e.Error())
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	broken := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "{")
	})
	_, err := broken.Packages().List(context.Background())
	if u, ok := errors.AsType[*Unreachable](err); !ok || u.URL != broken.URL() {
		t.Errorf("a broken answer: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := broken.Packages().List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, base := range []string{"", "ota.example.org", "ftp://x", "http://", "https://u:p@x", "https://x?y", "https://x#y", "://"} {
		if _, err := New(base, "", nil); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
	for _, token := range []string{"two words", "line\n", "né"} {
		if _, err := New("https://x", token, nil); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

// The token goes with every request, and names are escaped into one path segment.
func TestRequests(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"name": %q, "by": %q}`, r.URL.EscapedPath(), r.Header.Get("Authorization"))
	})
	r, err := c.Releases().Get(context.Background(), "a/../b?c")
	if err != nil || r.Name != "/v1/releases/a%2F..%2Fb%3Fc" || r.By != "Bearer landed_secret" {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestUpload(t *testing.T) {
	content := bytes.Repeat([]byte("package "), 100_000)
	digest := fmt.Sprintf("%x", sha256.Sum256(content))
	store := func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, _ := io.Copy(sum, r.Body)
		fmt.Fprintf(w, `{"sha256": "%x", "name": %q, "channel": %q, "size": %d}`, sum.Sum(nil), r.URL.Query().Get("name"), r.URL.Query().Get("channel"), n)
	}
	for name, size := range map[string]int64{"known size": int64(len(content)), "unknown size": -1} {
		t.Run(name, func(t *testing.T) {
			var last int64
			p, err := serving(t, store).Packages().Upload(context.Background(), "a&b.zip", "lab", bytes.NewReader(content), size, func(n int64) { last = n })
			if err != nil || p.SHA256 != digest || p.Name != "a&b.zip" || p.Channel != "lab" || last != int64(len(content)) {
				t.Errorf("got %+v, %v; told %d of %d bytes", p, err, last, len(content))
			}
		})
	}
	t.Run("empty", func(t *testing.T) {
		if p, err := serving(t, store).Packages().Upload(context.Background(), "e.zip", "", bytes.NewReader(nil), 0, nil); err != nil || p.Size != 0 {
			t.Errorf("got %+v, %v", p, err)
		}
	})
	t.Run("stored otherwise", func(t *testing.T) {
		other := func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			fmt.Fprintf(w, `{"sha256": %q}`, strings.Repeat("0", 64))
		}
		_, err := serving(t, other).Packages().Upload(context.Background(), "a.zip", "", bytes.NewReader(content), int64(len(content)), nil)
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != "other_bytes" || !strings.Contains(e.Detail, digest) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("file ends early", func(t *testing.T) {
		if _, err := serving(t, store).Packages().Upload(context.Background(), "a.zip", "", bytes.NewReader(content[:9]), int64(len(content)), nil); err == nil {
			t.Error("a file that became shorter is no error")
		}
	})
}

// A server that refuses at the door is heard before a byte of the package is read.
func TestUploadAsksFirst(t *testing.T) {
	c := serving(t, answer(401, "application/problem+json", `{"code":"token_needed","detail":"No."}`))
	c.t.http.Transport.(*http.Transport).ExpectContinueTimeout = time.Hour // by then somebody has answered
	r := &untouched{}
	_, err := c.Packages().Upload(context.Background(), "a.zip", "", r, 3<<30, nil)
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != "token_needed" || r.reads != 0 {
		t.Errorf("got %v after %d reads", err, r.reads)
	}
}

type untouched struct{ reads int }

func (u *untouched) Read(p []byte) (int, error) {
	u.reads++
	return len(p), nil
}
