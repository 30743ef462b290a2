// SPDX-License-Identifier: Apache-2.0

package otapkg_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests/otapkg"
)

// TestPartitionsOfToolsAreWritten: of every full package all partitions come out, however their data are packed, and a
// delta is told apart from a fault of its content.
func TestPartitionsOfToolsAreWritten(t *testing.T) {
	for _, c := range fixtures.ReleaseTools() {
		t.Run(c.Name, func(t *testing.T) {
			var b bytes.Buffer
			if err := c.Write(&b, fixtures.TestKey()); err != nil {
				t.Fatal(err)
			}
			a, _, err := otapkg.ReadArchive(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				t.Fatal(err)
			}
			p, found, err := a.Payload()
			if err != nil || p == nil || found.Refused() {
				t.Fatal(p, found, err)
			}
			for _, part := range p.Partitions() {
				if err := p.WritePartition(part.Name, io.Discard); p.Delta() == (err == nil) {
					t.Errorf("%s: %v", part.Name, err)
				} else if err != nil && (errors.Is(err, otapkg.ErrContent) || !errors.Is(err, otapkg.ErrUnsupported)) {
					t.Errorf("%s: a delta is taken for damaged: %v", part.Name, err)
				}
			}
		})
	}
}
