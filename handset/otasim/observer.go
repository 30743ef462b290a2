// SPDX-License-Identifier: Apache-2.0

package otasim

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	fixtures "landed/firmware-fixtures"
	"landed/handset/lab"
	"landed/internal/durable"
	"landed/manifests/evidence"
)

// observing are the flags of the laboratory.
type observing struct {
	on                                          bool
	channel, key, out, probes, service, standIn string
	deletes                                     bool
}

func (o *observing) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.on, "observer", false, "be an observer of the first of --models, and no fleet")
	f.StringVar(&o.channel, "channel", "stable", "`channel` of the package that an observer tests")
	f.StringVar(&o.key, "observer-key", "observer.pem", "key `file` of the observer (PKCS#8, no passphrase: for a rehearsal); one that "+
		"is not there is made, with the .pub that otasign rotate --add takes")
	f.StringVar(&o.out, "out", ".", "`folder` for the statements and captures of an observer")
	f.StringVar(&o.probes, "probes", "probes.json", "`file` of the probe numbers that an observer has planted; if it is not there, "+
		"some are planted")
	f.StringVar(&o.service, "service", "", "`file` that --stand-in wrote; default: a service for this run alone")
	f.StringVar(&o.standIn, "stand-in", "", "be the stand-in for the maker's service, and write to this `file` where it is")
	f.BoolVar(&o.deletes, "deletes", false, "have the service delete the numbers that it holds before it is asked for them")
}

// serve is the stand-in, until it is interrupted. DELETE /numbers makes it forget.
func (o *observing) serve(ctx context.Context, out io.Writer) error {
	s, err := lab.NewService("127.0.0.1", 0, 0)
	if err != nil {
		return err
	}
	defer s.Close()
	text, err := json.Marshal(s.Remote())
	if err != nil {
		return err
	}
	if err := durable.WriteFile(o.standIn, text, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "The stand-in for the maker's service is at %s and %s.\n", s.Plain, s.Secure)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	return nil
}

// statement is a line of what an observer prints.
type statement struct {
	Kind    evidence.Kind    `json:"kind"`
	Verdict evidence.Verdict `json:"verdict"`
	Seen    []string         `json:"seen"`
	ID      string           `json:"id"`
	File    string           `json:"file"`
	Capture string           `json:"capture"` // file
}

// run does all three tests, and writes a statement and a capture of each.
func (o *observing) run(ctx context.Context, sim options, out io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	key, err := observerKey(o.key)
	if err != nil {
		return err
	}
	l, end, err := o.open(sim)
	if err != nil {
		return err
	}
	defer end()
	planted, err := o.planted(ctx, l)
	if err != nil {
		return err
	}
	if o.deletes {
		if err := l.Service.Forget(ctx); err != nil {
			return err
		}
	}
	results, err := l.All(ctx, planted)
	if err != nil {
		return err
	}
	printed := []statement{}
	for _, r := range results {
		text, id, err := evidence.Seal(evidence.Said{Observation: &r.Observation}, key)
		if err != nil {
			return err
		}
		name := filepath.Join(o.out, r.Model+"-"+string(r.Kind))
		if err := errors.Join(durable.WriteFile(name+".capture", r.Capture, 0o600),
			durable.WriteFile(name+".json", text, 0o644)); err != nil {
			return err
		}
		printed = append(printed, statement{r.Kind, r.Verdict, r.Seen, id, name + ".json", name + ".capture"})
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{"model": l.Build.Image.Device, "release": l.Build.Release, "build": l.Build.Image.Fingerprint,
		"statements": printed})
}

// open takes the package from the feed, and finds or begins the service.
func (o *observing) open(sim options) (*lab.Lab, func(), error) {
	root, err := sim.trustedRoot()
	if err != nil {
		return nil, nil, err
	}
	l := &lab.Lab{Now: time.Now}
	if l.Build, err = lab.Fetch(time.Now(), sim.server, root, sim.models[0], o.channel); err != nil {
		return nil, nil, err
	}
	sold, err := fixtures.BuildOf(l.Build.Image.Device, fixtures.Unpatched)
	if err != nil {
		return nil, nil, err
	}
	if l.Sold, err = lab.Image(sold.SystemFiles()); err != nil {
		return nil, nil, err
	}
	if o.service != "" {
		text, err := os.ReadFile(o.service)
		if err == nil {
			err = json.Unmarshal(text, &l.Service)
		}
		return l, func() {}, err
	}
	s, err := lab.NewService("127.0.0.1", 0, 0)
	if err != nil {
		return nil, nil, err
	}
	l.Service = s.Remote()
	return l, func() { s.Close() }, nil
}

// probeCount is how many numbers an observer plants.
const probeCount = 5

// planted are the numbers that an earlier run planted; if there was none, they are planted now.
func (o *observing) planted(ctx context.Context, l *lab.Lab) (numbers []string, err error) {
	text, err := os.ReadFile(o.probes)
	if err == nil {
		return numbers, json.Unmarshal(text, &numbers)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if numbers, err = lab.Probes(rand.Reader, probeCount); err != nil {
		return nil, err
	}
	if err := l.Plant(ctx, numbers); err != nil {
		return nil, err
	}
	if text, err = json.Marshal(numbers); err != nil {
		return nil, err
	}
	return numbers, durable.WriteFile(o.probes, text, 0o600)
}
