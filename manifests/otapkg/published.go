// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"crypto"
	"crypto/x509"

	"landed/internal/format"
)

// publishedKeys are SHA-256 hashes of SubjectPublicKeyInfo whose private halves are published. The public
// key counts, because the same key is found under several certificates.
var publishedKeys = map[string]string{
	"ef57b690165cb561b5026922c00d2d6574e8b184fa7d161e076f06e06e6d35db": "AOSP testkey",
	"877f425ef28072fd5580d593e30b78759c68648c3d1550be0600bb927856fc75": "AOSP recovery test key",
}

// publishedCerts are SHA-256 hashes of the certificates in AOSP build/target/product/security.
var publishedCerts = map[string]string{
	"a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc": "AOSP testkey",
	"c8a2e9bccf597c2fb6dc66bee293fc13f2fc47ec77bc6b2b0d52c11f51192ab8": "AOSP platform key",
	"465983f7791f2abeb43ea2cbdc7f21a8260b72bc08a55c839fc1a43bc741a81e": "AOSP media key",
	"28bbfe4a7b97e74681dc55c2fbb6ccb8d6c74963733f6af6ae74d8c3a6e879fd": "AOSP shared key",
	"e1dbadce60dc080d15b58a014b0dcf9400e24de23fa00b287a5a982bfebda2ee": "AOSP networkstack key",
}

// PublishedKey names pub if its private half is known to be published. Of AOSP's platform, media, shared and
// networkstack keys only the certificates are known; see [PublishedCertificate].
func PublishedKey(pub crypto.PublicKey) (name string, ok bool) {
	name, ok = publishedKeys[keySHA256(pub)]
	return name, ok
}

// PublishedCertificate names cert if the certificate or its key is known to be published.
func PublishedCertificate(cert *x509.Certificate) (name string, ok bool) {
	if name, ok = publishedCerts[format.SHA256(cert.Raw)]; ok {
		return name, true
	}
	return PublishedKey(cert.PublicKey)
}

// keySHA256 is the identity of a public key: the SHA-256 of its DER SubjectPublicKeyInfo, "" for a key of
// an unknown kind.
func keySHA256(pub crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return ""
	}
	return format.SHA256(der)
}
