// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/server"
	"landed/server/publish"
)

// house is the running server, and what the engineers have at hand.
type house struct {
	url     string
	dir     string // data folder
	token   string // of an engineer who is also the admin
	server  *server.Server
	log     *slog.Logger
	builds  map[string]fixtures.Build // by model: what the release installs
	otaKeys []crypto.PublicKey        // pinned in every handset's recovery
	otaKey  fixtures.Key
	http    *http.Server
	temp    bool
}

func openHouse(ctx context.Context, o options, clock *clock) (h *house, err error) {
	h = &house{dir: o.data, log: slog.New(slog.DiscardHandler)}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if h.dir == "" {
		h.temp = true
		if h.dir, err = os.MkdirTemp("", "landed-demo-"); err != nil {
			return h, err
		}
	}
	if h.builds, err = bindBuilds(); err != nil {
		return h, err
	}
	if h.otaKey, err = fixtures.NewKey(rand.Reader); err != nil {
		return h, err
	}
	h.otaKeys = []crypto.PublicKey{h.otaKey.Cert.PublicKey}
	if h.token, err = server.Init(ctx, h.dir, "ann", clock.Now); err != nil {
		return h, err
	}
	if err = os.WriteFile(filepath.Join(h.dir, "ota-keys", "stable", "maker.pem"), h.otaKey.CertPEM(), 0o644); err != nil {
		return h, err
	}
	h.server, err = server.New(server.Config{DataDir: h.dir, Now: clock.Now, Log: h.log, Expiry: publish.Expiry{
		// A day takes seconds here, so the online roles live longer than they would for a fleet.
		Timestamp: 6 * day, TimestampEvery: 2 * day, Snapshot: 20 * day, SnapshotEvery: 6 * day, Offers: 30 * day, OffersEvery: 12 * day, Model: 180 * day,
	}})
	if err != nil {
		return h, err
	}
	return h, h.listen(o.addr)
}

func (h *house) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address with -addr", err)
	}
	h.url = "http://" + l.Addr().String()
	h.http = &http.Server{Handler: h.server.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelError)}
	go func() { _ = h.http.Serve(l) }()
	return nil
}

func (h *house) close() {
	if h.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = h.http.Shutdown(ctx)
	}
	if h.server != nil {
		_ = h.server.Close()
	}
	if h.temp {
		_ = os.RemoveAll(h.dir)
	}
}

// call asks the server's API, as otactl does. in is JSON, bytes as they are, or nil; out may be nil.
func (h *house) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	switch in := in.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(in)
	default:
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, h.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		r := &refusal{Status: resp.Status, Detail: string(text)}
		_ = json.Unmarshal(text, r) // problem+json, or anything else
		return fmt.Errorf("%s %s: %w", method, path, r)
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = text
		return nil
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// refusal is a problem+json answer.
type refusal struct {
	Status   string    `json:"-"`
	Code     string    `json:"code"`
	Detail   string    `json:"detail"`
	Findings []finding `json:"findings"`
}

func (r *refusal) Error() string { return r.Status + ": " + r.Detail }

// stage is one stage as the API takes it.
type stage struct {
	Share int    `json:"share"`
	Soak  string `json:"soak"`
	Gates struct {
		MinReports  int64 `json:"min_reports"`
		MinProven   int   `json:"min_proven"`
		MaxFailures int   `json:"max_failures"`
		HaltLeaks   int64 `json:"halt_leaks"`
	} `json:"gates"`
}

func (h *house) startRollout(ctx context.Context, device string, stages []stage) error {
	return h.call(ctx, "POST", "/v1/rollouts", map[string]any{
		"release": manifests.OptInRelease().Name, "models": []string{device}, "channel": "stable", "stages": stages,
	}, nil)
}
