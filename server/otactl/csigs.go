// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"landed/manifests/csig"
	"landed/manifests/release"
	"landed/server/otactl/client"
)

// withCsigs declares csigs in the source of a release that is bound to packages. Each is typed as FILE, or as FILE=SOURCE for
// an incremental, where SOURCE says the vbmeta digest of the build that it starts from: the digest itself, or the csig of
// the full package of that build. Of which package a csig is, it says itself. All faults at once.
func withCsigs(source []byte, typed []string, bound []client.Package) ([]byte, error) {
	declared := map[string][]release.Csig{}
	var faults []error
	for _, one := range typed {
		if err := declareCsig(declared, one, bound); err != nil {
			faults = append(faults, fmt.Errorf("--csig %s: %w", one, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if len(declared) == 0 {
		return source, nil
	}
	return release.DeclareCsigs(source, declared)
}

// declareCsig adds what was typed, for each model with a package that has the payload.
func declareCsig(declared map[string][]release.Csig, typed string, bound []client.Package) error {
	file, from, said := strings.Cut(typed, "=")
	der, info, err := openCsig(file)
	if err != nil {
		return err
	}
	if said {
		if from, err = vbmetaOf(from); err != nil {
			return err
		}
	}
	payload, _ := info.File(csig.Payload)
	of := slices.DeleteFunc(slices.Clone(bound), func(p client.Package) bool { return p.Payload != payload.Digest })
	isFull := func(p client.Package) bool { return len(p.PreBuilds) == 0 }
	knows := func(p client.Package) bool { return p.Payload != "" }
	switch {
	case len(bound) > 0 && !slices.ContainsFunc(bound, knows):
		return errors.New("the server does not say which payload.bin its packages have: they are no A/B packages, or it is older than this " +
			"program; then declare it in the release by hand (clients.MODEL.custota)")
	case len(of) == 0:
		return fmt.Errorf("it is of none of the %s of this release: it lists a payload.bin with the SHA-256 %.16s…",
			plural(len(bound), "package"), payload.Digest)
	case said && !slices.ContainsFunc(of, func(p client.Package) bool { return !isFull(p) }):
		return fmt.Errorf("it is of %s, a full package, which starts from no build; leave %s out", of[0].Name, typed[len(file):])
	case !said && !slices.ContainsFunc(of, isFull):
		return fmt.Errorf("it is of %s, an incremental; say from which build: --csig %s=SOURCE, the csig of the full package of that "+
			"build, or the vbmeta digest that stands in it", of[0].Name, file)
	}
	one := release.Csig{Csig: base64.StdEncoding.EncodeToString(der), From: from}
	for _, p := range of { // of packages with one payload the server finds the right one, by the places of the other parts
		if list := declared[p.Model]; !slices.Contains(list, one) {
			declared[p.Model] = append(list, one)
		}
	}
	return nil
}

func openCsig(file string) ([]byte, csig.Info, error) {
	der, err := readFile(file, csig.MaxFile)
	if err != nil {
		return nil, csig.Info{}, err
	}
	info, _, err := csig.Open(der)
	return der, info, err
}

// vbmetaOf is a vbmeta digest as it is typed, or that in a csig.
func vbmetaOf(typed string) (string, error) {
	if csig.ValidDigest(typed) {
		return typed, nil
	}
	_, info, err := openCsig(typed)
	if err == nil && info.VBMetaDigest == "" {
		err = errors.New("it has no vbmeta digest: it is of an incremental, or was signed without one; name the digest itself, 64 hex digits")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", typed, err)
	}
	return info.VBMetaDigest, nil
}
