// SPDX-License-Identifier: Apache-2.0

// Package fixtures writes small OTA packages that have the byte-level shape of real ones: file-based
// KitKat-era packages as MIUI V5 shipped them, and an A/B package with a signed payload as a current
// model gets it. Tests, the demo and load runs read them; no program of the product links this package.
//
// Every package is a stand-in. No genuine patched package of August 2014 is public, so names, dates and
// version numbers follow the grammar of that time and nothing more; each image says
// ro.landed.standin=true in its build.prop and carries META-INF/README.standin.
//
// What is promised: the same Build, Key, Options and Go release give the same bytes, for any key whose
// signatures are deterministic (RSA PKCS #1 v1.5, and ECDSA as RFC 6979). Nothing here reads a clock or a
// random source, except NewKey, which is given one. Memory does not grow with Options.PadTo.
//
// What a virtual handset does is written in the image (build.prop and etc/cloud_messaging.conf, see Config),
// so that it can be switched only by installing another image; see BackupConfig for a third file, which only some
// images have. Where they are found:
//
//   - file-based: entries system/build.prop and system/etc/cloud_messaging.conf of the zip;
//   - A/B: the partition named system inside payload.bin is a plain POSIX ustar archive of regular files with
//     names relative to /system ("build.prop", "etc/cloud_messaging.conf"), followed by zeros up to the
//     partition size. It stands where a file system image would be, and any tar reader opens it.
//
// What is refused: an unknown model or kind, a Build that could not be written without being ambiguous, a key
// that no recovery of any era accepts. Hostile packages, which break exactly one rule each, come from Hostile.
package fixtures

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Kind says how the Cloud Messaging part of a build behaves.
type Kind string

// The three kinds that exist for every model.
const (
	Unpatched Kind = "unpatched" // activates by itself, as sold in July 2014
	Patched   Kind = "patched"   // opt-in
	Bad       Kind = "bad"       // says opt-in, yet still registers the SIM by itself
)

// Kinds lists the kinds in the order in which a handset would meet them.
func Kinds() []Kind { return []Kind{Unpatched, Patched, Bad} }

// Build is one system image and the package around it. BuildOf gives a consistent one; change fields
// (Config.Migration, say) before writing.
type Build struct {
	Model       string   // ro.product.device: "armani"
	Also        []string // other devices that the package is for
	From        []string // fingerprints that it starts from: an incremental by its metadata, though it writes everything
	Guard       string   // how the script checks the device; "" for the way of AOSP's release tools; file-based only
	Variant     string   // image variant: "armani_global"
	Kind        Kind
	Fingerprint string // brand/product/device:release/id/incremental:type/tags
	Incremental string // ro.build.version.incremental
	Version     string // the version in the file name; equals Incremental on MIUI
	UTC         int64  // ro.build.date.utc, seconds
	Android     string // Android release as in the file name: "4.3"
	ROMName     string // the word in the file name: "HM1SWCGlobal"
	AB          bool   // A/B payload instead of a file-based package
	Config      Config
	Backup      *BackupConfig // nil for an image without an app backup
	board       board         // of a model that is not built in
}

// Options change the size of a package, never what it installs.
type Options struct {
	// PadTo makes the finished file at least this many bytes long, by an incompressible part that no handset
	// reads: a stored entry in a file-based package, a partition of its own in an A/B package. 0 adds none.
	// The file ends up at most 1 MiB longer than asked.
	PadTo int64
}

// FileName is the name under which the maker would publish the package, md5 being the hexadecimal MD5 of the
// whole file (or at least its first ten digits).
func (b Build) FileName(md5 string) string {
	if len(md5) > 10 {
		md5 = md5[:10]
	}
	return fmt.Sprintf("miui_%s_%s_%s_%s.zip", b.ROMName, b.Version, md5, b.Android)
}

// Write streams the signed package of b to w. It does not close w. An error leaves a prefix behind: write to
// a temporary file and rename.
func Write(w io.Writer, b Build, k Key, o Options) error {
	if err := errors.Join(b.check(), k.check()); err != nil {
		return err
	}
	entries, err := b.entries(k, o.PadTo)
	if err != nil {
		return fmt.Errorf("write %s %s: %w", b.Model, b.Kind, err)
	}
	if err := writeSigned(w, entries, k); err != nil {
		return fmt.Errorf("write %s %s: %w", b.Model, b.Kind, err)
	}
	return nil
}

// Bytes is Write into memory, without padding.
func Bytes(b Build, k Key) ([]byte, error) {
	var buf bytes.Buffer
	err := Write(&buf, b, k, Options{})
	return buf.Bytes(), err
}

func (b Build) entries(k Key, padTo int64) ([]entry, error) {
	if b.AB {
		return b.abEntries(k, padTo)
	}
	return b.fileEntries(k, padTo)
}

// check refuses a build whose fields would break the line-based files they are written into.
func (b Build) check() error {
	var errs []error
	type field struct{ name, value string }
	var also []field
	for _, other := range b.Also {
		also = append(also, field{"Also", other})
	}
	for _, f := range append(also, []field{
		{"Model", b.Model}, {"Fingerprint", b.Fingerprint}, {"Incremental", b.Incremental},
		{"Version", b.Version}, {"Android", b.Android}, {"ROMName", b.ROMName},
	}...) {
		if f.value == "" || strings.ContainsAny(f.value, "\r\n\"\\|= ") {
			errs = append(errs, fmt.Errorf("%s is %q: wanted a word without blanks, quotes, bars and line ends", f.name,
				f.value))
		}
	}
	if b.UTC <= 0 {
		errs = append(errs, fmt.Errorf("UTC is %d: wanted the build time in seconds since 1970", b.UTC))
	}
	return errors.Join(append(errs, b.Config.check(), b.Backup.check())...)
}
