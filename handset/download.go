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

// fetch brings a package, from the first source that gives it: the mirrors, the best first, and at last the server of the
// feed. Each has one turn, of three requests at most where a kept part is in doubt, so that it ends whatever they answer. What
// came from one, another goes on with. wrong are the mirrors that gave something else; the error is that of the last
// source, for a mirror may be as it likes.
func (d *downloader) fetch(ctx context.Context, want manifests.Package, mirrors []string) (wrong []string, err error) {
	file, err := os.OpenFile(d.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
	}
	defer file.Close()
	for _, base := range mirrors {
		err := d.from(ctx, source{base, true}, file, want)
		r, refused := errors.AsType[*Refusal](err)
		if ctx.Err() != nil || refused && r.Class == ClassHandset {
			return wrong, err
		}
		if err == nil {
			return wrong, d.settle(file)
		}
		if refused && (r.Class == ClassHash || r.Class == ClassEndless) {
			wrong = append(wrong, base)
		}
		d.log.Info("a mirror does not give the package; the next source is asked", "mirror", base,
			"err", Printable(err.Error()))
	}
	if err := d.from(ctx, source{d.server.url + targetsDir, false}, file, want); err != nil {
		return wrong, err
	}
	return wrong, d.settle(file)
}

// settle makes durable what was fetched.
func (d *downloader) settle(file *os.File) error {
	if d.volatile {
		return nil
	}
	if err := file.Sync(); err != nil {
		return &Refusal{ClassHandset, report.PhaseDownload, codeWrite, err}
	}
	return nil
}

// from brings a package from one source. What was resumed and turns out to be something else, as when the kept part was
// damaged or came from a mirror that is wrong, is begun once anew.
func (d *downloader) from(ctx context.Context, s source, file *os.File, want manifests.Package) error {
	resumed, err := d.complete(ctx, s, file, want)
	if r, ok := errors.AsType[*Refusal](err); ok && r.Class == ClassHash && resumed {
		d.log.Info("what was kept of the download is not part of the package; it begins anew")
		_, err = d.complete(ctx, s, file, want)
	}
	return err
}

// complete fetches what is missing of the file and requires its hash. If that is another, nothing is left of it.
// resumed says if a part lay there before.
func (d *downloader) complete(ctx context.Context, s source, file *os.File, want manifests.Package) (resumed bool, err error) {
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
		err := d.transfer(ctx, s, file, sum, have, want)
		if have > 0 && errors.Is(err, errPortal) { // or it is the range that it does not like
			err = d.transfer(ctx, s, file, sum, 0, want)
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
