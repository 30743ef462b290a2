// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// packed asks for a document as gzip, if the server has it so: metadata and offers repeat themselves, and every
// handset downloads them. A server of plain files answers as ever.
func packed() http.Header { return http.Header{"Accept-Encoding": {"gzip"}} }

// encoding is the coding of an answer, "" for none.
func encoding(resp *http.Response) string {
	switch enc := strings.ToLower(strings.Join(resp.Header.Values("Content-Encoding"), ", ")); enc {
	case "identity":
		return ""
	case "x-gzip": // RFC 9110, 8.4.1.3
		return "gzip"
	default:
		return enc
	}
}

var (
	errTooLong = errors.New("the answer is longer than it may be")
	errPacking = errors.New("the answer came as gzip, but is not a whole and sound one")
)

// readDocument reads metadata or an offers document of at most most bytes, whatever the header says: neither may
// what comes over the network be longer, nor what it unpacks to. Whether it is the right document is for others to
// say; a packing that is damaged, cut short or followed by anything is a fault of the transfer.
func readDocument(resp *http.Response, most int64) ([]byte, error) {
	if resp.ContentLength > most {
		return nil, fmt.Errorf("%w: %d bytes announced, %d allowed", errTooLong, resp.ContentLength, most)
	}
	sent := &capped{from: resp.Body, most: most}
	if encoding(resp) == "" {
		return io.ReadAll(sent)
	}
	body, err := unpack(sent, most)
	switch {
	case err == nil, errors.Is(err, errTooLong):
		return body, err
	case sent.fault != nil: // the connection's, or too much of it
		return nil, sent.fault
	}
	return nil, fmt.Errorf("%w: %w", errPacking, err)
}

// unpack reads gzip to its very end, where its checksum stands.
func unpack(sent io.Reader, most int64) ([]byte, error) {
	text, err := gzip.NewReader(sent)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // nothing at all is no empty document
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(&capped{from: text, most: most})
}

// capped reads most bytes, and one more to see that there is none.
type capped struct {
	from  io.Reader
	most  int64
	read  int64
	fault error // what ended it, if not the end
}

func (c *capped) Read(b []byte) (int, error) {
	b = b[:min(int64(len(b)), c.most+1-c.read)]
	n, err := c.from.Read(b)
	if c.read += int64(n); c.read > c.most {
		err = fmt.Errorf("%w: %d bytes allowed", errTooLong, c.most)
	}
	if err != nil && err != io.EOF {
		c.fault = err
	}
	return n, err
}
