// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"strings"
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

// wantsGzip reads Accept-Encoding (RFC 9110, 12.5.3): gzip is named, or covered by "*", with a
// weight above 0 that is not below that of an identity which is named. A weight that is none
// is taken for 0: whoever cannot be understood gets what everyone can read.
func wantsGzip(headers []string) bool {
	gzipped, identity, others := -1.0, -1.0, -1.0 // -1: not named
	for _, h := range headers {
		for item := range strings.SplitSeq(h, ",") {
			coding, params, _ := strings.Cut(item, ";")
			switch coding = strings.TrimSpace(coding); {
			case strings.EqualFold(coding, "gzip"), strings.EqualFold(coding, "x-gzip"):
				gzipped = max(gzipped, weight(params))
			case strings.EqualFold(coding, "identity"):
				identity = weight(params)
			case coding == "*":
				others = weight(params)
			}
		}
	}
	if gzipped < 0 {
		gzipped = others
	}
	return gzipped > 0 && gzipped >= identity
}

// weight reads "q=0.5", 1 if there is none.
func weight(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	name, value, _ := strings.Cut(params, "=")
	q, err := strconv.ParseFloat(value, 64)
	if !strings.EqualFold(name, "q") || err != nil || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}
