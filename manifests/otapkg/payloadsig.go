// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto"
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxSigners bounds the signatures that are tried.
const maxSigners = 8

// parseSignatures reads a Signatures message: for each signature its data, cut to the size without padding.
func parseSignatures(msg []byte) (sigs [][]byte, err error) {
	err = pbFields(msg, func(n protowire.Number, t protowire.Type, _ uint64, b []byte) error {
		if n != 1 || t != protowire.BytesType || len(sigs) == maxSigners {
			return nil
		}
		var data []byte
		size := -1
		for len(b) > 0 { // field 3 is fixed32, which pbFields does not hand on
			num, typ, k := protowire.ConsumeTag(b)
			if k < 0 {
				return protowire.ParseError(k)
			}
			b = b[k:]
			if k = protowire.ConsumeFieldValue(num, typ, b); k < 0 {
				return protowire.ParseError(k)
			}
			switch {
			case num == 2 && typ == protowire.BytesType:
				data, _ = protowire.ConsumeBytes(b)
			case num == 3 && typ == protowire.Fixed32Type:
				size = int(binary.LittleEndian.Uint32(b))
			}
			b = b[k:]
		}
		if size > len(data) {
			// phones refuse the whole message
			return fmt.Errorf("a signature of %d bytes without padding in %d", size, len(data))
		}
		if size >= 0 {
			data = data[:size]
		}
		sigs = append(sigs, data)
		return nil
	})
	return sigs, err
}

// signatures reads both signature blocks of the payload; nil for one that is missing or unreadable.
func (p *Payload) signatures(fs *Findings) (meta, whole [][]byte, err error) {
	read := func(what string, off, n int64) ([][]byte, error) {
		missing := Finding{Code: ABSig, Found: "no " + what, Wanted: "a signature by the key of the zip",
			Fix:     "Sign the payload (ota_from_target_files does) before the zip.",
			Message: fmt.Sprintf("The payload has no %s that can be read; phones refuse it.", what)}
		if n <= 0 || !p.src.within(off, n) {
			fs.add(missing)
			return nil, nil
		}
		b, err := p.src.bytes(off, n)
		if err != nil {
			return nil, err
		}
		sigs, bad := parseSignatures(b)
		if bad != nil || len(sigs) == 0 {
			fs.add(missing)
			return nil, nil
		}
		return sigs, nil
	}
	if meta, err = read("metadata signature", p.metadataSize(), p.metaSig); err != nil {
		return nil, nil, err
	}
	at, n := p.blobs()+p.sigOffset, p.sigSize
	if !p.signed {
		n = 0
	}
	whole, err = read("payload signature", at, n)
	return meta, whole, err
}

// judgePayloadSignatures wants both signatures by one key: that of the zip, or one that is pinned if the zip
// has no good signature. Without either there is nothing to compare with. It returns the key's hash.
func judgePayloadSignatures(meta, whole [][]byte, metaSum, wholeSum []byte, zip *Signer, zipKey crypto.PublicKey,
	pinned []crypto.PublicKey, fs *Findings) string {
	keys := pinned
	if zip != nil && zip.Valid {
		keys = []crypto.PublicKey{zipKey}
	}
	anyFits := func(k crypto.PublicKey, sum []byte, sigs [][]byte) bool {
		for _, s := range sigs {
			if validSignature(k, crypto.SHA256, sum, s) {
				return true
			}
		}
		return false
	}
	for _, k := range keys {
		if anyFits(k, metaSum, meta) && anyFits(k, wholeSum, whole) {
			return keySHA256(k)
		}
	}
	if len(keys) == 0 || meta == nil || whole == nil {
		return ""
	}
	f := Finding{Code: ABSig, Found: "signatures that do not fit", Wanted: "signatures by " + keySHA256(keys[0]),
		Fix:     "Sign payload and zip with the same key, the payload first.",
		Message: "The payload's signatures are not by a pinned key, or the payload was changed after signing."}
	if zip != nil && zip.Valid {
		f.Message = fmt.Sprintf("The zip is signed by key `%s…`, the payload by another or changed after signing: "+
			"the phone trusts one of them.", zip.KeySHA256[:min(16, len(zip.KeySHA256))])
	}
	fs.add(f)
	return ""
}
