// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"crypto"
	"crypto/sha256"
	"encoding/binary"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of AOSP's update_metadata.proto and payload_consumer/payload_constants.h.
const (
	blockSize = 4096
	chunkSize = 2 << 20 // bytes of one operation in a full payload

	opReplace     = 0
	opSourceCopy  = 4
	opZero        = 6
	opReplaceZstd = 14
)

// payloadSpec is a payload before it is written. The hostile table and that of the tools bend its fields.
type payloadSpec struct {
	magic        string
	major        uint64
	minor        uint64
	maxTimestamp int64
	patchLevel   string
	partial      bool
	partitions   []partition
	groupSize    uint64                       // bytes of the dynamic partition group
	bendOps      func([]operation)            // changes the operations of the first partition
	sign         func([]byte) ([]byte, error) // signs a SHA-256 digest; nil leaves the payload unsigned
	signSize     int                          // longest signature that sign returns
	first        *payloadSpec                 // whose signer signs before this one; nil for one signature
	// bend changes finished Signatures messages.
	bend func(metadataSignature, payloadSignature []byte)
}

// partition is one target image: data up to a block boundary, then zeroBlocks blocks of zeros.
type partition struct {
	name       string
	data       body
	zeroBlocks uint64
	dynamic    bool   // lives in the super partition
	zstd       bool   // its data are packed
	patch      uint64 // type of the operation that patches its last block; the rest is copied. 0 for a whole partition
}

// operation is one InstallOperation; offsets count from the start of the data blobs.
type operation struct {
	kind, offset, length, firstBlock, blocks uint64
	hash                                     []byte
	readBlock, reads                         uint64 // of the old partition
}

// payload is a written payload with what payload_properties.txt and the property strings need.
type payload struct {
	body         body
	metadataSize int64 // METADATA_SIZE: header and manifest
	metadataSig  int64 // length of the metadata signature behind them
	metadataHash []byte
	hash         []byte
}

// build reads every partition twice: once for the digests in the manifest, once for the signature.
func (s payloadSpec) build() (payload, error) {
	blobs, manifest, err := s.manifest()
	if err != nil {
		return payload{}, err
	}
	sigSize := 0
	if s.sign != nil {
		sigSize = s.signaturesSize()
	}
	head := []byte(s.magic)
	head = binary.BigEndian.AppendUint64(head, s.major)
	head = binary.BigEndian.AppendUint64(head, uint64(len(manifest)))
	head = binary.BigEndian.AppendUint32(head, uint32(sigSize))
	head = append(head, manifest...)

	p := payload{metadataSize: int64(len(head)), metadataSig: int64(sigSize)}
	sum := sha256.Sum256(head)
	p.metadataHash = sum[:]
	whole := sha256.New()
	whole.Write(head)
	if _, err := io.Copy(whole, blobs.open()); err != nil {
		return p, err
	}
	var metaSig, dataSig []byte
	if s.sign != nil {
		if metaSig, err = s.signed(p.metadataHash); err != nil {
			return p, err
		}
		if dataSig, err = s.signed(whole.Sum(nil)); err != nil {
			return p, err
		}
	}
	if s.bend != nil {
		s.bend(metaSig, dataSig)
	}
	p.body = join(bytesBody(head), bytesBody(metaSig), blobs, bytesBody(dataSig))
	file := sha256.New()
	_, err = io.Copy(file, p.body.open())
	p.hash = file.Sum(nil)
	return p, err
}

// signed is a Signatures message of fixed length: shorter signatures are padded, as delta_generator does for ECDSA.
func (s payloadSpec) signed(digest []byte) ([]byte, error) {
	sig, err := s.sign(digest)
	if err != nil {
		return nil, err
	}
	padded := make([]byte, s.signSize)
	m := signaturesMessage(padded[:copy(padded, sig)], s.signSize)
	if s.first == nil {
		return m, nil
	}
	other, err := s.first.signed(digest)
	return append(other, m...), err
}

func (s payloadSpec) signaturesSize() int {
	n := len(signaturesMessage(make([]byte, s.signSize), s.signSize))
	if s.first != nil {
		n += s.first.signaturesSize()
	}
	return n
}

// signaturesMessage writes Signatures{signatures{data, unpadded_signature_size}}.
func signaturesMessage(sig []byte, size int) []byte {
	padded := append(append([]byte(nil), sig...), make([]byte, size-len(sig))...)
	var m []byte
	m = pbBytes(m, 2, padded)
	m = protowire.AppendTag(m, 3, protowire.Fixed32Type)
	m = protowire.AppendFixed32(m, uint32(len(sig)))
	return pbBytes(nil, 1, m)
}

