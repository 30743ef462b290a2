// SPDX-License-Identifier: Apache-2.0

package library_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
	"landed/server/library"
	kit "landed/server/servertest"
)

// watched does something at each read.
type watched struct {
	io.ReaderAt
	read func()
}

func (w watched) ReadAt(p []byte, off int64) (int, error) {
	w.read()
	return w.ReaderAt.ReadAt(p, off)
}

// Whoever has gone is waited for by nobody: reading ends with the context.
func TestInspectionEndsWithItsContext(t *testing.T) {
	h := kit.New(t)
	_, body := kit.PackageOf(t, "armani", fixtures.Patched)
	ctx, cancel := context.WithCancel(h.Ctx)
	reads := 0
	_, _, err := h.Library.Inspect(ctx, "x.zip", watched{bytes.NewReader(body), func() { reads++; cancel() }}, int64(len(body)), otapkg.Policy{})
	if !errors.Is(err, context.Canceled) || reads != 1 {
		t.Errorf("got %v after %d reads", err, reads)
	}
	if _, _, err := h.Library.Inspect(h.Ctx, "x.zip", bytes.NewReader(body), int64(len(body)), otapkg.Policy{}); err != nil {
		t.Errorf("the next: %v", err)
	}
}

// gone is a sender who goes away when all is sent.
type gone struct {
	io.Reader
	cancel func()
}

func (g gone) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	if err == io.EOF {
		g.cancel()
	}
	return n, err
}

func TestUploadOfSomebodyWhoHasGone(t *testing.T) {
	h := kit.New(t)
	name, body := kit.PackageOf(t, "armani", fixtures.Patched)
	ctx, cancel := context.WithCancel(h.Ctx)
	in := library.Incoming{Name: name, Channel: "stable", By: "ann"}
	_, err := h.Library.Upload(ctx, in, gone{bytes.NewReader(body), cancel})
	if !errors.Is(err, context.Canceled) || h.Contents() != 0 {
		t.Errorf("got %v, and %d things were stored", err, h.Contents())
	}
}

// Two inspections at once: who comes third waits, and may give up.
func TestInspectionsWaitForTheirTurn(t *testing.T) {
	h := kit.New(t)
	_, body := kit.PackageOf(t, "armani", fixtures.Patched)
	release := make(chan struct{})
	var reading, done sync.WaitGroup
	for range 2 {
		var once sync.Once
		reading.Add(1)
		hold := watched{bytes.NewReader(body), func() { once.Do(func() { reading.Done(); <-release }) }}
		done.Go(func() {
			if _, _, err := h.Library.Inspect(h.Ctx, "x.zip", hold, int64(len(body)), otapkg.Policy{}); err != nil {
				t.Error(err)
			}
		})
	}
	reading.Wait()
	never := watched{bytes.NewReader(body), func() { t.Error("a third is inspected at once") }}
	third := func(ctx context.Context) error {
		_, _, err := h.Library.Inspect(ctx, "third.zip", never, int64(len(body)), otapkg.Policy{})
		return err
	}
	ctx, cancel := context.WithCancel(h.Ctx)
	left := make(chan error)
	go func() { left <- third(ctx) }()
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up: %v", err)
	}
	h.Library.SetPatience(time.Millisecond)
	kit.CheckError(t, third(h.Ctx), "inspections_busy", "2 packages are being inspected, and third.zip waited 1ms")
	close(release)
	done.Wait()
	h.Library.SetPatience(time.Minute) // a busy machine may take longer than 1ms to take a place that is free
	if _, _, err := h.Library.Inspect(h.Ctx, "x.zip", bytes.NewReader(body), int64(len(body)), otapkg.Policy{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
