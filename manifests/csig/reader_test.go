// SPDX-License-Identifier: Apache-2.0

package csig

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func privateKey(t testing.TB, block *pem.Block) crypto.Signer {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(crypto.Signer)
}

// tlv is one value of DER, with those in it: how the reader below walks CMS, without the types of this package.
type tlv struct {
	tag        byte
	body, full []byte
}

func walk(b []byte) (all []tlv, err error) {
	for len(b) > 0 {
		var raw asn1.RawValue
		rest, err := asn1.Unmarshal(b, &raw)
		if err != nil {
			return nil, err
		}
		all, b = append(all, tlv{raw.FullBytes[0], raw.Bytes, raw.FullBytes}), rest
	}
	return all, nil
}

func (v tlv) in(path ...int) (tlv, error) {
	for _, i := range path {
		kids, err := walk(v.body)
		if err != nil || i >= len(kids) {
			return tlv{}, fmt.Errorf("there is no value %v", path)
		}
		v = kids[i]
	}
	return v, nil
}

// phone is what Custota does with a csig before it installs, written from the facts of its reader: CMSSignedData of
// BouncyCastle with the content inside; some signer whose signature a certificate of the system made; JSON whose version is
// 1 or 2, with vbmeta_digest in 2 alone, all members of each file there; files as ota-property-files has them, one after
// the other; and each part, when it is fetched, by its SHA-256.
func phone(der []byte, system *x509.Certificate, stated string, zip []byte) error {
	all, err := walk(der)
	if err != nil || len(all) == 0 {
		return errors.New("no DER")
	}
	content, err1 := all[0].in(1, 0, 2, 1, 0)
	signer, err2 := all[0].in(1, 0, 4, 0)
	if err1 != nil || err2 != nil || content.tag != 4 {
		return errors.New("no encapsulated content, or no signer")
	}
	attrs, err1 := signer.in(3)
	digest, err2 := attrs.in(1, 1, 0)
	signature, err3 := signer.in(5)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	sum := sha256.Sum256(content.body)
	if !bytes.Equal(digest.body, sum[:]) {
		return errors.New("the content is another")
	}
	over := sha256.Sum256(append([]byte{0x31}, attrs.full[1:]...))
	if rsa.VerifyPKCS1v15(system.PublicKey.(*rsa.PublicKey), crypto.SHA256, over[:], signature.body) != nil {
		return errors.New("csig is not signed by a trusted key")
	}
	var info struct {
		Version *int `json:"version"`
		Files   []struct {
			Name   *string `json:"name"`
			Offset *int64  `json:"offset"`
			Size   *int64  `json:"size"`
			Digest *string `json:"digest"`
		} `json:"files"`
		VBMeta *string `json:"vbmeta_digest"`
	}
	if err := json.Unmarshal(content.body, &info); err != nil || info.Version == nil || info.Files == nil {
		return fmt.Errorf("JSON: %v", err)
	}
	if v := *info.Version; v != 1 && v != 2 || v == 1 && info.VBMeta != nil {
		return errors.New("only versions 1 and 2 are supported")
	}
	parts, names := strings.Split(stated, ","), map[string]bool{}
	for i, f := range info.Files {
		if f.Name == nil || f.Offset == nil || f.Size == nil || f.Digest == nil {
			return errors.New("a member is missing")
		}
		if i < len(parts) && strings.TrimRight(parts[i], " ") != fmt.Sprintf("%s:%d:%d", *f.Name, *f.Offset, *f.Size) {
			return errors.New("csig files do not match metadata property files")
		}
		if *f.Offset < 0 || *f.Offset+*f.Size > int64(len(zip)) {
			return errors.New("no such range")
		}
		sum := sha256.Sum256(zip[*f.Offset : *f.Offset+*f.Size])
		if !strings.EqualFold(*f.Digest, hex.EncodeToString(sum[:])) {
			return errors.New("another digest")
		}
		names[*f.Name] = true
	}
	for _, name := range []string{"metadata.pb", "payload.bin", "payload_metadata.bin", "payload_properties.txt"} {
		if !names[name] {
			return errors.New("missing property files entry " + name)
		}
	}
	return nil
}

