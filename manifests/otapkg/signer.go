// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"landed/internal/format"
)

// judge compares the signature with the digest of the signed bytes and with what the caller trusts.
func (s *signature) judge(digest []byte, legacy, known bool, p Policy, fs *Findings) *Signer {
	alg, usable := algorithm(s.cert.PublicKey)
	who := &Signer{KeySHA256: keySHA256(s.cert.PublicKey), CertSHA256: format.SHA256(s.cert.Raw),
		Subject:   s.cert.Subject.String(),
		Algorithm: alg, Hash: s.hash.String(), Valid: validSignature(s.cert.PublicKey, s.hash, digest, s.value)}
	pin := s.pinned(digest, p.Pins, who)
	switch {
	case !who.Valid && pin == nil:
		fs.add(Finding{Code: SigBad, Found: "a signature over other content", Wanted: "a signature over this file",
			Fix: "Upload the file as it was signed, or sign it again.", Message: "Signature does not match the content: " +
				"file changed after signing."})
	case !who.Valid:
		fs.add(Finding{Code: SigCert, Found: who.KeySHA256, Wanted: keySHA256(pin.Key),
			Fix: "Sign the package again with signapk.", Message: "The certificate inside the signature is not that of the " +
				"key that signed."})
	case pin == nil && len(p.Pins) > 0:
		fs.add(s.otherKey(who, p))
	case pin != nil && !who.Pinned:
		fs.add(s.otherHash(pin))
	}
	s.judgeAlgorithm(alg, usable, legacy, known, pin == nil || who.Pinned, fs)
	if name, ok := PublishedCertificate(s.cert); ok {
		who.Published = name
		f := Finding{Code: SigPublic, Found: name, Wanted: "a key that only the maker has",
			Fix: "Sign with the release key.", Message: fmt.Sprintf("Signed with a published key (%s). "+
				"Anyone can sign with it.", name)}
		if p.Channel == Lab {
			f.Level = Warn
		}
		fs.add(f)
	}
	return who
}

// pinned finds the pin whose key signed, if possible one under which recovery would see it, and notes in who if it would.
func (s *signature) pinned(digest []byte, pins []Pin, who *Signer) (found *Pin) {
	for i := range pins {
		byKey, counts := pins[i].sees(s.hash, digest, s.value)
		if counts || byKey && found == nil {
			found = &pins[i]
		}
		who.Pinned = who.Pinned || counts
	}
	return found
}

// otherHash refuses what a pinned key signed over another hash than recovery computes for it.
func (s *signature) otherHash(pin *Pin) Finding {
	return Finding{Code: SigAlg, Found: s.hash.String(), Wanted: pin.Hash.String() + ", the hash of the pinned certificate",
		Fix: "Sign with the pinned certificate itself, or pin the certificate that phones have.",
		Message: fmt.Sprintf("The pinned key signed the file over %v, but recovery takes the hash from the pinned "+
			"certificate, which says %v, and would refuse it.", s.hash, pin.Hash)}
}

func (s *signature) otherKey(who *Signer, p Policy) Finding {
	var want []string
	for _, k := range p.pinnedKeys() {
		if w := keySHA256(k)[:min(16, len(keySHA256(k)))] + "…"; !slices.Contains(want, w) {
			want = append(want, w)
		}
	}
	place := strings.TrimSuffix(strings.TrimPrefix(p.Channel+" / "+p.Model, " / "), " / ")
	if place == "" {
		place = "the caller"
	}
	return Finding{Code: SigKey, Found: who.KeySHA256, Wanted: strings.Join(want, " or "),
		Fix: "Sign with the release key of the channel.",
		Message: fmt.Sprintf("Signed by key `%s…` (%s); %s expects `%s`.", who.KeySHA256[:min(16, len(who.KeySHA256))],
			show(who.Subject), place, strings.Join(want, "` or `"))}
}

// judgeAlgorithm holds the rules of each era: recovery of 2014 takes the last 256 bytes before the footer as
// an RSA-2048 signature, later ones choose the hash by the certificate's own signature. The certificate inside is asked
// for it only with byCert: if no pin has answered already.
func (s *signature) judgeAlgorithm(alg string, usable, legacy, known, byCert bool, fs *Findings) {
	add := func(found, wanted, why string) {
		fs.add(Finding{Code: SigAlg, Found: found, Wanted: wanted,
			Fix: "Sign with a key and hash that the model's recovery can check.", Message: why})
	}
	switch {
	case legacy && alg != "RSA-2048":
		add(alg, "RSA-2048", fmt.Sprintf("Recovery of this model can only check 2048-bit RSA; "+
			"the package is signed with %s.", alg))
	case !usable:
		add(alg, "RSA-2048 or RSA-4096 with exponent 3 or 65537, or P-256",
			fmt.Sprintf("Recovery cannot check a signature by %s.", alg))
	case legacy && !s.isLast:
		add("other bytes before the footer", "the signature as the last 256 bytes",
			"Recovery of this model takes the last 256 bytes before the footer as the signature; something else lies there.")
	}
	if h, ok := recoveryHash(s.cert); byCert && (!ok || h != s.hash) {
		add(s.hash.String(), "the hash of the certificate's own signature ("+s.cert.SignatureAlgorithm.String()+")",
			fmt.Sprintf("The file is signed over %s, but the certificate is signed by %v, from which recovery takes the hash.",
				s.hash, s.cert.SignatureAlgorithm))
	}
	if s.hash == crypto.SHA1 && !legacy {
		f := Finding{Code: SigSHA1, Found: "SHA-1", Wanted: "SHA-256", Fix: "Sign with a certificate that uses SHA-256.",
			Message: "Signed over SHA-1, which only models of 2014 need."}
		if known {
			f.Level = Refuse
		}
		fs.add(f)
	}
}

// judgeOTACert compares the entry otacert, from which installed systems build their list of keys, with the
// certificate that signed.
func judgeOTACert(text []byte, s *signature, fs *Findings) {
	block, _ := pem.Decode(text)
	if block != nil && block.Type == "CERTIFICATE" && bytes.Equal(block.Bytes, s.cert.Raw) {
		return
	}
	found := "no certificate"
	if block != nil {
		found = format.SHA256(block.Bytes)
	}
	fs.add(Finding{Code: SigCert, Found: found, Wanted: format.SHA256(s.cert.Raw),
		Fix:     "Sign the package again with signapk, which writes otacert.",
		Message: "`otacert` holds another certificate than the one that signed."})
}
