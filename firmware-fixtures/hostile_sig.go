// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	_ "embed"
	"io"
	"strings"
)

// aospSigned is signed with AOSP's published test key; see vectors/README.md.
//
//go:embed vectors/otasigned_v3.zip
var aospSigned []byte

// hostileSignature are packages whose whole-file signature is missing, wrong, or proves nothing.
func hostileSignature() []HostileCase {
	const m = "armani"
	as := func(key, cert string) func(Key) Key { return func(Key) Key { return embeddedKey(key, cert) } }
	return []HostileCase{
		{Name: "sig-none", Model: "fuxi", Want: []string{"SIG-NONE"}, Why: "not signed at all",
			Write: forgery{comment: noComment}.of("fuxi")},
		{Name: "sig-jar-only", Model: m, Want: []string{"SIG-JARONLY"}, Why: "entries are signed, the file is not",
			Write: forgery{comment: noComment}.of(m)},
		{Name: "sig-bad", Model: m, Want: []string{"SIG-BAD"}, Why: "the signature of a good package on another one",
			Write: forgery{kind: Bad, comment: stolenComment}.of(m)},
		{Name: "sig-other-key", Model: m, Want: []string{"SIG-KEY"},
			Why:   "signed with a key of the same name that nobody pinned",
			Write: forgery{key: as("other", "other")}.of(m)},
		{Name: "sig-public", Model: m, Want: []string{"SIG-PUBLIC"},
			Why:   "AOSP's own sample, signed with the published test key",
			Write: func(w io.Writer, _ Key) error { _, err := w.Write(aospSigned); return err }},
		{Name: "sig-rsa4096", Model: m, Want: []string{"SIG-ALG"}, Why: "RSA-4096, which a recovery of 2014 cannot check",
			Write: forgery{key: as("rsa4096", "rsa4096")}.of(m)},
		{Name: "sig-ecdsa", Model: m, Want: []string{"SIG-ALG"}, Why: "ECDSA, which a recovery of 2014 cannot check",
			Write: forgery{key: as("ec", "ec")}.of(m)},
		{Name: "sig-sha1", Model: "fuxi", Want: []string{"SIG-SHA1"}, Why: "SHA-1 on a model that can do better",
			Write: forgery{key: as("ota", "sha1")}.of("fuxi")},
		{Name: "sig-cert", Model: m, Want: []string{"SIG-CERT"}, Why: "otacert is another certificate than the signer's",
			Write: forgery{entries: change(nameOtacert,
				func(e *entry) { e.body = bytesBody(embeddedKey("other", "other").CertPEM()) })}.of(m)},
		{Name: "sig-footer-size", Model: m, Want: []string{"SIG-SIZE"},
			Why:   "footer and zip directory state different comment lengths",
			Write: forgery{signed: func(b []byte) []byte { b[len(b)-2]++; return b }}.of(m)},
		{Name: "sig-two-signers", Model: m, Want: []string{"SIG-SIZE"}, Why: "two signers; recovery looks at the first only",
			Write: forgery{comment: twoSigners}.of(m)},
	}
}

func noComment([]byte, Key) ([]byte, error) { return []byte{0, 0}, nil }

// stolenComment signs the model's good package instead of the archive at hand.
func stolenComment(_ []byte, k Key) ([]byte, error) {
	good, err := forgery{}.bytes("armani", k)
	if err != nil {
		return nil, err
	}
	at := strings.LastIndex(string(good), signMessage)
	return good[at-2:], nil
}

func twoSigners(head []byte, k Key) ([]byte, error) {
	sum := k.hash().New()
	sum.Write(head)
	der, err := pkcs7(sum.Sum(nil), k.hash(), k, embeddedKey("other", "other"))
	return commentAround([]byte(signMessage), der), err
}
