// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Operations of update_metadata.proto that a full payload of ours may use.
const (
	opReplace   = 0
	opReplaceBZ = 1
	opZero      = 6
	opDiscard   = 7

	maxManifest  = 16 << 20
	maxPartition = 64 << 20 // bytes; the system of a stand-in is far smaller
)

// partition and operation are what the stand-in for update_engine needs of a DeltaArchiveManifest.
type partition struct {
	name       string
	size       uint64
	hash       []byte
	operations []operation
}

type operation struct {
	kind, offset, length uint64
	extents              []extent
	hash                 []byte
}

type extent struct{ start, count uint64 }

// extractPayload applies the partition named system and unpacks it. In stand-in packages that
// partition is a POSIX tar archive where a file system image would be.
func extractPayload(payload io.ReaderAt, put func(string, []byte) error) error {
	parts, blobs, blockSize, err := readPayload(payload)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if p.name != "system" {
			continue
		}
		image, err := p.apply(payload, blobs, blockSize)
		if err != nil {
			return err
		}
		return untar(image, put)
	}
	return fail(CodePayloadMagic, nil, "the payload holds no system partition")
}

func readPayload(r io.ReaderAt) (parts []partition, blobs int64, blockSize uint64, err error) {
	var head [24]byte
	if _, err := r.ReadAt(head[:], 0); err != nil || string(head[:4]) != "CrAU" || binary.BigEndian.Uint64(head[4:]) != 2 {
		return nil, 0, 0, fail(CodePayloadMagic, err, "payload.bin does not begin as a payload of version 2")
	}
	size, sig := binary.BigEndian.Uint64(head[12:]), binary.BigEndian.Uint32(head[20:])
	if size > maxManifest {
		return nil, 0, 0, fail(CodePayloadMagic, nil, "the payload's manifest claims %d bytes", size)
	}
	manifest := make([]byte, size)
	if _, err := r.ReadAt(manifest, 24); err != nil {
		return nil, 0, 0, fail(CodePayloadMagic, err, "the payload ends in its manifest")
	}
	blockSize = 4096
	err = fields(manifest, func(num protowire.Number, n uint64, b []byte) error {
		switch num {
		case 3:
			blockSize = n
		case 13:
			p, err := readPartition(b)
			parts = append(parts, p)
			return err
		}
		return nil
	})
	if blockSize == 0 || blockSize > 1<<20 {
		err = errors.Join(err, fail(CodePayloadMagic, nil, "the payload's block size is %d", blockSize))
	}
	return parts, int64(24+size) + int64(sig), blockSize, err
}

func readPartition(m []byte) (p partition, err error) {
	err = fields(m, func(num protowire.Number, _ uint64, b []byte) error {
		switch num {
		case 1:
			p.name = string(b)
		case 7: // new_partition_info
			return fields(b, func(num protowire.Number, n uint64, b []byte) error {
				switch num {
				case 1:
					p.size = n
				case 2:
					p.hash = b
				}
				return nil
			})
		case 8:
			op, err := readOperation(b)
			p.operations = append(p.operations, op)
			return err
		}
		return nil
	})
	return p, err
}

func readOperation(m []byte) (op operation, err error) {
	err = fields(m, func(num protowire.Number, n uint64, b []byte) error {
		switch num {
		case 1:
			op.kind = n
		case 2:
			op.offset = n
		case 3:
			op.length = n
		case 6:
			var e extent
			op.extents = append(op.extents, e)
			last := &op.extents[len(op.extents)-1]
			return fields(b, func(num protowire.Number, n uint64, _ []byte) error {
				switch num {
				case 1:
					last.start = n
				case 2:
					last.count = n
				}
				return nil
			})
		case 8:
			op.hash = b
		}
		return nil
	})
	return op, err
}

// apply writes the partition into memory and checks its hash, as update_engine's verifier does.
func (p partition) apply(r io.ReaderAt, blobs int64, blockSize uint64) ([]byte, error) {
	if p.size > maxPartition {
		return nil, fail(CodeInstallDevice, nil, "the system partition of %d bytes does not fit into this slot", p.size)
	}
	image := make([]byte, p.size)
	for _, op := range p.operations {
		data, err := op.data(r, blobs)
		if err != nil {
			return nil, err
		}
		for _, e := range op.extents {
			from, n := e.start*blockSize, e.count*blockSize
			if e.start > p.size || e.count > p.size || from+n > p.size {
				return nil, fail(CodeInstallDevice, nil, "an operation writes beyond the partition")
			}
			clear(image[from : from+n])
			data = data[copy(image[from:from+n], data):]
		}
	}
	if sum := sha256.Sum256(image); !bytes.Equal(sum[:], p.hash) {
		return nil, fail(CodeRewritten, nil, "the written system is not the one that the payload promises")
	}
	return image, nil
}

func (op operation) data(r io.ReaderAt, blobs int64) ([]byte, error) {
	if op.kind == opZero || op.kind == opDiscard {
		return nil, nil
	}
	if op.kind != opReplace && op.kind != opReplaceBZ {
		return nil, fail(CodeMinorVersion, nil, "the payload uses operation %d, which this updater does not know", op.kind)
	}
	if op.length > maxPartition || op.offset > 1<<50 {
		return nil, fail(CodeOperationHash, nil, "an operation claims %d bytes", op.length)
	}
	data := make([]byte, op.length)
	if _, err := r.ReadAt(data, blobs+int64(op.offset)); err != nil && !errors.Is(err, io.EOF) {
		return nil, fail(CodeOperationHash, err, "the payload ends within an operation")
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], op.hash) {
		return nil, fail(CodeOperationHash, nil, "the data of an operation are damaged")
	}
	if op.kind == opReplaceBZ {
		plain, err := io.ReadAll(io.LimitReader(bzip2.NewReader(bytes.NewReader(data)), maxPartition))
		if err != nil {
			return nil, fail(CodeOperationHash, err, "the data of an operation cannot be unpacked")
		}
		return plain, nil
	}
	return data, nil
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

// fields calls f for each field of a protobuf message: n for integers, b for everything with a length.
func fields(m []byte, f func(num protowire.Number, n uint64, b []byte) error) error {
	for len(m) > 0 {
		num, kind, n := protowire.ConsumeTag(m)
		if n < 0 {
			return fail(CodeManifest, protowire.ParseError(n), "the payload's manifest cannot be read")
		}
		m = m[n:]
		var value uint64
		var content []byte
		switch kind {
		case protowire.VarintType:
			value, n = protowire.ConsumeVarint(m)
		case protowire.BytesType:
			content, n = protowire.ConsumeBytes(m)
		default:
			n = protowire.ConsumeFieldValue(num, kind, m)
		}
		if n < 0 {
			return fail(CodeManifest, protowire.ParseError(n), "the payload's manifest cannot be read")
		}
		m = m[n:]
		if err := f(num, value, content); err != nil {
			return err
		}
	}
	return nil
}
