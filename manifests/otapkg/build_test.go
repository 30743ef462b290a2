// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	fixtures "landed/firmware-fixtures"
)

// file is one entry of a hand-made zip. Fields named central… replace what the directory says about it.
type file struct {
	name    string
	body    string
	deflate bool
	before  string // bytes in front of its header

	descriptor     bool // sizes follow the content
	badDescriptor  bool
	flags, method  uint16 // added to what they would be
	extra, cextra  []byte
	attr           uint32
	centralName    string
	centralSize    *uint32
	centralCRC     *uint32
	centralPacked  *uint32
	sameHeaderAs   int // 1 + index of the entry whose header the directory points at
	directoryAlone bool
	disk           uint16
}

// zipEdit changes the numbers of the directory end before they are written.
type zipEdit struct {
	prefix, trail, comment, dirGap string
	count, disk                    int
	zip64                          bool // a Zip64 end that nothing asks for
	marked                         bool // but with this it is
	shiftless                      bool // a prefix that the offsets count in
}

func makeZip(files []file, edit zipEdit) []byte {
	var b, dir bytes.Buffer
	offsets := make([]uint32, len(files))
	base := 0
	if edit.shiftless {
		base = len(edit.prefix)
	}
	for i, f := range files {
		b.WriteString(f.before)
		offsets[i] = uint32(b.Len() + base)
		packed, method, flags := []byte(f.body), f.method, f.flags
		if f.deflate {
			var z bytes.Buffer
			w, _ := flate.NewWriter(&z, 9)
			w.Write(packed)
			w.Close()
			packed, method = z.Bytes(), 8
		}
		if f.descriptor || f.badDescriptor {
			flags |= 8
		}
		crc := crc32.ChecksumIEEE([]byte(f.body))
		nums := []uint32{crc, uint32(len(packed)), uint32(len(f.body))}
		local := nums
		if flags&8 != 0 {
			local = make([]uint32, 3)
		}
		if !f.directoryAlone {
			fmt.Fprint(&b, "PK\x03\x04")
			binary.Write(&b, le, []uint16{20, flags, method, 0, 0x2821})
			binary.Write(&b, le, local)
			binary.Write(&b, le, []uint16{uint16(len(f.name)), uint16(len(f.extra))})
			b.WriteString(f.name)
			b.Write(f.extra)
			b.Write(packed)
			if f.descriptor {
				fmt.Fprint(&b, "PK\x07\x08")
				binary.Write(&b, le, nums)
			}
		}
		name := f.name
		if f.centralName != "" {
			name = f.centralName
		}
		for j, p := range []*uint32{f.centralCRC, f.centralPacked, f.centralSize} {
			if p != nil {
				nums[j] = *p
			}
		}
		if f.sameHeaderAs > 0 {
			offsets[i] = offsets[f.sameHeaderAs-1]
		}
		fmt.Fprint(&dir, "PK\x01\x02")
		binary.Write(&dir, le, []uint16{3<<8 | 20, 20, flags, method, 0, 0x2821})
		binary.Write(&dir, le, nums)
		binary.Write(&dir, le, []uint16{uint16(len(name)), uint16(len(f.cextra)), 0, f.disk, 0})
		binary.Write(&dir, le, []uint32{f.attr, offsets[i]})
		dir.WriteString(name)
		dir.Write(f.cextra)
	}
	start := b.Len() + base
	b.Write(dir.Bytes())
	b.WriteString(edit.dirGap)
	n := uint16(len(files) + edit.count)
	if edit.zip64 {
		at := b.Len()
		fmt.Fprint(&b, "PK\x06\x06")
		binary.Write(&b, le, []uint64{44, 45<<16 | 45})
		b.Truncate(at + 16)
		binary.Write(&b, le, []uint32{0, 0})
		binary.Write(&b, le, []uint64{uint64(n), uint64(n), uint64(dir.Len()), uint64(start)})
		fmt.Fprint(&b, "PK\x06\x07")
		binary.Write(&b, le, uint32(0))
		binary.Write(&b, le, uint64(at))
		binary.Write(&b, le, uint32(1))
	}
	if edit.marked {
		n = 0xFFFF
	}
	fmt.Fprint(&b, "PK\x05\x06")
	binary.Write(&b, le, []uint16{uint16(edit.disk), uint16(edit.disk), n, n})
	binary.Write(&b, le, []uint32{uint32(dir.Len()), uint32(start)})
	binary.Write(&b, le, uint16(len(edit.comment)))
	return []byte(edit.prefix + b.String() + edit.comment + edit.trail)
}

