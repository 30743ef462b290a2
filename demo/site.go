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
	"sync/atomic"
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
	dir     string           // data folder
	base    string           // address by which the updaters of others know it
	token   string           // of ann, engineer and admin
	api     *client.Client   // what otactl uses, in the name of ann
	servers []*server.Server // on one database, if there are several
	log     *slog.Logger
	alarms  *alarms
	clock   *clock
	chance  *chance
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
	s = &site{dir: o.data, base: o.base, alarms: &alarms{now: clock.Now}, clock: clock, chance: newChance(o.seed), news: news}
	s.log = slog.New(s.alarms)
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
	if s.token, err = datadir.InitOn(ctx, s.dir, o.database, "ann", clock.Now); err != nil {
		return s, err
	}
	pinned := filepath.Join(s.dir, "ota-keys", "stable", "maker.pem")
	if err = os.WriteFile(pinned, s.otaKey.CertPEM(), 0o644); err != nil {
		return s, err
	}
	if err = s.start(o, front); err != nil {
		return s, err
	}
	s.api, err = client.New(s.url, s.token, nil)
	return s, err
}

// again starts a server that was stopped.
func (s *site) again(o options) (err error) {
	if err = s.start(o, func(h http.Handler) http.Handler { return h }); err == nil {
		s.api, err = client.New(s.url, s.token, nil)
	}
	return err
}

// start runs the server on what is in the data folder.
func (s *site) start(o options, front func(http.Handler) http.Handler) error {
	for n := range max(o.replicas, 1) {
		dir, err := s.folder(n)
		if err == nil {
			err = s.serve(dir)
		}
		if err != nil {
			return err
		}
	}
	var turn atomic.Int64
	var doors []http.Handler
	for _, one := range s.servers {
		doors = append(doors, one.Handler())
	}
	return s.listen(o, front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		doors[int(turn.Add(1))%len(doors)].ServeHTTP(w, r)
	})))
}

// folder is the data folder of a server: all but the first have the keys and packages of the first, and a feed of their own.
func (s *site) folder(n int) (string, error) {
	if n == 0 {
		return s.dir, nil
	}
	dir := filepath.Join(s.dir, fmt.Sprint("replica-", n+1))
	for _, name := range []string{"keys", "ota-keys"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return "", err
		}
		if err := copyFolder(filepath.Join(dir, name), filepath.Join(s.dir, name)); err != nil {
			return "", err
		}
	}
	blobs, err := filepath.Abs(filepath.Join(s.dir, "blobs"))
	if err != nil {
		return "", err
	}
	return dir, errors.Join(os.MkdirAll(blobs, 0o755), os.Symlink(blobs, filepath.Join(dir, "blobs")))
}

// copyFolder copies files that their owner alone may read.
func copyFolder(to, from string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil || d.IsDir() {
			return errors.Join(err, os.MkdirAll(filepath.Join(to, below), 0o700))
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, below), text, 0o600)
	})
}

// tick has each server do its periodic work.
func (s *site) tick(ctx context.Context) (err error) {
	for _, one := range s.servers {
		err = errors.Join(err, one.Tick(ctx))
	}
	return err
}

// serve opens a server on a data folder. One that is not the first has its database where the first one has it.
func (s *site) serve(dir string) error {
	address, err := datadir.Dir(s.dir).Address()
	if err != nil {
		return err
	}
	one, err := server.New(server.Config{DataDir: dir, Database: address, Now: s.clock.Now, Log: s.log, Notice: notice, OpenReports: true,
		BaseURL: s.base, Random: s.chance,
		Expiry: repo.Expiry{
			// A day takes seconds here, so the online roles live longer than they would for a fleet.
			Timestamp: 6 * day, TimestampEvery: 2 * day, Snapshot: 20 * day, SnapshotEvery: 6 * day, Offers: 30 * day,
			OffersEvery: 12 * day, Model: 180 * day,
		}})
	if err == nil {
		s.servers = append(s.servers, one)
	}
	return err
}

func (s *site) listen(o options, handler http.Handler) (err error) {
	var l net.Listener
	if o.socket != nil {
		l, err = net.FileListener(o.socket)
	} else {
		l, err = net.Listen("tcp", o.addr)
	}
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
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		faults = append(faults, s.http.Shutdown(ctx))
	}
	for _, one := range s.servers {
		faults = append(faults, one.Close())
	}
	s.http, s.servers = nil, nil
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
