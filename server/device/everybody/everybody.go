// SPDX-License-Identifier: Apache-2.0

// Package everybody is what the protocols of other updaters have in common: the builds that are offered to every phone of a
// model, with all that any of them says of a build.
//
// Parties: package legacy gathers the builds of a model and channel; one package per protocol makes files of them. It
// promises that a build is a pure function of the package, of what its release declares, and of the address of the server. It
// refuses to decide what is offered: that is for manifests/offers.
package everybody

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"landed/manifests"
	"landed/manifests/csig"
	"landed/manifests/otapkg"
	"landed/manifests/release"
	"landed/manifests/tufrepo"
	"landed/server/fleet"
)

// Build is one package that every phone of an image variant is offered, or is to be.
type Build struct {
	manifests.Build
	Model   string // ro.product.device
	Variant string // image variant
	Channel string //
	Device  string // what phones of the variant ask for
	Package manifests.Package
	URL     string   // of the package, absolute; "" if the server was not told its address
	From    []string // fingerprints that an incremental starts from; none for a full package
	Family  string   // "ab", "file"
	For     []string // devices that the package says it is for
	ROMType string   // as declared, "" if it is not
	Version string
	// PatchLevel and SDK are those of the package, or else as declared; "" and 0 if neither says.
	PatchLevel string
	SDK        int
	Properties []otapkg.PropertyFile // where the parts lie that are streamed; none if that is not known
	SPL        string                // patch level that the package itself says, "" if it does not
	SignedBy   string                // hex SHA-256 of the key of its whole-file signature, "" if that is not known
	Payload    string                // hex SHA-256 of its payload.bin, "" if that is not known
	Csig       *Csig                 // what its release declares for Custota; nil if nothing

	differs []string // what package and declaration say differently
}

// Csig is what Custota reads beside a package.
type Csig struct {
	DER  []byte
	Info csig.Info
	By   string // hex SHA-256 of the key that signed it
	From string // vbmeta digest of the build that an incremental starts from, as declared
}

// Targets is where the feed has its targets, below the address of the server.
const Targets = "/tuf/targets/"

// Of is the build of a package, with what its release declares for its model; base is the address of the server, such as
// https://ota.example, or "".
func Of(model manifests.Model, pkg fleet.Package, c release.Clients, base string) Build {
	var f otapkg.Facts
	_ = json.Unmarshal(pkg.Facts, &f) // a package that was taken up from a feed has none; what is missing is a fault
	file := manifests.Package{Path: tufrepo.PackagePath(model.Role(), pkg.Name), Length: pkg.Size, SHA256: pkg.SHA256}
	b := Build{
		Build: pkg.Build, Model: model.Device, Variant: pkg.Variant, Channel: pkg.Channel, Device: c.Device(model.Device, pkg.Variant),
		Package: file, From: pkg.PreBuilds, Family: pkg.Family, For: f.PreDevices, ROMType: c.ROMType, Version: c.Version,
		PatchLevel: c.PatchLevel, SDK: c.SDK, Properties: f.Streaming, SPL: f.SPL, Payload: f.PayloadSHA256(),
	}
	if f.Signer != nil {
		b.SignedBy = f.Signer.KeySHA256
	}
	b.Csig = csigOf(b.Payload, b.Properties, c)
	if base != "" {
		b.URL = base + Targets + tufrepo.StoredTarget(file.Path, file.SHA256)
	}
	if f.SPL != "" {
		b.differ("patch_level", c.PatchLevel, f.SPL, "")
		b.PatchLevel = f.SPL
	}
	if sdk, err := strconv.Atoi(f.SDK); err == nil && sdk > 0 {
		b.differ("sdk", strconv.Itoa(c.SDK), f.SDK, "0")
		b.SDK = sdk
	}
	return b
}

