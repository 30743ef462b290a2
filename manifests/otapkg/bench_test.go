// SPDX-License-Identifier: Apache-2.0

package otapkg_test

import (
	"crypto/sha256"
	"io"
	"os"
	"testing"
	"time"

	"landed/manifests/otapkg"
)

// BenchmarkInspect reads packages of 256 MiB and reports ratio: the rate of Inspect over the rate of SHA-256
// alone on the same file in the same run. The two take turns, so that other load meets both. The bar is 0.8.
func BenchmarkInspect(b *testing.B) {
	for _, c := range []struct{ name, model string }{{"file", "armani"}, {"ab", "fuxi"}} {
		b.Run(c.name, func(b *testing.B) {
			f, size, policy := padded(b, c.model, 256<<20)
			b.SetBytes(size)
			var plain, ours time.Duration
			for b.Loop() {
				from := time.Now()
				hashAlone(b, f, size)
				plain += time.Since(from)
				from = time.Now()
				if _, found, err := otapkg.Inspect(f, size, policy); err != nil || found.Refused() {
					b.Fatal(err, found)
				}
				ours += time.Since(from)
			}
			b.ReportMetric(plain.Seconds()/ours.Seconds(), "ratio")
			b.ReportMetric(float64(size)*float64(b.N)/plain.Seconds()/1e6, "sha256-MB/s")
			b.ReportMetric(float64(size)*float64(b.N)/ours.Seconds()/1e6, "inspect-MB/s")
		})
	}
}

func hashAlone(b *testing.B, f *os.File, size int64) {
	h := sha256.New()
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{io.NewSectionReader(f, 0, size)}, make([]byte, 1<<20)); err != nil {
		b.Fatal(err)
	}
	h.Sum(nil)
}
