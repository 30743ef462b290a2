// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto"
	"encoding/hex"
	"slices"
)

// readBytes computes every digest in one sweep over the file, and unpacks what is compressed beside it.
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
	var unpacked *unpacking
	if in.contentSound {
		crc.entries = slices.DeleteFunc(slices.Clone(in.a.entries), func(e Entry) bool { return !e.Stored })
		consumers = append(consumers, crc)
		unpacked = in.a.unpack()
	}
	for _, o := range in.payloads {
		consumers = append(consumers, o.consumers()...)
	}
	if err := unpacked.wait(sweep(in.src, consumers...)); err != nil {
		return err
	}
	in.facts.SHA256 = hex.EncodeToString(whole.sum())
	in.signedSum = signed.atMark()
	if name != nil {
		in.facts.MD5 = hex.EncodeToString(name.sum())
		judgeMD5(in.name, in.facts.MD5, &in.fs)
	}
	for _, err := range slices.Concat(crc.wrong, unpacked.wrong()) {
		if f := contentFinding(err); !slices.Contains(in.fs, f) { // small entries were read before
			in.fs.add(f)
		}
	}
	for _, o := range in.payloads {
		if err := in.swept(o); err != nil {
			return err
		}
	}
	return nil
}