const (
	armaniPrint = "Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH45.0:user/release-keys"
	armaniMeta  = "post-build=" + armaniPrint + "\npost-timestamp=1407600000\npre-device=armani\n"
	armaniCheck = `assert(getprop("ro.product.device") == "armani" || getprop("ro.build.product") == "armani");` + "\n"
	armaniGuard = `assert(!less_than_int(1407600000, getprop("ro.build.date.utc")));` + "\n"
	armaniWork  = `format("ext4", "EMMC", "/dev/block/platform/msm_sdcc.1/by-name/system", "0", "/system");
package_extract_dir("system", "/system");
package_extract_file("boot.img", "/dev/block/platform/msm_sdcc.1/by-name/boot");
`
)

// fileBased is an unsigned package that is right in everything else.
func fileBased(meta, script string, more ...file) []file {
	return append([]file{
		{name: nameMetadata, body: meta},
		{name: nameScript, body: script, deflate: true},
		{name: "system/build.prop", body: strings.Repeat("ro.product.device=armani\n", 40), deflate: true},
		{name: "boot.img", body: "ANDROID!"},
	}, more...)
}

func goodFiles(more ...file) []file {
	return fileBased(armaniMeta, armaniCheck+armaniGuard+armaniWork, more...)
}

// op is one operation of a hand-made payload. Data is taken from the blobs at offset.
type op struct {
	kind, offset, size uint64
	start, blocks      uint64
	from, reads        uint64 // blocks of the old partition, if it reads any
	sourceHash         []byte
	noHash, badHash    bool
	noKind, noOffset   bool
	data               uint64 // bytes of data that an operation claims which has none
}

// payloadSpec is a payload in the making.
type payloadSpec struct {
	magic          string
	major          uint64
	minor          uint64
	partition      string
	size           uint64 // of the partition
	old            bool
	oldSize        *uint64 // bytes; nil for those of the new partition
	noOldHash      bool
	partial        bool
	also           []byte // another PartitionUpdate
	inPartition    []byte // fields at the end of the partition
	ops            []op
	blobs          []byte
	time           uint64
	group          uint64 // room of the partition's group; 0 for none
	unsigned       bool
	otherKey       bool
	claimManifest  uint64
	claimSigOffset *uint64
	hash           []byte
	more           []byte // fields at the end of the manifest
}

func goodPayload() payloadSpec {
	block := bytes.Repeat([]byte("landed! "), 512)
	image := append(append([]byte{}, block...), make([]byte, 4096)...)
	sum := sha256.Sum256(image)
	return payloadSpec{magic: "CrAU", major: 2, partition: "system", size: 8192, time: 1407600000, blobs: block, hash: sum[:],
		ops: []op{{kind: opReplace, size: 4096, blocks: 1}, {kind: opZero, start: 1, blocks: 1}}}
}

func tag(b []byte, n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

func msg(b []byte, n protowire.Number, m []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), m)
}

