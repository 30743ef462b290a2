// SPDX-License-Identifier: Apache-2.0

package otasign

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"landed/manifests/csig"
	"landed/manifests/otapkg"
	"landed/signer/keys"
)

// csigs is the command that signs what Custota reads beside a package.
type csigs struct{ term *terminal }

// csigFlags are what it is told.
type csigFlags struct{ key, cert, vbmeta, out string }

func (c *csigs) command() *cobra.Command {
	var f csigFlags
	cmd := &cobra.Command{
		Use:   "csig PACKAGE --key ota.key.pem --cert ota.cert.pem -o FILE",
		Short: "Sign where the parts of a package lie, for phones with Custota",
		Long: "Inspects an A/B package and signs the places and digests of its parts with the maker's OTA key, as a csig of\n" +
			"version 2: CMS in DER, which openssl cms -verify reads. The server never holds that key: it is given the file, in the\n" +
			"release (docs/operate/legacy.md). The certificate must be the one that signed the package. The key is a PEM file,\n" +
			"RSA, PKCS #8 or PKCS #1, not encrypted.\n\n" +
			"For a full package the vbmeta digest is computed from its payload, by which phones tell two builds of one\n" +
			"fingerprint apart. Where this program cannot do that, as with data that are packed by xz, say it: avbtool\n" +
			"calculate_vbmeta_digest prints it. With none it is left out.",
		Example: "  otasign csig miui_FUXI.zip --key ota.key.pem --cert ota.cert.pem -o miui_FUXI.zip.csig",
		Args:    wants("PACKAGE"),
		RunE:    func(_ *cobra.Command, args []string) error { return c.make(args[0], f) },
	}
	cmd.Flags().StringVar(&f.key, "key", "", "private OTA key, a PEM `file`")
	cmd.Flags().StringVar(&f.cert, "cert", "", "its certificate, a PEM `file`")
	cmd.Flags().StringVar(&f.vbmeta, "vbmeta-digest", "", "`digest` of vbmeta, 64 hex digits, or none (default: it is computed)")
	cmd.Flags().StringVarP(&f.out, "out", "o", "", "`file` to write; it must not exist")
	for _, name := range []string{"key", "cert", "out"} {
		cobra.CheckErr(cmd.MarkFlagRequired(name))
	}
	return cmd
}

func (c *csigs) make(path string, f csigFlags) error {
	key, err := load(f.key, otaKey)
	if err != nil {
		return err
	}
	cert, err := load(f.cert, otaCertificate)
	if err != nil {
		return err
	}
	pkg, err := os.Open(path)
	if err != nil {
		return err
	}
	defer pkg.Close()
	info, err := c.info(pkg, cert, f.vbmeta)
	if err != nil {
		return err
	}
	der, err := csig.Sign(info, key, cert)
	if err != nil {
		return refusal{err}
	}
	var files keys.Batch
	defer files.Discard()
	if err := files.New(f.out, der, 0o644); err != nil {
		return err
	}
	if err := files.Commit(); err != nil {
		return err
	}
	for _, part := range info.Files {
		c.term.say("  %s, %d bytes at %d", part.Name, part.Size, part.Offset)
	}
	if info.VBMetaDigest != "" {
		c.term.say("  vbmeta digest %s", info.VBMetaDigest)
	}
	c.term.say("Wrote %s, signed by the key of %s.", f.out, cert.Subject)
	return nil
}

// info is what is to be signed about a package, once nothing is wrong with it.
func (c *csigs) info(pkg *os.File, cert *x509.Certificate, vbmeta string) (info csig.Info, err error) {
	stat, err := pkg.Stat()
	if err != nil {
		return info, err
	}
	if !stat.Mode().IsRegular() {
		return info, fmt.Errorf("%s is no file", pkg.Name())
	}
	pin, err := otapkg.PinOf(cert)
	if err != nil {
		return info, refusal{err}
	}
	policy := otapkg.Policy{Name: filepath.Base(pkg.Name()), Now: time.Now(), Channel: otapkg.Lab, Pins: []otapkg.Pin{pin}}
	watched := &watchedFile{pkg, pkg, newMeter(c.term.err, policy.Name, stat.Size())}
	facts, findings, err := otapkg.Inspect(watched, stat.Size(), policy)
	watched.meter.end()
	if err != nil {
		return info, err
	}
	if findings.Refused() {
		page{c.term}.findings(findings)
		return info, refusal{errors.New("nothing was signed: the package is refused")}
	}
	if err := csigFaults(facts); err != nil {
		return info, refusal{fmt.Errorf("nothing was signed: %w", err)}
	}
	if info.Files, err = csig.Files(pkg, stat.Size(), nil); err != nil {
		return info, err
	}
	info.Version = csig.Version
	info.VBMetaDigest, err = vbmetaDigest(pkg, stat.Size(), vbmeta, facts.Incremental)
	return info, err
}

// csigFaults are what keeps phones with Custota from a package that is sound.
func csigFaults(f otapkg.Facts) error {
	var faults []error
	fault := func(bad bool, words string) {
		if bad {
			faults = append(faults, errors.New(words))
		}
	}
	fault(f.Family != otapkg.AB, "Custota knows A/B packages alone")
	fault(f.Wipe, "the package erases user data, which people who press update do not expect")
	fault(f.Downgrade, "the package moves phones back")
	fault(f.SPL == "", "its metadata has no security patch level, and phones refuse one that is lower than theirs")
	return errors.Join(faults...)
}

// vbmetaDigest is that of the build, as said, or computed.
func vbmetaDigest(pkg *os.File, size int64, said string, incremental bool) (string, error) {
	switch {
	case said == "none":
		return "", nil
	case incremental && said != "":
		return "", refusal{errors.New("an incremental has no vbmeta digest of its own; leave --vbmeta-digest out")}
	case said != "" && !csig.ValidDigest(said):
		return "", fmt.Errorf("--vbmeta-digest %.80q: wanted 64 hex digits in lower case, or none", said)
	case said != "" || incremental:
		return said, nil
	}
	digest, err := csig.Computed(pkg, size)
	if errors.Is(err, csig.ErrNoDigest) {
		return "", refusal{fmt.Errorf("%w; say it with --vbmeta-digest, or leave it out with --vbmeta-digest none", err)}
	}
	return digest, err
}

// otaKey reads a private RSA key as openssl writes it.
func otaKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no key in PEM form in it")
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		if signer, ok := key.(crypto.Signer); ok {
			return signer, nil
		}
		return nil, fmt.Errorf("a key of %T cannot sign", key)
	}
	return nil, fmt.Errorf("it holds %q; wanted PRIVATE KEY, not encrypted: openssl pkcs8 -in FILE -nocrypt", block.Type)
}

// otaCertificate reads the first certificate of a PEM text.
func otaCertificate(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("no certificate in PEM form in it")
	}
	return x509.ParseCertificate(block.Bytes)
}
