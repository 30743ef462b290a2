// SPDX-License-Identifier: Apache-2.0

package ceremony

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"landed/manifests/otapkg"
	"landed/manifests/tufrepo"
)

// readPackages inspects the reviewer's own copy of each package.
func (r *review) readPackages() error {
	for _, p := range r.p.Request.Packages {
		if r.p.Packages == nil {
			r.problem(PackageMissing, true, "You gave no folder with your own copies (--packages DIR), so "+
				"%s was not looked at. Get it from the build system, not from the server.", p.Name)
			continue
		}
		policy := otapkg.Policy{Catalogue: r.catalogue, Model: p.Model, Channel: p.Channel,
			Pins: r.pins(p.Channel), Name: p.Name, Now: r.p.Now}
		if len(policy.Pins) == 0 {
			r.problem(KeysNotJudged, false, "No OTA certificate was given for channel %s, "+
				"so who signed %s was not judged.", p.Channel, p.Name)
		}
		own, err := inspect(r.p.Packages, p.Name, policy)
		if errors.Is(err, fs.ErrNotExist) {
			r.problem(PackageMissing, true, "Your folder has no copy of %s. "+
				"Get it from the build system, not from the server, and keep its name.", p.Name)
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", p.Name, err)
		}
		r.Packages = append(r.Packages, own)
		if own.Facts.SHA256 != p.SHA256 || own.Facts.Size != p.Length {
			r.problem(PackageOther, true, "Your copy of %s has %d bytes and SHA-256 %s; the request speaks of %d bytes and %s. "+
				"One of the two was changed; find out which before anybody signs.",
				p.Name, own.Facts.Size, own.Facts.SHA256, p.Length, p.SHA256)
			continue
		}
		r.judgeFindings(own)
		r.judgeFacts(p, own.Facts)
		r.own[p.Path] = own
	}
	r.judgeIncrementals()
	return nil
}

func (r *review) judgeFindings(own Package) {
	for _, f := range own.Findings {
		switch f.Level {
		case otapkg.Refuse:
			r.problem(PackageRefused, true, "%s: %s: %s", own.Name, f.Code, f.Message)
		case otapkg.Approve:
			r.problem(PackageApprove, false, "%s: %s: %s By signing you agree.", own.Name, f.Code, f.Message)
		}
	}
}

// judgeFacts compares what the package is with what its manifest says that it is.
func (r *review) judgeFacts(p tufrepo.RequestPackage, f otapkg.Facts) {
	m, ok := r.byPackage[p.Path]
	if !ok {
		return // reviewRole misses the manifest
	}
	differs := func(what string, found, wanted any) {
		r.problem(FactsDiffer, true, "%s: %s: the package says %v, its manifest says %v.", p.Name, what, found, wanted)
	}
	if !slices.Contains(f.PreDevices, m.Model) {
		differs("devices", f.PreDevices, m.Model)
	}
	if !buildOf(f.PostBuild, m.Build.Fingerprint, m.Model) {
		differs("build afterwards", f.PostBuild, m.Build.Fingerprint)
	}
	if f.PostTimestamp != m.Build.UTC {
		differs("build time", f.PostTimestamp, m.Build.UTC)
	}
	model, _ := r.catalogue.Model(m.Model)
	// An image that several devices share names the variant of one of them.
	if f.Variant != "" && f.Variant != m.Variant && (len(f.PreDevices) == 1 || model.HasVariant(f.Variant)) {
		differs("image variant", f.Variant, m.Variant)
	}
	if p.Model != m.Model || p.Variant != m.Variant {
		r.problem(FactsDiffer, true, "%s: the request lists it for %s, variant %s; its manifest is for %s, variant %s.",
			p.Name, p.Model, p.Variant, m.Model, m.Variant)
	}
	if p.Channel != m.Channel {
		r.problem(FactsDiffer, true, "%s: the request lists it for the channel %s; its manifest is for %s.",
			p.Name, p.Channel, m.Channel)
	}
	if m.Package.Path == p.Path && (m.Package.SHA256 != f.SHA256 || m.Package.Length != f.Size) {
		differs("SHA-256 and length", fmt.Sprintf("%s, %d", f.SHA256, f.Size),
			fmt.Sprintf("%s, %d", m.Package.SHA256, m.Package.Length))
	}
	if f.Family != "" && model.Profile.Family != string(f.Family) {
		r.problem(FactsDiffer, true, "%s: the package is of the family %q, but the profile of %s installs %q.",
			p.Name, f.Family, m.Model, model.Profile.Family)
	}
}

// buildOf says if a package with these builds leaves the model on fingerprint: its only build, or one that names the
// device.
func buildOf(post []string, fingerprint, model string) bool {
	fp, ok := otapkg.ParseFingerprint(fingerprint)
	return slices.Contains(post, fingerprint) && (len(post) == 1 || ok && fp.Device == model)
}

// pins are of those who may sign packages of a channel: those given for it, or for every channel.
func (r *review) pins(channel string) []otapkg.Pin {
	return slices.Concat(r.p.OTAKeys[channel], r.p.OTAKeys[EveryChannel])
}

// inspect reads one file of the folder as an OTA package.
func inspect(folder fs.FS, name string, policy otapkg.Policy) (Package, error) {
	f, err := folder.Open(name)
	if err != nil {
		return Package{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Package{}, err
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		return Package{}, fmt.Errorf("%s cannot be read at random; use a folder on disk", name)
	}
	facts, findings, err := otapkg.Inspect(at, info.Size(), policy)
	return Package{name, facts, findings}, err
}