// forged signs JSON that Sign would refuse.
func forged(t *testing.T, text string) []byte {
	t.Helper()
	der := signed(t, good())
	key, _, _ := maker(t, "ota")
	var outer contentInfo
	var sd signedData
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		t.Fatal(err)
	}
	if _, err := asn1.Unmarshal(outer.Content.Bytes, &sd); err != nil {
		t.Fatal(err)
	}
	sd.Content.Content = []byte(text)
	sum := sha256.Sum256(sd.Content.Content)
	attrs, err := signedAttributes(sum[:])
	if err != nil {
		t.Fatal(err)
	}
	over := sha256.Sum256(attrs)
	sd.Signers[0].Attrs = asn1.RawValue{FullBytes: append([]byte{0xa0}, attrs[1:]...)}
	if sd.Signers[0].Signature, err = privateKey(t, key).Sign(nil, over[:], crypto.SHA256); err != nil {
		t.Fatal(err)
	}
	inner, err := asn1.Marshal(sd)
	if err != nil {
		t.Fatal(err)
	}
	der, err = asn1.Marshal(contentInfo{oidSignedData, asn1.RawValue{Class: 2, IsCompound: true, Bytes: inner}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestPhoneReads: what is made the strict reader takes, and fifteen mutations it does not; what it refuses, Open refuses
// too, or the comparison with the package does.
func TestPhoneReads(t *testing.T) {
	_, cert, _ := maker(t, "ota")
	_, other, _ := maker(t, "other")
	zip, stated := bytes.Repeat([]byte("landed"), 400), "payload_metadata.bin:41:827,payload.bin:41:1392,payload_properties.txt:1485:147,"+
		"metadata:1809:29,metadata.pb:1900:60   "
	info := Info{Version: 2, VBMetaDigest: strings.Repeat("b1", 32)}
	for part := range strings.SplitSeq(strings.TrimSpace(stated), ",") {
		var f File
		words := strings.ReplaceAll(part, ":", " ")
		if _, err := fmt.Sscan(words, &f.Name, &f.Offset, &f.Size); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(zip[f.Offset : f.Offset+f.Size])
		f.Digest = hex.EncodeToString(sum[:])
		info.Files = append(info.Files, f)
	}
	der, text := signed(t, info), string(info.bytes())
	if err := phone(der, cert, stated, zip); err != nil {
		t.Fatal(err)
	}
	if err := phone(forged(t, text), cert, stated, zip); err != nil {
		t.Fatalf("the forger does not sign as Sign does: %v", err)
	}
	sig := bytes.Clone(der)
	sig[len(sig)-1] ^= 1
	body := bytes.Replace(der, []byte(`"size":827`), []byte(`"size":828`), 1)
	for name, tt := range map[string]struct {
		der    []byte
		by     *x509.Certificate
		zip    []byte
		reads  bool // by Open, for which the package is another question
		stated string
	}{
		"another key":          {der, other, zip, true, stated},
		"a broken signature":   {sig, cert, zip, false, stated},
		"changed content":      {body, cert, zip, false, stated},
		"version 3":            {forged(t, strings.Replace(text, `"version":2`, `"version":3`, 1)), cert, zip, false, stated},
		"version 1 and vbmeta": {forged(t, strings.Replace(text, `"version":2`, `"version":1`, 1)), cert, zip, false, stated},
		"no version":           {forged(t, strings.Replace(text, `"version":2,`, ``, 1)), cert, zip, false, stated},
		"no offset":            {forged(t, strings.Replace(text, `"offset":41,`, ``, 1)), cert, zip, false, stated},
		"no digest":            {forged(t, strings.Replace(text, `"digest"`, `"sha256"`, 1)), cert, zip, false, stated},
		"no metadata.pb":       {forged(t, strings.Replace(text, `metadata.pb`, `metadata.px`, 1)), cert, zip, false, stated},
		"no files":             {forged(t, `{"version":2}`), cert, zip, false, stated},
		"no JSON":              {forged(t, text[1:]), cert, zip, false, stated},
		"another package":      {der, cert, bytes.Repeat([]byte("Landed"), 400), true, stated},
		"other places":         {der, cert, zip, true, strings.Replace(stated, ":827", ":828", 1)},
		"another order": {der, cert, zip, true, "payload.bin:41:1392,payload_metadata.bin:41:827,payload_properties.txt:1485:147," +
			"metadata:1809:29,metadata.pb:1900:60"},
		"no CMS": {[]byte(text), cert, zip, false, stated},
	} {
		if err := phone(tt.der, tt.by, tt.stated, tt.zip); err == nil {
			t.Errorf("%s: the phone takes it", name)
		}
		if _, _, err := Open(tt.der); (err == nil) != tt.reads {
			t.Errorf("%s: Open says %v", name, err)
		}
	}
}
