// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto"
	"encoding/binary"
	"fmt"
	"slices"

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

// judgeSignatures wants both signatures by one key: that of the zip, or one that is pinned if the zip has no good
// signature. Without either there is nothing to compare with. A published key is found in any case.
func (in *inspection) judgeSignatures(o *payloadOf, fs *Findings) {
	keys, zip := in.p.pinnedKeys(), in.facts.Signer
	if zip != nil && zip.Valid {
		keys = []crypto.PublicKey{in.sig.cert.PublicKey}
	}
	meta, whole := o.signed.atMark(), o.signed.sum()
	fits := func(k crypto.PublicKey) bool { return anyFits(k, meta, o.metaSigs) && anyFits(k, whole, o.wholeSigs) }
	if i := slices.IndexFunc(keys, fits); i >= 0 {
		o.facts.SignedBy = keySHA256(keys[i])
		o.facts.Published, _ = PublishedKey(keys[i])
	} else if o.metaSigs == nil || o.wholeSigs == nil {
		return // found by Payload.signatures
	} else if i := slices.IndexFunc(publishedKeys(), func(k publishedKey) bool { return fits(k.key) }); i >= 0 {
		o.facts.SignedBy, o.facts.Published = publishedKeys()[i].sha256, publishedKeys()[i].name
	}
	if o.facts.Published != "" && (zip == nil || zip.Published != o.facts.Published) {
		fs.add(signedByPublished("The payload", o.facts.Published, in.p))
	}
	if len(keys) == 0 || slices.ContainsFunc(keys, fits) {
		return
	}
	f := Finding{Code: ABSig, Found: "signatures that do not fit", Wanted: "signatures by " + keySHA256(keys[0]),
		Fix:     "Sign payload and zip with the same key, the payload first.",
		Message: "The payload's signatures are not by a pinned key, or the payload was changed after signing."}
	if zip != nil && zip.Valid {
		f.Message = fmt.Sprintf("The zip is signed by key `%s…`, the payload by another or changed after signing: "+
			"the phone trusts one of them.", zip.KeySHA256[:min(16, len(zip.KeySHA256))])
	}
	fs.add(f)
}

// anyFits reports whether one of sigs is k's over the digest sum.
func anyFits(k crypto.PublicKey, sum []byte, sigs [][]byte) bool {
	return slices.ContainsFunc(sigs, func(s []byte) bool { return validSignature(k, crypto.SHA256, sum, s) })
}
