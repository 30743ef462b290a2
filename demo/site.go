// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
	"landed/server"
	"landed/server/datadir"
	"landed/server/otactl/client"
	"landed/server/repo"
)

// site is the running server, and what the engineers have at hand.
type site struct {
	url     string
	dir     string         // data folder
	api     *client.Client // what otactl uses; its token is that of ann, engineer and admin
	server  *server.Server
	log     *slog.Logger
	clock   *clock
	news    *news
	otaKeys []otapkg.Pin // pinned in every handset's recovery
	otaKey  fixtures.Key
	http    *http.Server
	temp    bool
}

// notice is at the top of every page, so that nobody takes these figures for those of a fleet.
const notice = "A rehearsal: virtual handsets on accelerated time; the packages are stand-ins."

// openSite starts the server; front stands before it.
func openSite(
	ctx context.Context, o options, clock *clock, news *news, front func(http.Handler) http.Handler,
) (s *site, err error) {
	s = &site{dir: o.data, log: slog.New(slog.DiscardHandler), clock: clock, news: news}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir == "" {
		s.temp = true
		if s.dir, err = os.MkdirTemp("", "landed-demo-"); err != nil {
			return s, err
		}
	}
	if s.otaKey, err = fixtures.NewKey(rand.Reader); err != nil {
		return s, err
	}
	if s.otaKeys, err = otapkg.ParsePins(s.otaKey.CertPEM()); err != nil {
		return s, err
	}
	token, err := datadir.Init(ctx, s.dir, "ann", clock.Now)
	if err != nil {
		return s, err
	}
	pinned := filepath.Join(s.dir, "ota-keys", "stable", "maker.pem")
	if err = os.WriteFile(pinned, s.otaKey.CertPEM(), 0o644); err != nil {
		return s, err
	}
	if err = s.start(o.addr, front); err != nil {
		return s, err
	}
	s.api, err = client.New(s.url, token, nil)
	return s, err
}

// start runs the server on what is in the data folder.
func (s *site) start(addr string, front func(http.Handler) http.Handler) (err error) {
	s.server, err = server.New(server.Config{DataDir: s.dir, Now: s.clock.Now, Log: s.log, Notice: notice,
		Expiry: repo.Expiry{
			// A day takes seconds here, so the online roles live longer than they would for a fleet.
			Timestamp: 6 * day, TimestampEvery: 2 * day, Snapshot: 20 * day, SnapshotEvery: 6 * day, Offers: 30 * day,
			OffersEvery: 12 * day, Model: 180 * day,
		}})
	if err != nil {
		return err
	}
	return s.listen(addr, front(s.server.Handler()))
}

func (s *site) listen(addr string, handler http.Handler) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address with -addr", err)
	}
	s.url = "http://" + l.Addr().String()
	s.http = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelError)}
	go func() { _ = s.http.Serve(l) }()
	return nil
}

// stop ends the server, and leaves its data folder.
func (s *site) stop() error {
	var faults []error
	if s.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		faults = append(faults, s.http.Shutdown(ctx))
	}
	if s.server != nil {
		faults = append(faults, s.server.Close())
	}
	s.http, s.server = nil, nil
	return errors.Join(faults...)
}

func (s *site) close() {
	_ = s.stop() // the story is told
	if s.temp {
		_ = os.RemoveAll(s.dir)
	}
}

// startRollout is one command of an engineer.
func (s *site) startRollout(ctx context.Context, release, device string, stages []client.Stage) error {
	_, err := s.api.Rollouts().Start(ctx, release, []string{device}, "stable", stages)
	return err
}

// addModels gives the running server a file of models, as an engineer does; nil is none.
func (s *site) addModels(ctx context.Context, file []byte) error {
	if file == nil {
		return nil
	}
	added, err := s.api.Models().Add(ctx, file, "a model that no program knew before")
	for _, m := range added {
		s.news.say("Model %s (%s) is %s, from a file.", m.Device, m.Product, m.Became)
	}
	return err
}
