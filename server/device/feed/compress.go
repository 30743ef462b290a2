// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"compress/gzip"
)

// packFrom is the size in bytes from which metadata is compressed. What fits into one packet,
// as every timestamp does, arrives no sooner for being smaller; so the poll stays as it is.
const packFrom = 1 << 10

// packer compresses metadata, each file once, when it is published.
type packer struct {
	w   *gzip.Writer // made when the first file needs it
	out bytes.Buffer
}

// pack returns body as one gzip member (RFC 1952), nil if that does not pay. Equal bytes give
// equal bytes: the form has a strong ETag, and every server of one feed should give the same.
func (p *packer) pack(body []byte) []byte {
	if len(body) < packFrom {
		return nil
	}
	p.out.Reset()
	if p.w == nil {
		p.w, _ = gzip.NewWriterLevel(&p.out, gzip.BestCompression) // errs only for another level
	} else {
		p.w.Reset(&p.out)
	}
	_, _ = p.w.Write(body) // a buffer takes everything
	_ = p.w.Close()
	if p.out.Len() >= len(body) {
		return nil
	}
	return bytes.Clone(p.out.Bytes())
}
