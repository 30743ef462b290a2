// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"strings"
	"time"

	"landed/manifests"
)

// Package is an uploaded OTA file that nothing refused, for one model on one channel. Its content never changes, and
// may be that of other packages: the same bytes go to several models, and from channel to channel.
type Package struct {
	SHA256    string // 64 hex digits: where its bytes are
	Name      string // file name as uploaded, checked
	Size      int64  // bytes
	Model     string // ro.product.device
	Variant   string
	Channel   string
	Family    string // "file", "ab"
	Build     manifests.Build
	PreBuilds []string // source fingerprints of an incremental
	Facts     []byte   // JSON of otapkg.Facts
	Findings  []byte   // JSON of otapkg.Findings: warnings and what needs approval
	By        string   // who uploaded it
	At        time.Time
}

// Ref is the identity of p.
func (p Package) Ref() PackageRef { return PackageRef{p.SHA256, p.Model, p.Channel} }

// PhoneName is what phones with the updater of another ask for, instead of model and image variant.
type PhoneName struct {
	Model, Variant string
	Name           string
	Release        string // that says so
}

// PackageRef names a package. Without Model or Channel it means the only package of those bytes, which is how people
// name one, and what releases said before the same bytes could be several packages.
type PackageRef struct{ SHA256, Model, Channel string }

// String is "<sha256>/<model>/<channel>", or the SHA-256 alone.
func (r PackageRef) String() string {
	if r.Model == "" && r.Channel == "" {
		return r.SHA256
	}
	return r.SHA256 + "/" + r.Model + "/" + r.Channel
}

// ParsePackageRef reads what String writes.
func ParsePackageRef(text string) (PackageRef, error) {
	parts := strings.Split(text, "/")
	switch {
	case text != "" && len(parts) == 1:
		return PackageRef{SHA256: text}, nil
	case len(parts) == 3 && parts[0] != "" && parts[1] != "" && parts[2] != "":
		return PackageRef{parts[0], parts[1], parts[2]}, nil
	}
	return PackageRef{}, Errorf(Invalid, "package_ref", "%q names no package; wanted its SHA-256, or "+
		"SHA-256/model/channel", text)
}

// MarshalText implements encoding.TextMarshaler.
func (r PackageRef) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *PackageRef) UnmarshalText(text []byte) (err error) {
	*r, err = ParsePackageRef(string(text))
	return err
}
