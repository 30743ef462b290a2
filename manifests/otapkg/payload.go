// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"landed/internal/format"
)

// Limits of a payload. The largest real manifest seen has 10 MB.
const (
	maxManifest   = 32 << 20
	maxOperations = 2_000_000
	maxPartitions = 256
	maxSignatures = 64 << 10 // bytes of one Signatures message
	payloadHeader = 24
)

// Payload is the payload.bin of an A/B package (AOSP system/update_engine, update_metadata.proto). Only the
// partitions are held; operations are read from the manifest again when they are applied.
type Payload struct {
	src   source // the payload alone: offset 0 is its magic
	parts []partition

	manifest  int64 // bytes
	metaSig   int64 // bytes of the metadata signature
	sigOffset int64 // of the payload signature, from the start of the blobs
	sigSize   int64
	signed    bool // the manifest speaks of a payload signature

	minor        uint32
	blockSize    uint32
	maxTimestamp int64
	spl          string
	partial      bool
	groups       []group
	operations   int
	blobEnd      int64  // end of the operation data seen so far, for the order check
	needMinor    uint32 // by the operations seen
	deltaOps     bool   // an operation reads an old partition
	newer        newerKinds
}

type partition struct {
	PartitionFact
	hash     []byte // SHA-256 after the update
	old      bool   // needs the partition as it was
	oldSize  int64  // bytes
	oldHash  []byte // SHA-256
	from, to int64  // its message in the manifest, as offsets in the payload
	blocks   uint64 // written by its operations
	end      uint64 // first block after all that are written
	mixed    bool   // they do not follow one another
	verity   uint64 // blocks that the phone computes: hash tree and error correction
	reads    bool   // an operation reads the old partition
	readEnd  uint64 // first block after all that are read
	runs     bool   // runs a program after the update
}

// extent takes notice of blocks that an operation writes.
func (x *partition) extent(e extent) error {
	x.mixed = x.mixed || e.start != x.blocks
	x.blocks += e.n
	x.end = max(x.end, e.start+e.n)
	return nil
}

// computed takes notice of blocks that the phone computes after the operations (update_engine/payload_consumer/
// verity_writer_android.cc), which no operation writes.
func (x *partition) computed(e extent) error {
	x.verity += e.n
	x.end = max(x.end, e.start+e.n)
	return nil
}

// source takes notice of blocks that an operation reads.
func (x *partition) source(e extent) error {
	x.readEnd = max(x.readEnd, e.start+e.n)
	return nil
}

type group struct {
	name  string
	size  int64
	parts []string
}

func (p *Payload) metadataSize() int64 { return payloadHeader + p.manifest }
func (p *Payload) blobs() int64        { return p.metadataSize() + p.metaSig }

// Delta reports whether the payload needs what is on the phone: the old partitions, or those that a partial update leaves
// as they are. update_engine takes it for a delta then (payload_consumer/delta_performer.cc, ValidateManifest).
func (p *Payload) Delta() bool { return p.partial || p.anyOld() }

// Partial reports whether the payload writes only some of the partitions of a build.
func (p *Payload) Partial() bool { return p.partial }

func (p *Payload) anyOld() bool {
	return slices.ContainsFunc(p.parts, func(x partition) bool { return x.old })
}

// Partitions lists what the payload writes, in its order. The caller may keep the slice.
func (p *Payload) Partitions() []PartitionFact {
	facts := make([]PartitionFact, len(p.parts))
	for i, x := range p.parts {
		facts[i] = x.PartitionFact
	}
	return facts
}

func (p *Payload) facts(at int64, file, meta []byte) *PayloadFacts {
	return &PayloadFacts{Offset: at, Size: p.src.size, MetadataSize: p.metadataSize(), FileHash: base64Of(file),
		MetadataHash: base64Of(meta),
		MinorVersion: p.minor, BlockSize: p.blockSize, MaxTimestamp: p.maxTimestamp,
		SPL: strings.ToValidUTF8(p.spl, "\uFFFD"), Delta: p.Delta(), Partial: p.partial, Partitions: p.Partitions()}
}

// target is [Facts.Target].
func (p *Payload) target() string {
	if p.partial {
		return ""
	}
	var lines []string
	for _, x := range p.parts {
		if len(x.hash) != sha256.Size {
			return ""
		}
		lines = append(lines, fmt.Sprintf("%s %d %s\n", x.Name, x.Size, x.SHA256))
	}
	slices.Sort(lines)
	return format.SHA256([]byte(strings.Join(lines, "")))
}

// ReadPayload reads header and manifest of the payload of size bytes in r, which begins with its magic. The
// payload is nil if they cannot be read. The error is only ever one of r.
func ReadPayload(r io.ReaderAt, size int64) (*Payload, Findings, error) {
	var fs Findings
	p := &Payload{src: source{r, size}, blockSize: onlyBlockSize}
	if ok, err := p.readHeader(&fs); err != nil || !ok {
		return nil, fs, err
	}
	w := newWire(r, 0, payloadHeader, p.metadataSize())
	err := p.readManifest(w, &fs)
	if w.fault != nil {
		return nil, fs, w.fault
	}
	if err != nil {
		fs.add(Finding{Code: ABMagic, Found: err.Error(), Wanted: "a DeltaArchiveManifest", Fix: "Build the package again.",
			Message: fmt.Sprintf("The payload's manifest cannot be read: %v.", err)})
		return nil, fs, nil
	}
	p.judgeRanges(&fs)
	p.judgeGroups(&fs)
	p.judgeMinor(&fs)
	if !fs.Refused() {
		err = p.judgeTwice(&fs)
	}
	return p, fs, err
}

func (p *Payload) readHeader(fs *Findings) (bool, error) {
	if p.src.size < payloadHeader {
		fs.add(Finding{Code: ABMagic, Found: fmt.Sprintf("%d bytes", p.src.size), Wanted: "a payload",
			Message: "payload.bin is too short to be a payload."})
		return false, nil
	}
	h, err := p.src.bytes(0, payloadHeader)
	if err != nil {
		return false, err
	}
	if string(h[:4]) != "CrAU" {
		fs.add(Finding{Code: ABMagic, Found: show(string(h[:4])), Wanted: "`CrAU`",
			Message: fmt.Sprintf("payload.bin begins with %s, a payload begins with `CrAU`.", show(string(h[:4])))})
		return false, nil
	}
	if v := binary.BigEndian.Uint64(h[4:]); v != 2 {
		fs.add(Finding{Code: ABMajor, Found: fmt.Sprint(v), Wanted: "2",
			Message: fmt.Sprintf("The payload has format %d; phones read format 2.", v)})
		return false, nil
	}
	manifest, sig := binary.BigEndian.Uint64(h[12:]), int64(binary.BigEndian.Uint32(h[20:]))
	if manifest > maxManifest || sig > maxSignatures || int64(manifest)+sig > p.src.size-payloadHeader {
		fs.add(Finding{Code: ABMagic, Found: fmt.Sprintf("a manifest of %d and a signature of %d bytes in a payload of %d",
			manifest, sig, p.src.size), Wanted: fmt.Sprintf("at most %d and %d, inside the payload", maxManifest, maxSignatures),
			Message: fmt.Sprintf("The payload claims a manifest of %d bytes and a metadata signature of %d bytes; "+
				"that is more than it has or than is allowed.", manifest, sig)})
		return false, nil
	}
	p.manifest, p.metaSig = int64(manifest), sig
	return true, nil
}
