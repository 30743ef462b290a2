// SPDX-License-Identifier: Apache-2.0

// Package lab plays an observer: it takes the package that a feed offers to a model, sets up a virtual handset with what
// is in it, and tests the three things that were promised, over real connections to a stand-in for the maker's service.
//
// Parties. Service is the stand-in; a tap between it and the handset is the laboratory's capture; Lab does the tests, and
// what it returns is for evidence.Seal. It promises that every verdict follows from what passed the tap or from what the
// service answered, never from what the firmware says of itself, and that no observation holds a number: the probe
// numbers of the lab are of no person, and stay between the lab and the service. It refuses a package that the feed does
// not vouch for.
package lab

import (
	"context"
	"fmt"
	"time"

	"landed/firmware-fixtures/virtual"
	"landed/manifests/evidence"
)

// Build is what is tested: an installed image, and where it came from.
type Build struct {
	Image   *virtual.Image
	Release string
	Package string // SHA-256, in hex
}

// Lab is a laboratory with a line to a service. Its methods take turns.
type Lab struct {
	Build   Build
	Sold    *virtual.Image // what handsets run before the update; nil: probes are planted with the build itself, by consent
	Service Remote
	Now     func() time.Time // when a test ends; what happens on the handset is at its own time
}

// Result is what a test found, and the bytes that were seen.
type Result struct {
	evidence.Observation
	Capture []byte
}

const day = 24 * time.Hour

// start is the handset's own time at its first boot: what it does depends on how long, not on when.
var start = time.Date(2014, 8, 20, 9, 0, 0, 0, time.UTC)

// setUp is a handset out of the box that has lain two days with SIM and data, and whose user looked at a contact and at a
// conversation.
func setUp(img *virtual.Image, ln *line) *virtual.Phone {
	phone := virtual.NewPhone("lab", 1, ln)
	phone.Boot(img, start)
	phone.SIMReady(0, start.Add(time.Minute))
	phone.NetUp(start.Add(2 * time.Minute))
	phone.ContactOpened(start.Add(time.Hour))
	phone.ThreadOpened(start.Add(2 * time.Hour))
	phone.Tick(start.Add(day + time.Hour))
	phone.Tick(start.Add(2*day + time.Hour))
	return phone
}

// consent is the user's yes, and a while after.
func consent(phone *virtual.Phone) {
	phone.OptIn(virtual.SurfaceMessaging, start.Add(2*day+2*time.Hour))
	phone.Tick(start.Add(2*day + 3*time.Hour))
	phone.ContactOpened(start.Add(2*day + 4*time.Hour))
}

var steps = []string{
	"install the package from the feed and boot a handset out of the box, with SIM and data, behind the lab's access point",
	"look at a contact and at a conversation, and wait two days without giving consent",
}

// Traffic repeats F-Secure's test: nothing may reach the service before consent, and something must after.
func (l *Lab) Traffic(ctx context.Context) (Result, error) {
	return l.watched(ctx, evidence.Traffic, append(steps[:2:2], "switch Cloud Messaging on, and look at a contact again"),
		func(ln *line) (evidence.Verdict, []string) {
			phone := setUp(l.Build.Image, ln)
			before := ln.flush()
			consent(phone)
			after := ln.flush() - before
			verdict := evidence.Inconclusive
			switch {
			case before > 0:
				verdict = evidence.Refutes
			case after > 0:
				verdict = evidence.Confirms
			}
			return verdict, []string{fmt.Sprintf("%d transmissions to the messaging service before consent", before),
				fmt.Sprintf("%d transmissions to the messaging service after consent", after)}
		})
}

// Transport tells from the bytes that pass whether somebody on the way could read them.
func (l *Lab) Transport(ctx context.Context) (Result, error) {
	return l.watched(ctx, evidence.Transport, append(steps[:2:2], "switch Cloud Messaging on, and look at a contact again"),
		func(ln *line) (evidence.Verdict, []string) {
			consent(setUp(l.Build.Image, ln))
			ln.flush()
			sent, clear := ln.seen()
			verdict := evidence.Confirms
			switch {
			case clear > 0:
				verdict = evidence.Refutes
			case sent == 0:
				verdict = evidence.Inconclusive
			}
			return verdict, []string{fmt.Sprintf("%d connections to the messaging service", sent),
				fmt.Sprintf("%d of them carried requests that could be read on the way", clear)}
		})
}

// Plant sets a handset up with each probe number, and lets it register as handsets did before the update. What Retention
// asks for later is what was planted.
func (l *Lab) Plant(ctx context.Context, numbers []string) error {
	img := l.Sold
	if img == nil {
		img = l.Build.Image
	}
	for _, n := range numbers {
		ln, err := newLine(ctx, l.Service, img.Behaviour.Transport)
		if err != nil {
			return err
		}
		ln.number = n
		phone := setUp(img, ln)
		if l.Sold == nil {
			consent(phone)
		}
		sent := ln.flush()
		if err := ln.close(); err != nil {
			return fmt.Errorf("plant a probe number: %w", err)
		}
		if sent == 0 {
			return fmt.Errorf("the handset with the build %s did not register, so no probe number reached the service", img.Fingerprint)
		}
	}
	return nil
}

// Retention asks the service which of the numbers that were planted before it holds still.
func (l *Lab) Retention(ctx context.Context, planted []string) (Result, error) {
	held, answer, err := l.Service.held(ctx, planted)
	if err != nil {
		return Result{}, err
	}
	verdict := evidence.Confirms
	switch {
	case len(planted) == 0:
		verdict = evidence.Inconclusive
	case held > 0:
		verdict = evidence.Refutes
	}
	return l.result(evidence.Retention, verdict, []string{
		fmt.Sprintf("before: register %d probe numbers of the lab with the messaging service", len(planted)),
		"ask the service, as its auditor, which of them it holds still",
	}, []string{fmt.Sprintf("the service holds %d of the %d probe numbers", held, len(planted))}, digestOf(answer), answer), nil
}

// watched carries a test out behind a tap.
func (l *Lab) watched(
	ctx context.Context, kind evidence.Kind, steps []string, test func(*line) (evidence.Verdict, []string),
) (Result, error) {
	ln, err := newLine(ctx, l.Service, l.Build.Image.Behaviour.Transport)
	if err != nil {
		return Result{}, err
	}
	verdict, seen := test(ln)
	if err := ln.close(); err != nil {
		return Result{}, err
	}
	digest, capture := ln.sum()
	return l.result(kind, verdict, steps, seen, digest, capture), nil
}

func (l *Lab) result(
	kind evidence.Kind, verdict evidence.Verdict, steps, seen []string, digest string, capture []byte,
) Result {
	return Result{evidence.Observation{Kind: kind, Model: l.Build.Image.Device, Release: l.Build.Release,
		Build: l.Build.Image.Fingerprint, Package: l.Build.Package, Steps: steps, Seen: seen, Capture: digest,
		At: l.Now().UTC().Truncate(time.Second), Verdict: verdict}, capture}
}
