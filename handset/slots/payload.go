// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"

	"landed/manifests/otapkg"
)

const maxPartition = 64 << 20 // bytes; the system of a stand-in is far smaller

// extractPayload writes the partition named system and unpacks it. In stand-in packages that partition is a
// POSIX tar archive where a file system image would be.
func extractPayload(z *otapkg.Archive, put func(string, []byte) error) error {
	payload, findings, err := z.Payload()
	if err != nil {
		return fail(CodeInstallDevice, err, "the payload cannot be read")
	}
	if payload == nil || findings.Refused() {
		return fail(CodePayloadMagic, nil, "the payload is compressed or refused: %v", findings.Codes())
	}
	for _, p := range payload.Partitions() {
		if p.Name == "system" && p.Size > maxPartition {
			return fail(CodeInstallDevice, nil, "the system partition of %d bytes does not fit into this slot", p.Size)
		}
	}
	var image bytes.Buffer
	if err := payload.WritePartition("system", &image); err != nil {
		code := CodeInstallDevice
		if errors.Is(err, otapkg.ErrContent) {
			code = CodeRewritten
		}
		return fail(code, err, "the system partition cannot be written")
	}
	return untar(image.Bytes(), put)
}

func untar(image []byte, put func(string, []byte) error) error {
	for r := tar.NewReader(bytes.NewReader(image)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fail(CodeRewritten, err, "the system partition cannot be read")
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return fail(CodeRewritten, err, "the system partition cannot be read")
		}
		if err := put(strings.TrimPrefix(h.Name, "./"), content); err != nil {
			return err
		}
	}
}
