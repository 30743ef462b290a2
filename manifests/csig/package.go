// SPDX-License-Identifier: Apache-2.0

package csig

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"landed/manifests/otapkg"
)

// Files are the stretches of the package of size bytes in r, with their digests. known are digests that need not be
// computed again, by name: payload.bin has gigabytes. The error wraps otapkg.ErrContent if the package does not say where they are.
func Files(r io.ReaderAt, size int64, known map[string]string) ([]File, error) {
	a, findings, err := otapkg.ReadArchive(r, size)
	if err != nil {
		return nil, err
	}
	if a == nil || findings.Refused() {
		return nil, errors.New("it is no package that can be read")
	}
	stated, err := a.Stated()
	if err != nil {
		return nil, err
	}
	var files []File
	for _, p := range stated {
		f := File{p.Name, p.Offset, p.Size, known[p.Name]}
		if f.Digest == "" {
			h := sha256.New()
			if n, err := io.Copy(h, io.NewSectionReader(r, p.Offset, p.Size)); err != nil {
				return nil, err
			} else if n != p.Size {
				return nil, fmt.Errorf("%s: %w", p.Name, io.ErrUnexpectedEOF)
			}
			f.Digest = hex.EncodeToString(h.Sum(nil))
		}
		files = append(files, f)
	}
	return files, nil
}

// ErrNoDigest is wrapped by the error of Computed where the digest of vbmeta cannot be known from the package.
var ErrNoDigest = errors.New("its vbmeta digest cannot be computed")

// Computed is the vbmeta digest of the full package of size bytes in r; "" for one that needs what is on the phone.
func Computed(r io.ReaderAt, size int64) (string, error) {
	a, findings, err := otapkg.ReadArchive(r, size)
	if err != nil {
		return "", err
	}
	if a == nil || findings.Refused() {
		return "", errors.New("it is no package that can be read")
	}
	p, findings, err := a.Payload()
	if err != nil {
		return "", err
	}
	if p == nil || findings.Refused() {
		return "", errors.New("it has no payload.bin that can be read")
	}
	if p.Delta() {
		return "", nil
	}
	digest, err := VBMetaDigest(p.WritePartition)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoDigest, err)
	}
	return digest, nil
}
