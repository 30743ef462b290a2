// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"slices"
	"syscall"

	"landed/manifests"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

// download brings the package to the disk: from where an earlier attempt stopped, never beyond the stated
// length, hashing as it goes. Memory is one buffer whatever the size. What was resumed and turns out to be something
// else, as when the kept part was damaged, is begun once anew.
func (c *Client) download(ctx context.Context) error {
	if c.mem.Offer == nil {
		return refuse(ClassHandset, report.PhaseDownload, codeError, "nothing is being downloaded")
	}
	want := c.mem.Offer.Package
	file, err := os.OpenFile(c.path(downloadFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
	}
	defer file.Close()
	resumed, err := c.complete(ctx, file, want)
	if r, ok := errors.AsType[*Refusal](err); ok && r.Class == ClassHash && resumed {
		c.cfg.Log.Info("what was kept of the download is not part of the package; it begins anew")
		_, err = c.complete(ctx, file, want)
	}
	if err != nil {
		return err
	}
	if !c.cfg.Volatile {
		if err := file.Sync(); err != nil {
			return &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
		}
	}
	c.enter(Verifying, c.cfg.Now())
	return nil
}

// complete fetches what is missing of the file and requires its hash. If that is another, nothing is left of it.
// resumed says if a part lay there before.
func (c *Client) complete(ctx context.Context, file *os.File, want manifests.Package) (resumed bool, err error) {
	sum := sha256.New()
	if err := seek(file, 0); err != nil {
		return false, &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
	}
	have, err := io.Copy(sum, io.LimitReader(file, want.Length+1)) // what was resumed is hashed like the rest
	if err != nil {
		return false, &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
	}
	if have > want.Length {
		have = 0
		sum.Reset()
	}
	if have < want.Length {
		if err := c.transfer(ctx, file, sum, have, want); err != nil {
			return have > 0, err
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want.SHA256 {
		c.dropPart()
		return have > 0, refuse(ClassHash, report.PhaseDownload, codePayloadHash, "%s: its hash is %s, wanted %s",
			want.Path, got, want.SHA256)
	}
	return have > 0, nil
}

// transfer appends the missing bytes. A broken connection leaves what came; anything that cannot be the
// package leaves nothing.
func (c *Client) transfer(ctx context.Context, file *os.File, sum hash.Hash, have int64, want manifests.Package) error {
	header := http.Header{}
	if have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", have)) // no If-Range: the path carries the hash
	}
	resp, err := c.get(ctx, c.targetURL(tufrepo.StoredTarget(want.Path, want.SHA256)), header)
	if err != nil {
		return transferRefusal(err, codeTransfer)
	}
	defer resp.Body.Close()
	start, err := startOf(resp, have, want.Length)
	if err != nil {
		if have > 0 && resp.StatusCode < 500 && !slices.Contains(later, resp.StatusCode) {
			c.dropPart() // whoever refuses the rest may give the whole
		}
		return err
	}
	if start == 0 {
		sum.Reset()
	}
	if err := errors.Join(file.Truncate(start), seek(file, start)); err != nil {
		return &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
	}
	return c.pour(io.MultiWriter(file, sum), resp, want.Length-start)
}

// pour copies exactly left bytes and looks for one more.
func (c *Client) pour(w io.Writer, resp *http.Response, left int64) error {
	n, err := io.Copy(w, io.LimitReader(resp.Body, left))
	if errors.Is(err, syscall.ENOSPC) {
		c.dropPart()
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
		c.dropPart()
		return refuse(ClassEndless, report.PhaseDownload, codePayloadSize, "the server sends more than the stated length")
	}
	return nil
}

// later are the answers below 500 that say nothing of what was kept.
var later = []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}

const codeNoSpace = 60

// startOf says at which byte the answer begins.
func startOf(resp *http.Response, have, length int64) (int64, error) {
	switch resp.StatusCode {
	case http.StatusOK:
		if resp.ContentLength > length {
			return 0, refuse(ClassEndless, report.PhaseDownload, codePayloadSize, "the server announces %d bytes, stated are %d",
				resp.ContentLength, length)
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

func (c *Client) dropPart() {
	_ = os.Truncate(c.path(downloadFile), 0)
}

func seek(f *os.File, to int64) error {
	_, err := f.Seek(to, io.SeekStart)
	return err
}
