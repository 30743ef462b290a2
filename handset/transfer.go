// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"syscall"

	"landed/manifests"
	"landed/manifests/report"
)

// later are the answers below 500 that say nothing of what was kept.
var later = []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}

const codeNoSpace = 60

// errPortal is an answer that calls itself a success and is not the package: a captive portal's page, most often.
var errPortal = errors.New("this is not the package; somebody else answers, such as a network that wants a log-in")

// transfer appends the missing bytes. A broken connection leaves what came; anything that cannot be the
// package leaves nothing, and what is only said in its stead, as by a captive portal, changes nothing.
func (d *downloader) transfer(ctx context.Context, s source, file *os.File, sum hash.Hash, have int64,
	want manifests.Package) error {
	header := http.Header{}
	if have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", have)) // no If-Range: the path carries the hash
	}
	resp, err := d.server.get(ctx, s.url(want), header)
	if err != nil {
		return transferRefusal(err, codeTransfer)
	}
	defer resp.Body.Close()
	start, err := startOf(resp, have, want.Length)
	if err != nil {
		if !s.mirror && have > 0 && resp.StatusCode < 500 && !slices.Contains(later, resp.StatusCode) && !errors.Is(err, errPortal) {
			d.drop() // whoever refuses the rest may give the whole; after a mirror comes another source, which gives the rest
		}
		return d.server.fault(resp, err)
	}
	if start == 0 {
		sum.Reset()
	}
	if err := errors.Join(file.Truncate(start), seek(file, start)); err != nil {
		return &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
	}
	return d.pour(io.MultiWriter(file, sum), resp, want.Length-start)
}

// pour copies exactly left bytes and looks for one more.
func (d *downloader) pour(w io.Writer, resp *http.Response, left int64) error {
	n, err := io.Copy(w, io.LimitReader(resp.Body, left))
	if errors.Is(err, syscall.ENOSPC) {
		d.drop()
		return refuse(ClassHandset, report.PhaseDownload, codeNoSpace, "%d bytes do not fit: %w", left, err)
	}
	if err != nil {
		return transferRefusal(err, codeTransfer)
	}
	if n < left {
		return transferRefusal(fmt.Errorf("the connection ended %d bytes early", left-n), codeTransfer)
	}
	var more [1]byte
	if n, _ := io.ReadFull(resp.Body, more[:]); n > 0 {
		d.drop()
		return refuse(ClassEndless, report.PhaseDownload, codePayloadSize, "the server sends more than the stated length")
	}
	return nil
}

// startOf says at which byte the answer begins.
func startOf(resp *http.Response, have, length int64) (int64, error) {
	switch resp.StatusCode {
	case http.StatusOK:
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		switch n := resp.ContentLength; {
		case kind == "text/html", kind == "application/xhtml+xml":
			return 0, transferRefusal(fmt.Errorf("the server answers with a page of HTML: %w", errPortal), codeTransfer)
		case n > length:
			return 0, refuse(ClassEndless, report.PhaseDownload, codePayloadSize, "the server announces %d bytes, stated are %d",
				n, length)
		case n >= 0 && n < length:
			return 0, transferRefusal(fmt.Errorf("the server announces %d bytes, stated are %d: %w", n, length, errPortal),
				codeTransfer)
		}
		return 0, nil
	case http.StatusPartialContent:
		var from, to, total int64
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &total); err != nil ||
			from != have || total != length {
			return 0, refuse(ClassMix, report.PhaseDownload, codePayloadSize, "asked for bytes from %d of %d, the server "+
				"answers with others", have, length)
		}
		return have, nil
	}
	return 0, transferRefusal(fmt.Errorf("the server answers %s", status(resp)), codeHTTP+resp.StatusCode)
}

func transferRefusal(err error, code int) error {
	class := ClassNetwork
	if errors.Is(err, errSlow) {
		class = ClassSlow
	}
	return &Refusal{class, report.PhaseDownload, code, err}
}
