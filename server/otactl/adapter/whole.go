// SPDX-License-Identifier: Apache-2.0

package adapter

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"

	"landed/manifests/updaters"
)

// whole holds all bytes of a package against what people signed, and against the list where that says a digest. A cache that
// keeps one wrong byte shows in nothing else.
func (c *checker) whole(p phone, offer updaters.Offer, l *looked) {
	if l.size < 1 {
		return // what is wrong with it is told already
	}
	if l.sum == "" && l.broken == nil {
		l.sum, l.broken = c.sum(l.url, l.size)
	}
	switch length, signed := c.signedFiles[l.sum]; {
	case l.broken != nil:
		c.find(p, offer.URL, updaters.Fault{Found: fmt.Sprintf("from its beginning to its end: %v", l.broken), Phone: cannotFetch})
	case !signed || length != l.size:
		c.find(p, offer.URL, updaters.Fault{Phone: refusesIt,
			Found: fmt.Sprintf("the package as it comes has the SHA-256 %s, and the signed feed has no such file", l.sum)})
	case offer.SHA256 != "" && offer.SHA256 != l.sum:
		c.find(p, offer.URL, updaters.Fault{Phone: refusesIt,
			Found: fmt.Sprintf("the package as it comes has the SHA-256 %s, and the list says %s", l.sum, offer.SHA256)})
	}
}

// sum is the SHA-256 of all that is behind an address, which is so many bytes. It takes as long as the context has.
func (c *checker) sum(address string, size int64) (string, error) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", userAgent)
	resp, err := (&http.Client{Transport: c.http.Transport, CheckRedirect: c.http.CheckRedirect}).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("it is answered with %d, wanted 200", resp.StatusCode)
	}
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(resp.Body, size+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("it broke off after %d of %d bytes: %w", n, size, err)
	case n != size:
		return "", fmt.Errorf("it has %d bytes or more, wanted %d", n, size)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
