// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto"
	"encoding/hex"
	"slices"
	"strings"
)

// readBytes computes every digest in one sweep over the file.
func (in *inspection) readBytes() error {
	all := byteRange{0, in.src.size}
	whole := sha256Of(0, all)
	consumers := []consumer{whole}
	signed := whole
	if in.sig != nil {
		whole.mark = in.sig.signed
		if in.sig.hash == crypto.SHA1 {
			signed = sha1Of(byteRange{0, in.sig.signed})
			consumers = append(consumers, signed)
		}
	}
	var name *stream
	if in.name.md5 != "" {
		name = md5Of(all)
		consumers = append(consumers, name)
	}
	crc := &checksums{}
	if in.zipSound { // entries that share bytes could be summed for ever
		crc.entries = slices.DeleteFunc(slices.Clone(in.a.entries), func(e Entry) bool { return !e.Stored })
		consumers = append(consumers, crc)
	}
	var file, sign *stream
	if p := in.payload; p != nil {
		at := in.facts.payloadOffset(in.a)
		file = sha256Of(0, byteRange{at, at + p.src.size})
		sign = sha256Of(at+p.metadataSize(), byteRange{at, at + p.metadataSize()})
		if in.payloadSigs != nil {
			sign.ranges = append(sign.ranges, byteRange{at + p.blobs(), at + p.blobs() + p.sigOffset})
		}
		consumers = append(consumers, file, sign)
	}
	if err := sweep(in.src, consumers...); err != nil {
		return err
	}
	in.facts.SHA256 = hex.EncodeToString(whole.sum())
	in.signedSum = signed.atMark()
	if name != nil {
		in.facts.MD5 = hex.EncodeToString(name.sum())
		judgeMD5(in.name, in.facts.MD5, &in.fs)
	}
	for _, e := range crc.wrong {
		in.fs.add(mismatch("Entry "+show(e.Name), "its content has another checksum than the directory promises"))
	}
	if in.payload != nil {
		in.metaSum, in.payloadSum = sign.atMark(), sign.sum()
		in.facts.Payload = in.payload.facts(in.facts.payloadOffset(in.a), file.sum(), in.metaSum)
		in.facts.Target = in.payload.target()
	}
	return nil
}

func (f *Facts) payloadOffset(a *Archive) int64 {
	e, _ := a.Entry(namePayload)
	return e.Offset
}

func (p *Payload) facts(at int64, file, meta []byte) *PayloadFacts {
	return &PayloadFacts{Offset: at, Size: p.src.size, MetadataSize: p.metadataSize(), FileHash: base64Of(file),
		MetadataHash: base64Of(meta),
		MinorVersion: p.minor, BlockSize: p.blockSize, MaxTimestamp: p.maxTimestamp,
		SPL: strings.ToValidUTF8(p.spl, "\uFFFD"), Delta: p.Delta(), Partitions: p.Partitions()}
}