// csigOf is the csig that a release declares of a package with this payload.bin, and of several with one payload, as an
// incremental may be that writes everything, the one that has its parts where the package has them; nil if there is none.
func csigOf(payload string, parts []otapkg.PropertyFile, c release.Clients) (found *Csig) {
	for _, one := range c.Custota {
		der, info, cert, err := one.Open()
		if part, _ := info.File(csig.Payload); err != nil || payload == "" || part.Digest != payload {
			continue
		}
		by := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
		this := &Csig{der, info, hex.EncodeToString(by[:]), one.From}
		if _, _, moved := this.Moved(parts); !moved {
			return this
		}
		if found == nil {
			found = this // whose faults will be told
		}
	}
	return found
}

// Moved is the first part that lies elsewhere than a csig says; moved is false if there is none.
func (c *Csig) Moved(parts []otapkg.PropertyFile) (is otapkg.PropertyFile, said csig.File, moved bool) {
	for _, p := range parts {
		if f, listed := c.Info.File(p.Name); listed && (f.Offset != p.Offset || f.Size != p.Size) {
			return p, f, true
		}
	}
	return is, said, false
}

func (b *Build) differ(what, declared, said, none string) {
	if declared != none && declared != said {
		b.differs = append(b.differs, fmt.Sprintf("the release declares the %s %s, and the package says %s: leave it out of the release",
			what, declared, said))
	}
}

// Name is the file name of the package.
func (b Build) Name() string { return path.Base(b.Package.Path) }

// Full says if b is a full package.
func (b Build) Full() bool { return len(b.From) == 0 }

// Differs are what the release declares otherwise than the package says.
func (b Build) Differs() []string { return b.differs }

// Fulls are the full packages of builds, one for each device that phones ask for: the newest, should there be several.
func Fulls(builds []Build) []Build {
	fulls := slices.DeleteFunc(slices.Clone(builds), func(b Build) bool { return !b.Full() })
	slices.SortStableFunc(fulls, func(a, b Build) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(b.UTC, a.UTC), cmp.Compare(a.Variant, b.Variant),
			cmp.Compare(a.Package.SHA256, b.Package.SHA256))
	})
	return slices.CompactFunc(fulls, func(a, b Build) bool { return a.Device == b.Device })
}

// Incrementals are those of builds that lead to the build of full.
func Incrementals(builds []Build, full Build) []Build {
	all := slices.DeleteFunc(slices.Clone(builds), func(b Build) bool {
		return b.Full() || b.Variant != full.Variant || b.Build != full.Build
	})
	slices.SortStableFunc(all, func(a, b Build) int { return strings.Compare(a.Package.Path, b.Package.Path) })
	return all
}

// Property is the text by which AOSP's tools and LineageOS name where the parts of a package lie: name:offset:size, by commas.
func (b Build) Property() string {
	var parts []string
	for _, p := range b.Properties {
		parts = append(parts, fmt.Sprintf("%s:%d:%d", p.Name, p.Offset, p.Size))
	}
	return strings.Join(parts, ",")
}

// Streams says if the parts that an A/B client asks for by range are known.
func (b Build) Streams() bool {
	for _, name := range []string{"payload_metadata.bin", "payload.bin", "payload_properties.txt"} {
		if !slices.ContainsFunc(b.Properties, func(p otapkg.PropertyFile) bool { return p.Name == name && p.Size > 0 }) {
			return false
		}
	}
	return true
}

var inName = regexp.MustCompile(`^[A-Za-z0-9_+-][A-Za-z0-9._+-]{0,90}$`)

// InName says if a version label can stand in the name of a file, and as one word of a line.
func InName(label string) bool { return inName.MatchString(label) }

// Source is the version label of the one build that an incremental starts from: the part of its fingerprint before the
// second colon and behind the last slash before it. ok is false if there are several, or if it can stand in no file name.
func (b Build) Source() (label string, ok bool) {
	if len(b.From) != 1 {
		return "", false
	}
	parts := strings.Split(b.From[0], ":")
	if len(parts) != 3 {
		return "", false
	}
	label = parts[1][strings.LastIndexByte(parts[1], '/')+1:]
	return label, strings.Count(parts[1], "/") == 2 && InName(label)
}
