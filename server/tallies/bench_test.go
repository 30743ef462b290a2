// SPDX-License-Identifier: Apache-2.0

package tallies

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"landed/manifests/report"
	"landed/manifests/tally"
)

// BenchmarkBook is what is given with a tally over 120,000 installations of 20 models; LANDED_INSTALLATIONS has another number be
// tried. It prints bytes for each installation, by kind, and how much memory was in use at the end.
func BenchmarkBook(b *testing.B) {
	n := 120_000
	if testing.Short() { // to see that it works
		n = 10_000
	}
	if more, err := strconv.Atoi(os.Getenv("LANDED_INSTALLATIONS")); err == nil {
		n = more
	}
	const models = 20
	for b.Loop() {
		book, err := newBook(b.TempDir(), bytes.Repeat([]byte{9}, tally.KeySize))
		if err != nil {
			b.Fatal(err)
		}
		var cells []tally.Cell
		for m := range models {
			cells = append(cells, tally.Cell{Model: fmt.Sprintf("model%02d", m), Release: "miui-cloud-messaging-opt-in"})
		}
		book.of(cells)
		for i := range n {
			sum := sha256.Sum256(fmt.Append(nil, i))
			inOrder := binary.BigEndian.AppendUint32(nil, uint32(i)<<4) // as references come
			ref := base32.HexEncoding.EncodeToString(append(inOrder, sum[:11]...))
			leaf := tally.Leaf{Ref: report.Reference(ref), Release: cells[0].Release, Model: cells[sum[14]%models].Model,
				Channel: "stable",
				Newest:  hex.EncodeToString(sum[:]), Class: "confirmed_off", Kind: "good", Progress: "running", Before: "active",
				Current: true, Member: true, Counted: sum[15] > 20}
			if err := book.state(leaf, int64(sum[16]), hex.EncodeToString(sum[16:])); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := book.roots(); err != nil {
			b.Fatal(err)
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapInuse)/(1<<20), "MiB")
		for kind, of := range book.sums() {
			if of.Bytes > 1000 {
				b.ReportMetric(float64(of.Bytes)/float64(n), kind+"-B/installation")
				b.ReportMetric(float64(of.Pieces), kind)
			}
		}
		book.discard()
	}
}