// manifest is the DeltaArchiveManifest, with the data blobs it describes.
func (s payloadSpec) manifest() (blobs body, manifest []byte, err error) {
	m := pbInt(nil, 3, blockSize)
	var parts []body
	var updates [][]byte
	var offset uint64
	var dynamic []string
	for i, p := range s.partitions {
		ops, data, hash, err := p.operations(offset)
		if err != nil {
			return body{}, nil, err
		}
		if i == 0 && s.bendOps != nil {
			s.bendOps(ops)
		}
		updates = append(updates, p.update(ops, hash, s.maxTimestamp))
		parts = append(parts, data)
		offset += uint64(data.size)
		if p.dynamic {
			dynamic = append(dynamic, p.name)
		}
	}
	if s.sign != nil {
		m = pbInt(m, 4, offset)
		m = pbInt(m, 5, uint64(s.signaturesSize()))
	}
	m = pbInt(m, 12, s.minor)
	for _, u := range updates {
		m = pbBytes(m, 13, u)
	}
	m = pbInt(m, 14, uint64(s.maxTimestamp))
	group := pbInt(pbString(nil, 1, "qti_dynamic_partitions"), 2, s.groupSize)
	for _, name := range dynamic {
		group = pbString(group, 3, name)
	}
	m = pbBytes(m, 15, pbInt(pbBytes(nil, 1, group), 2, 1)) // snapshot_enabled
	if s.partial {
		m = pbInt(m, 16, 1)
	}
	m = pbString(m, 18, s.patchLevel)
	return join(parts...), m, nil
}

// operations cuts the data into REPLACE operations and covers the rest with one ZERO operation. Beside them it gives the
// data that they take, and the SHA-256 of the partition.
func (p partition) operations(offset uint64) ([]operation, body, []byte, error) {
	if p.patch != 0 {
		ops, data, hash := p.patched(offset)
		return ops, data, hash, nil
	}
	var ops []operation
	var packed []byte
	whole := sha256.New()
	r := p.data.open()
	var block uint64
	for left := uint64(p.data.size); left > 0; {
		n := min(left, chunkSize)
		op := operation{kind: opReplace, offset: offset, length: n, firstBlock: block, blocks: n / blockSize}
		chunk := sha256.New()
		if p.zstd {
			b := make([]byte, n)
			if _, err := io.ReadFull(r, b); err != nil {
				return nil, body{}, nil, err
			}
			whole.Write(b)
			z := ZstdStored(b)
			chunk.Write(z)
			packed = append(packed, z...)
			op.kind, op.length = opReplaceZstd, uint64(len(z))
		} else if _, err := io.CopyN(io.MultiWriter(chunk, whole), r, int64(n)); err != nil {
			return nil, body{}, nil, err
		}
		op.hash = chunk.Sum(nil)
		ops = append(ops, op)
		offset, block, left = offset+op.length, block+op.blocks, left-n
	}
	if p.zeroBlocks > 0 {
		ops = append(ops, operation{kind: opZero, firstBlock: block, blocks: p.zeroBlocks})
	}
	_, err := io.CopyN(whole, zeros{}, int64(p.zeroBlocks*blockSize))
	data := p.data
	if p.zstd {
		data = bytesBody(packed)
	}
	return ops, data, whole.Sum(nil), err
}

// patched copies all blocks but the last from the old partition and patches the last, by something that only stands for a
// patch.
func (p partition) patched(offset uint64) ([]operation, body, []byte) {
	patch := []byte("stand-in for a patch of " + p.name)
	of := sha256.Sum256(patch)
	last := p.size()/blockSize - 1
	ops := []operation{{kind: p.patch, offset: offset, length: uint64(len(patch)), firstBlock: last, blocks: 1, hash: of[:],
		readBlock: last, reads: 1}}
	if last > 0 {
		ops = append(ops, operation{kind: opSourceCopy, blocks: last, reads: last})
	}
	hash := sha256.Sum256(p.image())
	return ops, bytesBody(patch), hash[:]
}

// image is the whole partition, for those that are small.
func (p partition) image() []byte {
	return append(readAll(p.data), make([]byte, p.zeroBlocks*blockSize)...)
}

func (p partition) size() uint64 { return uint64(p.data.size) + p.zeroBlocks*blockSize }

// update is the PartitionUpdate message; version is the partition's build time, as AOSP writes it.
func (p partition) update(ops []operation, hash []byte, version int64) []byte {
	m := pbString(nil, 1, p.name)
	if p.patch != 0 {
		before := p.image()
		before[len(before)-1] ^= 1
		sum := sha256.Sum256(before)
		m = pbBytes(m, 6, pbBytes(pbInt(nil, 1, p.size()), 2, sum[:]))
	}
	m = pbBytes(m, 7, pbBytes(pbInt(nil, 1, p.size()), 2, hash))
	for _, o := range ops {
		op := pbInt(nil, 1, o.kind)
		if o.length > 0 {
			op = pbInt(pbInt(op, 2, o.offset), 3, o.length)
		}
		if o.reads > 0 {
			op = pbBytes(op, 4, pbInt(pbInt(nil, 1, o.readBlock), 2, o.reads))
		}
		op = pbBytes(op, 6, pbInt(pbInt(nil, 1, o.firstBlock), 2, o.blocks))
		if o.hash != nil {
			op = pbBytes(op, 8, o.hash)
		}
		m = pbBytes(m, 8, op)
	}
	return pbString(m, 17, decimal(version))
}

// signWith lets the payload be signed by k; always SHA-256, whatever the certificate says.
func (s *payloadSpec) signWith(k Key) {
	s.sign = func(digest []byte) ([]byte, error) { return k.sign(digest, crypto.SHA256) }
	s.signSize = k.signatureSize()
}
