// SPDX-License-Identifier: Apache-2.0

// Package otasim is the command line of a fleet of virtual handsets against a running server.
//
// Parties: a server that keeps its own time, and the fleet, whose time runs at a chosen speed from now on; or an attacker
// in its stead, who forges reports. It promises to end with one JSON object: per model and release the installations,
// what is really so, and what they answer now; or what became of what was forged. It refuses models that have no stand-in
// firmware.
package otasim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	fixtures "landed/firmware-fixtures"
	"landed/handset/sim"
	"landed/internal/cli"
	"landed/manifests/otapkg"
)

type options struct {
	server, root, effect string
	keys, models         []string
	handsets             int
	seed                 uint64
	days                 int
	speed                float64
	observer             observing

	forgery    string
	n, patient int
	rate       float64
}

// Main runs the fleet and returns the exit code: 0 done, 2 used wrongly or stopped by a fault.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	stdout, stderr = cli.Harmless(stdout), cli.Harmless(stderr)
	var o options
	root := &cobra.Command{
		Use:   "otasim",
		Short: "A fleet of virtual handsets against a running server, an attacker, or an observer",
		Long: "otasim runs handsets in every situation of a fleet against a server. Their clocks start at the real time\n" +
			"and run --speed times as fast; the server must know of that, or its metadata will look expired to them.\n\n" +
			"With --forge it plays an attacker instead, who owns no handset and no key: --n installations that do not exist\n" +
			"report that the fix is proven, that it leaks, or that it failed. It ends with what became of the reports.\n\n" +
			"With --observer it is a laboratory: it takes the package that the server's feed offers to a model, tests traffic,\n" +
			"transport and retention on a virtual handset against a stand-in for the maker's service, and writes signed\n" +
			"statements for otactl evidence add. --stand-in runs that service beside it, until it is interrupted.",
		Example: "  otasim --root root.json --handsets 140 --days 30 --speed 3600\n" +
			"  otasim -forge proven -n 2000 -rate 50 --models armani\n" +
			"  otasim -forge leak -n 2000 -patient 60 --models armani --speed 86400",
		Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(*cobra.Command, []string) error {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			switch {
			case o.observer.standIn != "":
				return o.observer.serve(ctx, stdout)
			case o.forgery != "":
				return o.forge(ctx, stdout)
			case o.root == "":
				return errors.New(`required flag(s) "root" not set`)
			case o.observer.on:
				return o.observer.run(ctx, o, stdout)
			}
			return o.run(ctx, stdout)
		},
	}
	f := root.Flags()
	f.StringVar(&o.server, "server", "http://127.0.0.1:8080", "address of the server")
	f.StringVar(&o.root, "root", "", "root.json that the handsets are sold with")
	f.StringArrayVar(&o.keys, "ota-key", nil, "certificate of an OTA key that the firmware pins (PEM); default: "+
		"that of the fixtures")
	f.StringSliceVar(&o.models, "models", fixtures.Models(), "devices of the fleet")
	f.IntVar(&o.handsets, "handsets", 140, "handsets in all")
	f.Uint64Var(&o.seed, "seed", 1, "the same seed gives the same fleet")
	f.IntVar(&o.days, "days", 30, "virtual days to run")
	f.Float64Var(&o.speed, "speed", 1, "virtual seconds in a real second; 0: as fast as possible")
	f.StringVar(&o.effect, "effect", sim.OptIn, "what the releases on the server promise; the truth is told by it")
	f.StringVar(&o.forgery, "forge", "", "what invented installations report: proven, leak or failure")
	f.IntVar(&o.n, "n", 100, "with --forge: installations that are invented")
	f.Float64Var(&o.rate, "rate", 0, "with --forge: reports in a (virtual) second; 0: as many as are due")
	f.IntVar(&o.patient, "patient", 0, "with --forge: days of baselines, two weeks apart, before the first claim")
	o.observer.flags(root)
	cli.Prepare(root, args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.Execute(); err != nil {
		fmt.Fprintln(stderr, "otasim:", err)
		return 2
	}
	return 0
}

func (o options) run(ctx context.Context, out io.Writer) error {
	cfg, err := o.config()
	if err != nil {
		return err
	}
	f, err := sim.New(cfg)
	if err != nil {
		return err
	}
	defer f.Close()
	err = f.Run(ctx, cfg.Start.AddDate(0, 0, o.days))
	switch {
	case err == nil:
		return errors.Join(summary(f, out), checkReported(f))
	case errors.Is(err, context.Canceled): // a short run may end before anybody had to report
		return summary(f, out)
	}
	return err
}

