// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"landed/handset"
	"landed/handset/slots"
	"landed/manifests"
	"landed/manifests/effect/probe"
)

// own is the folder of the client, below that of the metadata; soldRoot is in it.
const (
	own      = ".client"
	soldRoot = "sold.root.json"
)

// begin sets a handset up that was sold with a root. Its copies of metadata lie where the suite looks for them.
func begin(metadataDir, root string) error {
	text, err := os.ReadFile(root)
	if err != nil {
		return err
	}
	dir := filepath.Join(metadataDir, own)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return errors.Join(os.Symlink("..", filepath.Join(dir, "metadata")), os.WriteFile(filepath.Join(dir, soldRoot), text, 0o600))
}

// open opens the client, on firmware that says nothing but its name.
func (o options) open(log io.Writer) (*handset.Client, error) {
	dir := filepath.Join(o.metadataDir, own)
	root, err := os.ReadFile(filepath.Join(dir, soldRoot))
	if err != nil {
		return nil, err
	}
	firmware, err := slots.Memory(slots.Recovery, nil, map[string][]byte{slots.PropFile: []byte(
		"ro.product.device=none\nro.build.fingerprint=none/none/none:0\nro.build.date.utc=1\n")})
	if err != nil {
		return nil, err
	}
	now, err := fakeableTime()
	if err != nil {
		return nil, err
	}
	return handset.New(handset.Config{Dir: dir, URL: "http://suite.invalid", Root: root, Channel: "stable", Slots: firmware,
		System: silent{}, Rand: rand.Reader, Now: func() time.Time { return now }, Transport: o,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
}

// fakeableTime is the time as the program date tells it: faketime, by which the suite changes it, does not reach into Go.
func fakeableTime() (time.Time, error) {
	out, err := exec.Command("date", "+%s").Output()
	if err != nil {
		return time.Time{}, fmt.Errorf("ask date for the time: %w", err)
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return time.Unix(seconds, 0), err
}

// RoundTrip implements http.RoundTripper: a handset knows one address, below which all of the feed lies, and the suite gives two.
func (o options) RoundTrip(r *http.Request) (*http.Response, error) {
	base, rest := o.metadataURL, ""
	if after, ok := strings.CutPrefix(r.URL.EscapedPath(), "/tuf/metadata/"); ok {
		rest = after
	} else if after, ok := strings.CutPrefix(r.URL.EscapedPath(), "/tuf/targets/"); ok {
		base, rest = o.targetURL, after
	} else {
		return nil, fmt.Errorf("the suite has nothing at %s", r.URL.Path)
	}
	to, err := url.Parse(strings.TrimSuffix(base, "/") + "/" + rest)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL, r.Host = to, to.Host
	return http.DefaultTransport.RoundTrip(r)
}

// refresh brings the trusted metadata up to date. That the feed fell behind is a failure to the suite; a handset goes on.
func (o options) refresh(ctx context.Context, log io.Writer) (*handset.Trusted, error) {
	c, err := o.open(log)
	if err != nil {
		return nil, err
	}
	trusted, err := c.Refresh(ctx)
	if err != nil || trusted == nil {
		return nil, err
	}
	if trusted.Behind() {
		return nil, errors.New("the repository serves an older timestamp than the trusted one; it was discarded")
	}
	if o.settled {
		return trusted, trusted.Settle()
	}
	return trusted, nil
}

// download fetches targets in their order, by one client. What lies there already with the right hash is not fetched again.
func (o options) download(ctx context.Context, log io.Writer) error {
	trusted, err := o.refresh(ctx, log)
	if err == nil && trusted == nil {
		err = errors.New("nothing has changed; a handset keeps what it decided then, and looks for nothing")
	}
	if err != nil {
		return err
	}
	for _, path := range o.targets {
		target, err := trusted.Target(path)
		if err != nil {
			return err
		}
		to := filepath.Join(o.targetDir, url.QueryEscape(path))
		if has(to, target) {
			continue
		}
		file, err := trusted.Download(ctx, target)
		if err != nil {
			return err
		}
		if err := move(file, to); err != nil {
			return err
		}
	}
	return nil
}

func has(file string, target manifests.Package) bool {
	text, err := os.ReadFile(file)
	sum := sha256.Sum256(text)
	return err == nil && int64(len(text)) == target.Length && hex.EncodeToString(sum[:]) == target.SHA256
}

// move copies: the two folders may lie on different disks.
func move(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(to, text, 0o644), os.Remove(from))
}

// silent is firmware that is asked nothing here.
type silent struct{}

func (silent) Boot(slots.Image) error { return errors.New("this handset installs nothing") }

func (silent) Answers(probe.Ask) (probe.Answers, time.Duration) { return nil, 0 }
