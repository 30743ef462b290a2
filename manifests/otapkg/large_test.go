// SPDX-License-Identifier: Apache-2.0

package otapkg_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
)

// grown writes the package of a tool with more entries into a file, signed again.
func grown(t testing.TB, tool string, more func(*zip.Writer) error) (*os.File, int64, otapkg.Policy) {
	t.Helper()
	c, err := fixtures.ToolOf(tool)
	if err != nil {
		t.Fatal(err)
	}
	key := fixtures.TestKey()
	var small bytes.Buffer
	if err := c.Write(&small, key); err != nil {
		t.Fatal(err)
	}
	old, err := zip.NewReader(bytes.NewReader(small.Bytes()), int64(small.Len()))
	if err != nil {
		t.Fatal(err)
	}
	draft, f := sparseFile(t, "draft.zip"), sparseFile(t, "package.zip")
	z := zip.NewWriter(draft)
	for _, e := range old.File {
		if err := z.Copy(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := more(z); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	draft.end(t)
	if err := fixtures.SignArchive(f, io.NewSectionReader(draft.f, 0, draft.n), key); err != nil {
		t.Fatal(err)
	}
	f.end(t)
	return f.f, f.n, otapkg.Policy{Catalogue: catalogue, Model: c.Model, Pins: pinned(t, key)}
}

// sparse leaves holes where zeros are written.
type sparse struct {
	f *os.File
	n int64
}

func sparseFile(t testing.TB, name string) *sparse {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &sparse{f: f}
}

var zeros = make([]byte, 1<<20)

func (s *sparse) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		part := rest[:min(len(rest), len(zeros))]
		if !bytes.Equal(part, zeros[:len(part)]) {
			if _, err := s.f.WriteAt(part, s.n); err != nil {
				return 0, err
			}
		}
		s.n, rest = s.n+int64(len(part)), rest[len(part):]
	}
	return len(b), nil
}

func (s *sparse) end(t testing.TB) {
	t.Helper()
	if err := s.f.Truncate(s.n); err != nil {
		t.Fatal(err)
	}
}

// deflatedPackage has size bytes of files that pack to about a third, as programs and texts do.
func deflatedPackage(t testing.TB, size int) (*os.File, int64, otapkg.Policy) {
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 4096)
	for i := range words {
		words[i] = strconv.FormatUint(r.Uint64()>>r.IntN(50), 36)
	}
	const each = 8 << 20
	return grown(t, "go-stream", func(z *zip.Writer) error {
		for i := range size / each {
			var text strings.Builder
			for text.Len() < each {
				text.WriteString(words[r.IntN(1+r.IntN(len(words)))])
			}
			w, err := z.Create(fmt.Sprintf("system/app/standin%d.txt", i))
			if err == nil {
				_, err = io.WriteString(w, text.String()[:each])
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// sparsePackage has size bytes of zeros in one stored entry, with Zip64 records as Go's archive/zip writes them.
func sparsePackage(t testing.TB, size int64) (*os.File, int64, otapkg.Policy) {
	return grown(t, "go-stream-ab", func(z *zip.Writer) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "META-INF/padding.standin", Method: zip.Store})
		for n := int64(0); err == nil && n < size; n += int64(len(zeros)) {
			_, err = w.Write(zeros)
		}
		return err
	})
}

// highWater is the most memory that this process held, in bytes.
func highWater(t testing.TB) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	return 0
}