// checkReported is an error if the server has taken no report of any handset, and says what keeps one of them from it.
func checkReported(f *sim.Fleet) error {
	fault := ""
	for _, i := range f.Installations() {
		if i.Known {
			return nil
		}
		fault = cmp.Or(fault, i.Fault)
	}
	if fault == "" {
		return nil // nothing is rolled out, so nobody has anything to report
	}
	return fmt.Errorf("the server has taken no report of any handset; one of them says: %s", fault)
}

func (o options) config() (sim.Config, error) {
	root, err := o.trustedRoot()
	if err != nil {
		return sim.Config{}, err
	}
	cfg := sim.Config{Seed: o.seed, Start: time.Now(), URL: o.server, Root: root}
	certs := [][]byte{fixtures.TestKey().CertPEM()}
	for i, name := range o.keys {
		text, err := os.ReadFile(name)
		if err != nil {
			return cfg, err
		}
		certs = append(certs[:i], text)
	}
	if cfg.Keys, err = publicKeys(certs); err != nil {
		return cfg, err
	}
	release := sim.Release{Effect: o.effect} // whatever its name
	for i, device := range o.models {
		size := o.handsets / len(o.models)
		if i < o.handsets%len(o.models) {
			size++
		}
		m, err := sim.ModelOf(device, size)
		if err != nil {
			return cfg, err
		}
		cfg.Models = append(cfg.Models, m)
		release.Builds = append(release.Builds, buildsOf(device, o.effect)...)
	}
	cfg.Releases = []sim.Release{release}
	if o.speed > 0 {
		cfg.Pace = pace(cfg.Start, o.speed)
	}
	return cfg, nil
}

// trustedRoot is what --root names.
func (o options) trustedRoot() ([]byte, error) {
	text, err := os.ReadFile(o.root)
	if err != nil {
		return nil, fmt.Errorf("--root: %w; wanted the first root, feed/metadata/1.root.json of the server's data folder", err)
	}
	return text, nil
}

func publicKeys(certs [][]byte) (pins []otapkg.Pin, err error) {
	for _, text := range certs {
		found, err := otapkg.ParsePins(text)
		if err != nil {
			return nil, fmt.Errorf("--ota-key: %w", err)
		}
		pins = append(pins, found...)
	}
	return pins, nil
}

// pace waits until the real time for a virtual one has come.
func pace(start time.Time, speed float64) func(context.Context, time.Time) error {
	begun := time.Now()
	return func(ctx context.Context, now time.Time) error {
		wait := time.NewTimer(time.Until(begun.Add(time.Duration(float64(now.Sub(start)) / speed))))
		defer wait.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wait.C:
			return nil
		}
	}
}

// buildsOf lists the stand-in builds that a release with this effect may bring to a model.
func buildsOf(device, effect string) (fingerprints []string) {
	add := func(b fixtures.Build, err error) {
		if err == nil && (effect != sim.OptIn || b.Config.Feature >= 1) {
			fingerprints = append(fingerprints, b.Fingerprint)
		}
	}
	if effect == sim.OptIn {
		for _, kind := range []fixtures.Kind{fixtures.Patched, fixtures.Bad} {
			add(fixtures.BuildOf(device, kind))
		}
	}
	for n := 1; n <= fixtures.MaxLater; n++ {
		add(fixtures.LaterBuildOf(device, fixtures.Patched, n))
	}
	return fingerprints
}

func summary(f *sim.Fleet, out io.Writer) error {
	type release struct {
		Release string                    `json:"release"`
		Truth   map[string]int            `json:"truth"`
		Answers map[string]map[string]int `json:"answers"` // by probe: how many give which answer now
	}
	type model struct {
		Model    string         `json:"model"`
		Truth    map[string]int `json:"truth"` // of the release that each is at
		Releases []release      `json:"releases"`
	}
	n := f.Identifiers()
	s := struct {
		Now      time.Time `json:"now"`
		Models   []model   `json:"models"`
		Observer any       `json:"observer"`
	}{Now: f.Now(), Observer: map[string]int{"identifiers_received_before": n.Before,
		"identifiers_received_after_from_patched": n.AfterPatched,
		"app_lists_received_before":               n.ListsBefore, "app_lists_received_after": n.ListsAfter}}
	for _, device := range f.Models() {
		m := model{Model: device, Truth: f.CurrentCounts(device, ""), Releases: []release{}}
		for _, name := range f.Met(device) {
			m.Releases = append(m.Releases, release{name, f.Counts(device, name), f.Answers(device, name)})
			for class, n := range f.CurrentCounts(device, name) {
				m.Truth[class] += n
			}
		}
		s.Models = append(s.Models, m)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(s)
}