func signatures(t testing.TB, key crypto.Signer, sum []byte) []byte {
	t.Helper()
	sig, err := key.Sign(rand.Reader, sum, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return msg(nil, 1, msg(nil, 2, sig))
}

// make writes the payload and its properties.
func (s payloadSpec) make(t testing.TB) (payload []byte, props string) {
	t.Helper()
	var key crypto.Signer = fixtures.TestKey().Private
	if s.otherKey {
		other, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		key = other
	}
	part := msg(nil, 1, []byte(s.partition))
	if s.old {
		size := s.size
		if s.oldSize != nil {
			size = *s.oldSize
		}
		info := tag(nil, 1, size)
		if !s.noOldHash {
			info = msg(info, 2, s.hash)
		}
		part = msg(part, 6, info)
	}
	part = msg(part, 7, msg(tag(nil, 1, s.size), 2, s.hash))
	for _, o := range s.ops {
		var m []byte
		if !o.noKind {
			m = tag(m, 1, o.kind)
		}
		if o.size > 0 && !o.noOffset {
			m = tag(m, 2, o.offset)
		}
		if n := o.size + o.data; n > 0 {
			m = tag(m, 3, n)
		}
		if o.reads > 0 {
			m = msg(m, 4, tag(tag(nil, 1, o.from), 2, o.reads))
		}
		if o.blocks > 0 {
			m = msg(m, 6, tag(tag(nil, 1, o.start), 2, o.blocks))
		}
		if o.sourceHash != nil {
			m = msg(m, 9, o.sourceHash)
		}
		if end := o.offset + o.size; o.size > 0 && !o.noHash {
			sum := sha256.Sum256(s.blobs[min(o.offset, uint64(len(s.blobs))):min(end, uint64(len(s.blobs)))])
			if o.badHash {
				sum[0] ^= 1
			}
			m = msg(m, 8, sum[:])
		}
		part = msg(part, 8, m)
	}
	part = append(part, s.inPartition...)
	manifest := tag(nil, 3, 4096)
	const sigLen = 256 + 6 // a Signatures message around an RSA-2048 signature
	if !s.unsigned {
		at := uint64(len(s.blobs))
		if s.claimSigOffset != nil {
			at = *s.claimSigOffset
		}
		manifest = tag(tag(manifest, 4, at), 5, sigLen)
	}
	manifest = tag(tag(manifest, 12, s.minor), 14, s.time)
	if s.group > 0 {
		manifest = msg(manifest, 15, msg(nil, 1, msg(tag(msg(nil, 1, []byte("main")), 2, s.group), 3, []byte(s.partition))))
	}
	if s.partial {
		manifest = tag(manifest, 16, 1)
	}
	manifest = msg(manifest, 13, part)
	if s.also != nil {
		manifest = msg(manifest, 13, s.also)
	}
	manifest = append(manifest, s.more...)
	head := []byte(s.magic)
	head = binary.BigEndian.AppendUint64(head, s.major)
	head = binary.BigEndian.AppendUint64(head, max(uint64(len(manifest)), s.claimManifest))
	var metaSig, sig []byte
	if s.unsigned {
		head = binary.BigEndian.AppendUint32(head, 0)
	} else {
		head = binary.BigEndian.AppendUint32(head, sigLen)
	}
	meta := append(head, manifest...)
	metaSum := sha256.Sum256(meta)
	if !s.unsigned {
		metaSig = signatures(t, key, metaSum[:])
		sum := sha256.Sum256(append(append([]byte{}, meta...), s.blobs...))
		sig = signatures(t, key, sum[:])
		if len(sig) != sigLen {
			t.Fatalf("signature message has %d bytes", len(sig))
		}
	}
	payload = bytes.Join([][]byte{meta, metaSig, s.blobs, sig}, nil)
	sum := sha256.Sum256(payload)
	b64 := base64.StdEncoding.EncodeToString
	return payload, fmt.Sprintf("FILE_HASH=%s\nFILE_SIZE=%d\nMETADATA_HASH=%s\nMETADATA_SIZE=%d\n", b64(sum[:]), len(payload),
		b64(metaSum[:]), len(meta))
}

const abMeta = "ota-type=AB\npost-build=Xiaomi/fuxi/fuxi:13/TKQ1/V14.0.1:user/release-keys\npost-timestamp=1407600000\npre-device=fuxi\n"

// abFiles is an A/B package around a payload, with more lines for metadata and properties.
func abFiles(t testing.TB, s payloadSpec, meta, props string, more ...file) []file {
	payload, stated := s.make(t)
	return append([]file{
		{name: namePayload, body: string(payload)},
		{name: nameProperties, body: stated + props},
		{name: nameMetadata, body: abMeta + meta},
	}, more...)
}
