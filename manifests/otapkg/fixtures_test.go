// SPDX-License-Identifier: Apache-2.0

package otapkg_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
	"landed/manifests/otapkg"
)

var catalogue = manifests.DefaultCatalogue()

// fixture writes a good package and the policy under which nothing of it is refused.
func fixture(t testing.TB, model string, kind fixtures.Kind) ([]byte, otapkg.Policy) {
	t.Helper()
	build, err := fixtures.BuildOf(model, kind)
	if err != nil {
		t.Fatal(err)
	}
	key := fixtures.TestKey()
	b, err := fixtures.Bytes(build, key)
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum(b)
	return b, otapkg.Policy{Catalogue: catalogue, Model: model, Pins: pinned(t, key), Channel: "stable",
		Name: build.FileName(hex.EncodeToString(sum[:])), Now: time.Unix(build.UTC, 0)}
}

func TestGoodPackages(t *testing.T) {
	for _, model := range fixtures.Models() {
		for _, kind := range fixtures.Kinds() {
			t.Run(model+"/"+string(kind), func(t *testing.T) {
				b, policy := fixture(t, model, kind)
				facts, found, err := otapkg.Inspect(bytes.NewReader(b), int64(len(b)), policy)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range found {
					if f.Level != otapkg.Warn && f.Code != otapkg.BootWrite {
						t.Errorf("finding %s (%s): %s", f.Code, f.Level, f.Message)
					}
				}
				if diff := cmp.Diff([]string{model}, facts.PreDevices); diff != "" {
					t.Errorf("devices (-want +got):\n%s", diff)
				}
				if !facts.Signer.Valid || !facts.Signer.Pinned {
					t.Errorf("signer = %+v", facts.Signer)
				}
				if p := facts.Payload; p != nil && p.SignedBy != facts.Signer.KeySHA256 {
					t.Errorf("payload signed by %q, zip by %q", p.SignedBy, facts.Signer.KeySHA256)
				}
			})
		}
	}
}

func TestEveryEntryAndPartitionReads(t *testing.T) {
	for _, model := range fixtures.Models() {
		b, _ := fixture(t, model, fixtures.Patched)
		a, found, err := otapkg.ReadArchive(bytes.NewReader(b), int64(len(b)))
		if err != nil || len(found) > 0 {
			t.Fatalf("%s: %v %v", model, found, err)
		}
		for _, e := range a.Entries() {
			rc, err := a.Open(e.Name)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, rc); err != nil || n != e.Size {
				t.Errorf("%s: %s: %d bytes, %v; wanted %d", model, e.Name, n, err, e.Size)
			}
			rc.Close()
		}
		p, _, err := a.Payload()
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			continue
		}
		for _, part := range p.Partitions() {
			if err := p.WritePartition(part.Name, io.Discard); err != nil {
				t.Errorf("%s: %v", model, err)
			}
		}
	}
}

// TestNoOneByteChangePasses changes bytes all over a signed package: not one change may go unnoticed, but for
// signapk's greeting in front of the signature, which means nothing to anybody.
func TestNoOneByteChangePasses(t *testing.T) {
	for _, model := range []string{"armani", "fuxi"} {
		b, policy := fixture(t, model, fixtures.Patched)
		greeting := bytes.LastIndex(b, []byte("signed by SignApk"))
		for at := 0; at < len(b); at += 1 + len(b)/150 {
			if at >= greeting && at < greeting+len("signed by SignApk\x00") {
				continue
			}
			b[at] ^= 0x20
			_, found, err := otapkg.Inspect(bytes.NewReader(b), int64(len(b)), policy)
			if err != nil {
				t.Fatal(err)
			}
			if !found.Refused() {
				t.Errorf("%s: byte %d of %d changed and nothing refused: %v", model, at, len(b), found.Codes())
			}
			b[at] ^= 0x20
		}
	}
}

// padded writes a package of at least size bytes to a file.
func padded(t testing.TB, model string, size int64) (*os.File, int64, otapkg.Policy) {
	t.Helper()
	build, err := fixtures.BuildOf(model, fixtures.Patched)
	if err != nil {
		t.Fatal(err)
	}
	key := fixtures.TestKey()
	f, err := os.Create(filepath.Join(t.TempDir(), "package.zip"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := fixtures.Write(f, build, key, fixtures.Options{PadTo: size}); err != nil {
		t.Fatal(err)
	}
	n, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	return f, n, otapkg.Policy{Catalogue: catalogue, Model: model, Pins: pinned(t, key)}
}

// TestMemoryDoesNotGrowWithThePackage counts everything that is allocated, which is more than is ever held.
func TestMemoryDoesNotGrowWithThePackage(t *testing.T) {
	for _, model := range []string{"armani", "fuxi"} {
		f, size, policy := padded(t, model, 128<<20)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, found, err := otapkg.Inspect(f, size, policy)
		runtime.ReadMemStats(&after)
		if err != nil || found.Refused() {
			t.Fatal(found, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
			t.Errorf("%s: %d bytes allocated for a package of %d; the limit is 16 MiB", model, n, size)
		}
	}
}

// TestHostilePackages reads packages that were written without knowledge of this code.
func TestHostilePackages(t *testing.T) {
	key := fixtures.TestKey()
	for _, c := range fixtures.Hostile() {
		t.Run(c.Name, func(t *testing.T) {
			var b bytes.Buffer
			if err := c.Write(&b, key); err != nil {
				t.Fatal(err)
			}
			build, err := fixtures.BuildOf(c.Model, fixtures.Patched)
			if err != nil {
				t.Fatal(err)
			}
			policy := otapkg.Policy{Catalogue: catalogue, Model: c.Model, Pins: pinned(t, key), Channel: "stable",
				Name: c.File, Now: time.Unix(build.UTC, 0)}
			_, found, err := otapkg.Inspect(bytes.NewReader(b.Bytes()), int64(b.Len()), policy)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.Want {
				if !found.Has(otapkg.Code(want)) {
					t.Errorf("%s is not found, but %v: %s", want, found.Codes(), c.Why)
				}
			}
		})
	}
}

func pinned(t testing.TB, key fixtures.Key) []otapkg.Pin {
	t.Helper()
	pins, err := otapkg.ParsePins(key.CertPEM())
	if err != nil {
		t.Fatal(err)
	}
	return pins
}
