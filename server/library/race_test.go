// SPDX-License-Identifier: Apache-2.0

package library_test

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
	"landed/server/library"
	kit "landed/server/servertest"
)

// together is a body whose end is read only when all others are read to their ends.
type together struct {
	io.Reader
	all *sync.WaitGroup
	end sync.Once
}

func (b *together) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		b.end.Do(func() { b.all.Done(); b.all.Wait() })
	}
	return n, err
}

// uploadTogether uploads packages at the same moment.
func uploadTogether(h *kit.Rooms, bodies [][]byte) (results []library.Uploaded, errs []error) {
	var all, done sync.WaitGroup
	all.Add(len(bodies))
	results, errs = make([]library.Uploaded, len(bodies)), make([]error, len(bodies))
	for i, body := range bodies {
		done.Go(func() {
			results[i], errs[i] = h.Library.Upload(h.Ctx, library.Incoming{Name: "same.zip", Channel: "stable", By: "ann"}, &together{Reader: bytes.NewReader(body), all: &all})
		})
	}
	done.Wait()
	return results, errs
}

// The same bytes sent by several people at one moment are one package, and everybody is told so.
func TestSameBytesAtOnce(t *testing.T) {
	h := kit.New(t)
	_, body := kit.PackageOf(t, "armani", fixtures.Patched)
	results, errs := uploadTogether(h, [][]byte{body, body, body, body, body, body})
	fresh := 0
	for i, r := range results {
		if errs[i] != nil {
			t.Errorf("%v", errs[i])
		} else if !r.Known {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d of them were new", fresh)
	}
}

// Two packages of one version must not both come in, however close they are.
func TestOneVersionAtOnce(t *testing.T) {
	h := kit.New(t)
	var bodies [][]byte
	for _, migration := range []string{"ask", "leave", "switch_off"} {
		b := kit.OK(fixtures.BuildOf("armani", fixtures.Patched))(t)
		b.Config.Migration = migration
		bodies = append(bodies, kit.OK(fixtures.Bytes(b, kit.OTAKey))(t))
	}
	_, errs := uploadTogether(h, bodies)
	taken := 0
	for _, err := range errs {
		if err == nil {
			taken++
		} else if refused, is := errors.AsType[*library.Refused](err); !is || !refused.Findings.Has(otapkg.VerSame) {
			t.Errorf("got %v", err)
		}
	}
	if taken != 1 {
		t.Errorf("%d packages of one version were taken", taken)
	}
}
