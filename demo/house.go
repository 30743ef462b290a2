// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/server"
	"landed/server/datadir"
	"landed/server/otactl/client"
	"landed/server/repo"
)

// house is the running server, and what the engineers have at hand.
type house struct {
	url     string
	dir     string         // data folder
	api     *client.Client // what otactl uses; its token is that of ann, engineer and admin
	server  *server.Server
	log     *slog.Logger
	builds  map[string]fixtures.Build // by model: what the release installs
	otaKeys []crypto.PublicKey        // pinned in every handset's recovery
	otaKey  fixtures.Key
	http    *http.Server
	temp    bool
}

// notice is at the top of every page, so that nobody takes these figures for those of a fleet.
const notice = "A rehearsal: virtual handsets on accelerated time; the packages are stand-ins."

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
	token, err := datadir.Init(ctx, h.dir, "ann", clock.Now)
	if err != nil {
		return h, err
	}
	if err = os.WriteFile(filepath.Join(h.dir, "ota-keys", "stable", "maker.pem"), h.otaKey.CertPEM(), 0o644); err != nil {
		return h, err
	}
	h.server, err = server.New(server.Config{DataDir: h.dir, Now: clock.Now, Log: h.log, Notice: notice,
		Expiry: repo.Expiry{
			// A day takes seconds here, so the online roles live longer than they would for a fleet.
			Timestamp: 6 * day, TimestampEvery: 2 * day, Snapshot: 20 * day, SnapshotEvery: 6 * day, Offers: 30 * day,
			OffersEvery: 12 * day, Model: 180 * day,
		}})
	if err != nil {
		return h, err
	}
	if err = h.listen(o.addr); err != nil {
		return h, err
	}
	h.api, err = client.New(h.url, token, nil)
	return h, err
}

func (h *house) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address with -addr", err)
	}
	h.url = "http://" + l.Addr().String()
	h.http = &http.Server{Handler: h.server.Handler(), ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelError)}
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

// startRollout is one command of an engineer.
func (h *house) startRollout(ctx context.Context, device string, stages []client.Stage) error {
	_, err := h.api.StartRollout(ctx, manifests.OptInRelease().Name, []string{device}, "stable", stages)
	return err
}
