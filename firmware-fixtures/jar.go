// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// jarSignature makes MANIFEST.MF, CERT.SF and CERT.RSA (or .EC) over the entries, as the JAR file
// specification describes them. Every package that signapk wrote for KitKat carries the three; recovery looks at
// none of them, which is what SIG-JARONLY is about.
func jarSignature(entries []entry, k Key) ([]entry, error) {
	h, word := k.hash(), "SHA-256-Digest"
	if h == crypto.SHA1 {
		word = "SHA1-Digest"
	}
	head := "Manifest-Version: 1.0\r\nCreated-By: 1.0 (Android SignApk)\r\n\r\n"
	manifest, sections := head, ""
	for _, e := range entries {
		if len("Name: ")+len(e.name) > 70 {
			return nil, fmt.Errorf("entry %s: name too long for one manifest line", e.name)
		}
		sum := h.New()
		if _, err := io.Copy(sum, e.body.open()); err != nil {
			return nil, err
		}
		section := fmt.Sprintf("Name: %s\r\n%s: %s\r\n\r\n", e.name, word, base64.StdEncoding.EncodeToString(sum.Sum(nil)))
		manifest += section
		sections += fmt.Sprintf("Name: %s\r\n%s: %s\r\n\r\n", e.name, word, digest64(h, section))
	}
	sf := fmt.Sprintf("Signature-Version: 1.0\r\nCreated-By: 1.0 (Android SignApk)\r\n%s-Manifest: %s\r\n\r\n%s",
		word, digest64(h, manifest), sections)
	sum := h.New()
	io.WriteString(sum, sf)
	der, err := pkcs7(sum.Sum(nil), h, k)
	if err != nil {
		return nil, fmt.Errorf("jar signature: %w", err)
	}
	block := "META-INF/CERT.RSA"
	if !strings.Contains(k.Cert.PublicKeyAlgorithm.String(), "RSA") {
		block = "META-INF/CERT.EC"
	}
	return []entry{
		deflated("META-INF/MANIFEST.MF", []byte(manifest)),
		deflated("META-INF/CERT.SF", []byte(sf)),
		deflated(block, der),
	}, nil
}

func digest64(h crypto.Hash, text string) string {
	sum := h.New()
	io.WriteString(sum, text)
	return base64.StdEncoding.EncodeToString(sum.Sum(nil))
}
