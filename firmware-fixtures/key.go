// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"embed"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"
)

// Key signs packages: the private half, and the certificate that recovery would hold in otacerts.zip.
// The certificate's own signature algorithm decides the hash of the whole-file signature, as in recovery:
// SHA-1 if it is SHA-1 with RSA, else SHA-256.
type Key struct {
	Private crypto.Signer
	Cert    *x509.Certificate
}

//go:embed keys/*.pem
var keyFiles embed.FS

// TestKey is a committed RSA-2048 key for golden tests. Everybody has it: it proves nothing.
func TestKey() Key { return embeddedKey("ota", "ota") }

// TestKeySHA1 is TestKey under a certificate of the SHA-1 age.
func TestKeySHA1() Key { return embeddedKey("ota", "sha1") }

func embeddedKey(key, cert string) Key {
	keyPEM, err1 := keyFiles.ReadFile("keys/" + key + ".key.pem")
	certPEM, err2 := keyFiles.ReadFile("keys/" + cert + ".cert.pem")
	k, err3 := LoadKey(keyPEM, certPEM)
	if err := errors.Join(err1, err2, err3); err != nil {
		panic(err) // the files are compiled in
	}
	return k
}

// NewKey makes a fresh RSA-2048 OTA key with a certificate that signs itself, for one demo or one test. The
// dates in the certificate are constants; recovery does not look at them. A nil source means crypto/rand.
func NewKey(random io.Reader) (Key, error) {
	if random == nil {
		random = rand.Reader
	}
	private, err := rsa.GenerateKey(random, 2048)
	if err != nil {
		return Key{}, fmt.Errorf("new OTA key: %w", err)
	}
	serial := make([]byte, 16)
	if _, err := io.ReadFull(random, serial); err != nil {
		return Key{}, fmt.Errorf("new OTA key: %w", err)
	}
	serial[0] = serial[0]&0x7f | 1 // positive and never empty
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject: pkix.Name{Organization: []string{"Landed"}, OrganizationalUnit: []string{"stand-in firmware"},
			CommonName: "OTA key"},
		NotBefore:          time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:           time.Date(2044, 1, 1, 0, 0, 0, 0, time.UTC),
		SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(random, template, template, private.Public(), private)
	if err != nil {
		return Key{}, fmt.Errorf("new OTA key: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return Key{private, cert}, err
}

// LoadKey reads a PKCS #8 private key and its certificate, both PEM. Text around the blocks is ignored.
func LoadKey(keyPEM, certPEM []byte) (Key, error) {
	kb, _ := pem.Decode(keyPEM)
	cb, _ := pem.Decode(certPEM)
	if kb == nil || kb.Type != "PRIVATE KEY" {
		return Key{}, errors.New("key file: wanted a PEM block PRIVATE KEY (PKCS #8, not encrypted)")
	}
	if cb == nil || cb.Type != "CERTIFICATE" {
		return Key{}, errors.New("certificate file: wanted a PEM block CERTIFICATE")
	}
	private, err := x509.ParsePKCS8PrivateKey(kb.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("key file: %w", err)
	}
	cert, err := x509.ParseCertificate(cb.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("certificate file: %w", err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return Key{}, fmt.Errorf("key file: %T cannot sign", private)
	}
	k := Key{signer, cert}
	return k, k.check()
}

// CertPEM is the certificate as otacert holds it.
func (k Key) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Cert.Raw})
}

// KeyPEM is the private key as PKCS #8, not encrypted: for throw-away keys only.
func (k Key) KeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, fmt.Errorf("write OTA key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// check accepts what some recovery accepts: RSA of 2048 or 4096 bits, ECDSA on P-256.
func (k Key) check() error {
	if k.Private == nil || k.Cert == nil {
		return errors.New("no OTA key: wanted a private key and its certificate")
	}
	switch pub := k.Private.Public().(type) {
	case *rsa.PublicKey:
		if bits := pub.N.BitLen(); bits != 2048 && bits != 4096 {
			return fmt.Errorf("OTA key is RSA-%d: recovery accepts 2048 or 4096 bits", bits)
		}
		if !pub.Equal(k.Cert.PublicKey) {
			return errors.New("the certificate belongs to another key")
		}
	case *ecdsa.PublicKey:
		if pub.Curve != elliptic.P256() {
			return fmt.Errorf("OTA key is on curve %s: recovery accepts P-256", pub.Curve.Params().Name)
		}
		if !pub.Equal(k.Cert.PublicKey) {
			return errors.New("the certificate belongs to another key")
		}
	default:
		return fmt.Errorf("OTA key is %T: recovery accepts RSA and ECDSA on P-256", pub)
	}
	return nil
}

// hash is what recovery uses for the whole-file signature under this certificate.
func (k Key) hash() crypto.Hash {
	if k.Cert.SignatureAlgorithm == x509.SHA1WithRSA {
		return crypto.SHA1
	}
	return crypto.SHA256
}

// signatureSize is the length of a signature, the greatest possible one for ECDSA (DER, two 33-byte integers).
func (k Key) signatureSize() int {
	if pub, ok := k.Private.Public().(*rsa.PublicKey); ok {
		return pub.Size()
	}
	return 72
}

// sign signs a digest. Without a random source both RSA PKCS #1 v1.5 and ECDSA (RFC 6979) are deterministic.
func (k Key) sign(digest []byte, h crypto.Hash) ([]byte, error) {
	return k.Private.Sign(nil, digest, h)
}
