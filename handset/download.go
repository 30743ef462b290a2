// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"

	"landed/manifests"
	"landed/manifests/report"
)

const downloadFile = "download.zip"

// downloader brings one package to the disk: from where an earlier attempt stopped, never beyond the stated
// length, hashing as it goes. Memory is one buffer whatever the size.
type downloader struct {
	path     string
	volatile bool
	server   *server
	log      *slog.Logger
}

// fetch brings a package. What was resumed and turns out to be something else, as when the kept part was damaged, is
// begun once anew.
func (d *downloader) fetch(ctx context.Context, want manifests.Package) error {
	file, err := os.OpenFile(d.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
	}
	defer file.Close()
	resumed, err := d.complete(ctx, file, want)
	if r, ok := errors.AsType[*Refusal](err); ok && r.Class == ClassHash && resumed {
		d.log.Info("what was kept of the download is not part of the package; it begins anew")
		_, err = d.complete(ctx, file, want)
	}
	if err != nil || d.volatile {
		return err
	}
	if err := file.Sync(); err != nil {
		return &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
	}
	return nil
}

// complete fetches what is missing of the file and requires its hash. If that is another, nothing is left of it.
// resumed says if a part lay there before.
func (d *downloader) complete(ctx context.Context, file *os.File, want manifests.Package) (resumed bool, err error) {
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
		err := d.transfer(ctx, file, sum, have, want)
		if have > 0 && errors.Is(err, errPortal) { // or it is the range that it does not like
			err = d.transfer(ctx, file, sum, 0, want)
		}
		if err != nil {
			return have > 0, err
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want.SHA256 {
		d.drop()
		return have > 0, refuse(ClassHash, report.PhaseDownload, codePayloadHash, "%s: its hash is %s, wanted %s",
			want.Path, got, want.SHA256)
	}
	return have > 0, nil
}

// drop empties the file: what it holds is not the package.
func (d *downloader) drop() { _ = os.Truncate(d.path, 0) }

// remove takes the file away. It need not be there.
func (d *downloader) remove() error {
	if err := os.Remove(d.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func seek(f *os.File, to int64) error {
	_, err := f.Seek(to, io.SeekStart)
	return err
}
