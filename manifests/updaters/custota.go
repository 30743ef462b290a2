// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
)

// What Custota does, in words.
const (
	checkFails = "the app says that the check failed, and " + noUpdate
	partFails  = "the app says that the check or the update failed, and nothing is installed"
	unguarded  = "the app asks all the same, and whoever is on the way can hold a fix back"
)

// Custota reads the update info of a device as Custota 6 does: version 2, with the places of a full package and of
// incrementals by the vbmeta digest that a phone runs. It gives the one package that the phone takes. If that fails at any
// later step the app tries no other, so an incremental that is broken keeps its phones from the full package too.
//
// What the phone does next is [Offer.Signed], then [Offer.Metadata] and [Offer.Properties] on parts that [Part.Judge] takes.
func Custota(a Answer, p Phone) (offers []Offer, found []Fault) {
	f, ok := a.begin("the update info", unguarded, checkFails)
	if !ok {
		return nil, f
	}
	o := readObject("", a.Body)
	if v := o.number("version", 2); v > 2 {
		o.fault("version is %d, wanted 2", v)
	}
	full := locationOf(o, "full", o.members["full"])
	incremental := incrementalsOf(o, &f)
	at, is := incremental[p.VBMeta]
	if is = is && p.VBMeta != ""; !is {
		at = full
	}
	offer := Offer{Installs: true, incremental: is}
	if len(o.wrong) == 0 {
		offer.URL, offer.Csig = p.resolve(o, at.at+"location_ota", at.ota), p.resolve(o, at.at+"location_csig", at.csig)
	}
	if len(o.wrong) > 0 {
		f.add(checkFails, "the update info cannot be used: %s", strings.Join(o.wrong, "; "))
		return nil, f
	}
	if u, err := url.Parse(offer.URL); err == nil {
		offer.Name = path.Base("/" + u.Path)
	}
	for _, address := range []string{offer.URL, offer.Csig} {
		if !secure(address) {
			f.add(unguarded, "%.100q is of plain http", address)
		}
	}
	return []Offer{offer}, f
}

// location is where a package lies, and its csig, as it is written.
type location struct{ at, ota, csig string }

func locationOf(o *object, at string, text json.RawMessage) location {
	if text == nil {
		o.fault("%s is missing", at)
		return location{}
	}
	in := readObject(o.at+at+".", text)
	l := location{in.at, in.text("location_ota"), in.text("location_csig")}
	o.wrong = append(o.wrong, in.wrong...)
	return l
}

// incrementalsOf are the places of incrementals by vbmeta digest. The app reads all of them, and one that is broken breaks all.
func incrementalsOf(o *object, f *faults) map[string]location {
	text, is := o.members["incremental"]
	if !is {
		return nil
	}
	in := readObject("incremental.", text)
	all := map[string]location{}
	for _, digest := range slices.Sorted(maps.Keys(in.members)) {
		if !sha256Hex.MatchString(digest) {
			f.add("no phone runs a build of this digest, and none takes the incremental",
				"incremental has the key %.80q, wanted a vbmeta digest, 64 hex digits in lower case", digest)
		}
		all[digest] = locationOf(in, digest, in.members[digest])
	}
	o.wrong = append(o.wrong, in.wrong...)
	return all
}

// CustotaSources are the vbmeta digests of the builds from which an update info has incrementals, sorted.
func CustotaSources(text []byte) []string {
	var info struct {
		Incremental map[string]json.RawMessage `json:"incremental"`
	}
	if json.Unmarshal(text, &info) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(info.Incremental))
}

// resolve is a place against the address that people entered in the app, which counts as a folder, and not against where the
// update info came from in the end.
func (p Phone) resolve(o *object, member, place string) string {
	base, err := url.Parse(strings.TrimSuffix(p.Base, "/") + "/")
	if err == nil && strings.ContainsAny(place, " \"<>\\^`{|}[]") {
		err = errors.New("it has characters that no URI has")
	}
	var to *url.URL
	if err == nil {
		to, err = url.Parse(place)
	}
	if err == nil && to.Scheme != "" && !strings.HasPrefix(place, to.Scheme+":") {
		err = errors.New("its protocol is not in lower case")
	}
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // its words repeat the address
		}
		o.fault("%s is %.100q: %v", member, place, err)
		return ""
	}
	to = base.ResolveReference(to)
	if to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		o.fault("%s is %.100q, which leads to %.100q, and not to an address of https", member, place, to)
	}
	return to.String()
}

// Signed reads the csig of o, which is what [Offer.Csig] is answered with, and believes the certificates of a phone's
// otacerts.zip. The offer that comes back has the parts as they are signed.
func (o Offer) Signed(a Answer, trusted []*x509.Certificate) (Offer, []Fault) {
	var f faults
	if !a.ok(&f, checkFails) {
		return o, f
	}
	if len(a.Body) > MaxCsig {
		f.add(checkFails, "the csig has more than %d bytes, wanted some three KiB", MaxCsig)
		return o, f
	}
	content, err := signedBy(a.Body, trusted)
	if err != nil {
		f.add(checkFails, "the csig %v", err)
		return o, f
	}
	in := readObject("", content)
	version := in.number("version", 1)
	if version > 2 {
		in.fault("version is %d, wanted 1 or 2", version)
	}
	vbmeta := ""
	if in.has("vbmeta_digest") {
		vbmeta = in.text("vbmeta_digest")
		if version == 1 {
			in.fault("version 1 knows no vbmeta_digest")
		}
	}
	parts := signedParts(in)
	if len(in.wrong) > 0 {
		f.add(checkFails, "what the csig holds cannot be used: %s", strings.Join(in.wrong, "; "))
		return o, f
	}
	if vbmeta != "" && !sha256Hex.MatchString(vbmeta) {
		f.add("phones compare it letter by letter, and are offered the same build again and again",
			"the csig has the vbmeta_digest %.80q, wanted 64 hex digits in lower case", vbmeta)
	}
	o.Parts, o.VBMeta = parts, vbmeta
	return o, f
}

// MaxCsig is how many bytes of a csig are read here. The app reads any; one has three KiB.
const MaxCsig = 64 << 10

// signedParts are the files of a csig. The app takes the first of a name.
func signedParts(in *object) (parts []Part) {
	for i, text := range in.list("files") {
		one := readObject(fmt.Sprintf("files[%d].", i), text)
		p := one.part("name", 1)
		p.SHA256 = strings.ToLower(one.text("digest"))
		if p.SHA256 != "" && !sha256Hex.MatchString(p.SHA256) {
			one.fault("digest is %.80q, wanted 64 hex digits", p.SHA256)
		}
		in.wrong = append(in.wrong, one.wrong...)
		parts = append(parts, p)
	}
	if in.has("files") {
		for _, name := range append([]string{MetadataPB}, streamed...) {
			if !hasPart(parts, name) {
				in.fault("%s is not among the files", name)
			}
		}
	}
	return parts
}
