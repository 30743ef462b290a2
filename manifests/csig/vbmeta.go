// SPDX-License-Identifier: Apache-2.0

package csig

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Numbers of AOSP external/avb/libavb: avb_vbmeta_image.h, avb_footer.h, avb_chain_partition_descriptor.h.
const (
	vbmetaHeader    = 256     // bytes
	vbmetaMost      = 1 << 20 // bytes of a whole vbmeta image; AOSP's has 64 KiB at most
	footerLen       = 64
	chainTag        = 4
	chainNameOffset = 92 // of the name, from the start of a chain partition descriptor
	maxChained      = 64
)

// Partition writes a partition as it will be after the update.
type Partition func(name string, w io.Writer) error

// VBMetaDigest is ro.boot.vbmeta.digest of a phone that runs the partitions: the SHA-256 over the top vbmeta image and
// those of the partitions that it chains to, in its order, each without its padding (libavb,
// avb_slot_verify_data_calculate_vbmeta_digest). Only partitions that there are are asked for.
func VBMetaDigest(read Partition) (string, error) {
	top, err := readVBMeta("vbmeta", 0, read)
	if err != nil {
		return "", err
	}
	chained, err := chainsOf(top)
	if err != nil {
		return "", fmt.Errorf("vbmeta: %w", err)
	}
	h := sha256.New()
	h.Write(top)
	for _, name := range chained {
		image, err := readChained(name, read)
		if err != nil {
			return "", err
		}
		h.Write(image)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// readChained is the vbmeta image of a partition: at its start, or where its footer says.
func readChained(name string, read Partition) ([]byte, error) {
	head, tail := &window{most: 4}, &ending{}
	if err := read(name, io.MultiWriter(head, tail)); err != nil {
		return nil, err
	}
	if string(head.kept) == "AVB0" {
		return readVBMeta(name, 0, read)
	}
	if len(tail.kept) < footerLen || string(tail.kept[:4]) != "AVBf" {
		return nil, fmt.Errorf("%s: vbmeta chains to it, and it has no vbmeta image and no footer", name)
	}
	at := binary.BigEndian.Uint64(tail.kept[20:])
	if at > 1<<40 {
		return nil, fmt.Errorf("%s: its footer puts the vbmeta image at %d", name, at)
	}
	return readVBMeta(name, int64(at), read)
}

// readVBMeta is the vbmeta image at an offset of a partition, without what pads it.
func readVBMeta(name string, at int64, read Partition) ([]byte, error) {
	w := &window{from: at, most: vbmetaMost}
	if err := read(name, w); err != nil {
		return nil, err
	}
	b := w.kept
	if len(b) < vbmetaHeader || string(b[:4]) != "AVB0" {
		return nil, fmt.Errorf("%s: there is no vbmeta image at %d", name, at)
	}
	auth, aux := binary.BigEndian.Uint64(b[12:]), binary.BigEndian.Uint64(b[20:])
	if auth > vbmetaMost || aux > vbmetaMost || vbmetaHeader+auth+aux > uint64(len(b)) {
		return nil, fmt.Errorf("%s: its vbmeta image is longer than the partition, or than %d bytes", name, vbmetaMost)
	}
	return b[:vbmetaHeader+auth+aux], nil
}

// chainsOf are the partitions that a vbmeta image chains to, in its order.
func chainsOf(image []byte) (names []string, err error) {
	auth := binary.BigEndian.Uint64(image[12:])
	aux := image[vbmetaHeader+auth:]
	from, size := binary.BigEndian.Uint64(image[96:]), binary.BigEndian.Uint64(image[104:])
	if from > uint64(len(aux)) || size > uint64(len(aux))-from {
		return nil, errors.New("its descriptors lie outside of it")
	}
	for rest := aux[from : from+size]; len(rest) > 0; {
		if len(rest) < 16 {
			return nil, errors.New("a descriptor is cut off")
		}
		tag, follow := binary.BigEndian.Uint64(rest), binary.BigEndian.Uint64(rest[8:])
		if follow > uint64(len(rest)-16) {
			return nil, errors.New("a descriptor is longer than what holds it")
		}
		one := rest[:16+follow]
		rest = rest[16+follow:]
		if tag != chainTag {
			continue
		}
		if len(one) < chainNameOffset || len(names) == maxChained {
			return nil, errors.New("a chain partition descriptor is cut off, or there are too many")
		}
		n := binary.BigEndian.Uint32(one[20:])
		if n == 0 || uint64(n) > uint64(len(one)-chainNameOffset) {
			return nil, errors.New("a chain partition descriptor has no name")
		}
		names = append(names, string(one[chainNameOffset:chainNameOffset+n]))
	}
	return names, nil
}

// window keeps a stretch of what is written.
type window struct {
	from, at int64
	most     int
	kept     []byte
}

func (w *window) Write(b []byte) (int, error) {
	n := len(b)
	if skip := w.from - w.at; skip > 0 {
		b = b[min(skip, int64(len(b))):]
	}
	w.kept = append(w.kept, b[:min(len(b), w.most-len(w.kept))]...)
	w.at += int64(n)
	return n, nil
}

// ending keeps the last bytes of what is written, as many as a footer has.
type ending struct{ kept []byte }

func (e *ending) Write(b []byte) (int, error) {
	all := append(e.kept, b[max(0, len(b)-footerLen):]...)
	e.kept = append([]byte(nil), all[max(0, len(all)-footerLen):]...)
	return len(b), nil
}
