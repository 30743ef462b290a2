// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"encoding/json"
	"fmt"
	"mime"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MaxList is how many bytes of a v2 list the app reads; it refuses a longer one.
const MaxList = 32 << 10

// LineageOS1 reads a v1 list as the app up to version 22 does, and 23.2 before 23 June 2026: {"response":[…]}. A broken
// element is skipped, a broken document fails the check.
func LineageOS1(a Answer, p Phone) (offers []Offer, found []Fault) {
	f, ok := a.begin("the list", failsCheck, failsCheck)
	if !ok {
		return nil, f
	}
	doc := readObject("", a.Body)
	elements := doc.list("response")
	if len(doc.wrong) > 0 {
		f.add(failsCheck, "the list is no {\"response\":[…]}: %s", strings.Join(doc.wrong, "; "))
		return nil, f
	}
	seen := map[string]bool{}
	for i, text := range elements {
		o := readObject(fmt.Sprintf("response[%d].", i), text)
		offer := Offer{Name: o.text("filename"), URL: o.text("url"), SHA256: o.text("id"), Size: o.number("size", 1),
			UTC: o.number("datetime", 1), device: p.Device}
		kind, version := o.text("romtype"), o.text("version")
		if wrong := link(offer.URL); offer.URL != "" && wrong != "" {
			o.fault("%s", wrong)
		}
		if seen[offer.SHA256] && offer.SHA256 != "" {
			o.fault("id is that of an entry before it")
		}
		seen[offer.SHA256] = true
		if len(o.wrong) > 0 {
			f.add(skipsEntry, "%s", strings.Join(o.wrong, "; "))
			continue
		}
		offers = p.take(offers, offer, o.at, kind, version, &f)
	}
	return offers, f
}

// take adds an offer that the phone shows: newer than what runs, of its type, and of no lesser version.
func (p Phone) take(offers []Offer, offer Offer, at, kind, version string, f *faults) []Offer {
	if !strings.EqualFold(kind, p.Kind) {
		f.add("the app does not show it", "%s is of the type %.50q, and the phone of %.50q", strings.TrimSuffix(at, "."), kind, p.Kind)
		return offers
	}
	if version < p.Version {
		if later(version, p.Version) {
			f.add("the app does not show it", "version %.50q of %s is later than %.50q, which runs, and lesser as a text, by which the app "+
				"goes", version, strings.TrimSuffix(at, "."), p.Version)
		}
		return offers
	}
	if offer.UTC <= p.UTC {
		return offers
	}
	offer.Installs = p.Version == "" || version == p.Version
	return append(offers, offer)
}

// later says if a version such as 15.1 is later than another, by its numbers.
func later(a, b string) bool {
	numbers := func(version string) (all []int) {
		for word := range strings.SplitSeq(version, ".") {
			n, _ := strconv.Atoi(word) // a word is as good as 0
			all = append(all, n)
		}
		return all
	}
	return slices.Compare(numbers(a), numbers(b)) > 0
}

var (
	patchLevel = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	sha256Hex  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	token      = regexp.MustCompile(`^([A-Za-z0-9._-]+):([0-9]{1,18}):([0-9]{1,18})$`)
)

// LineageOS2 reads a v2 list as the app since 23 June 2026 does: a bare array. A list with one build that lacks a field is
// dropped whole.
func LineageOS2(a Answer, p Phone) (offers []Offer, found []Fault) {
	f, ok := a.begin("the list", failsCheck, failsCheck)
	if !ok {
		return nil, f
	}
	if kind, _, err := mime.ParseMediaType(a.Type); err != nil || kind != "application/json" {
		f.add(failsCheck, "Content-Type is %.100q, wanted application/json", a.Type)
	}
	if len(a.Body) > MaxList {
		f.add(dropsList, "the list has more than %d bytes, of which the app reads no more", MaxList)
	}
	var builds []json.RawMessage
	if err := json.Unmarshal(a.Body, &builds); err != nil || builds == nil {
		f.add(dropsList, "the list is no array of builds")
	}
	for i, text := range builds {
		o := readObject(fmt.Sprintf("[%d].", i), text)
		offer, kind, version := build2(o, p)
		if len(o.wrong) > 0 {
			f.add(dropsList, "%s", strings.Join(o.wrong, "; "))
			continue
		}
		offers = p.take(offers, offer, o.at, kind, version, &f)
	}
	for _, fault := range f {
		if fault.Phone == dropsList || fault.Phone == failsCheck {
			return nil, f
		}
	}
	return offers, f
}

// build2 is a build of a v2 list. The app uses its first file alone.
func build2(o *object, p Phone) (offer Offer, kind, version string) {
	offer = Offer{UTC: o.number("datetime", 1), device: p.Device}
	kind, version = o.text("type"), o.text("version")
	files := o.list("files")
	if len(files) == 0 {
		if len(o.wrong) == 0 {
			o.fault("files is empty")
		}
		return offer, kind, version
	}
	file := readObject(o.at+"files[0].", files[0])
	offer.Name, offer.URL, offer.SHA256, offer.Size = file.text("filename"), file.text("url"), file.text("sha256"), file.number("size", 1)
	if wrong := link(offer.URL); offer.URL != "" && wrong != "" {
		file.fault("%s", wrong)
	}
	if offer.SHA256 != "" && !sha256Hex.MatchString(offer.SHA256) {
		file.fault("sha256 is %.80q, wanted 64 hex digits", offer.SHA256)
	}
	levels := file // or else the build's
	if !file.has("os_sdk_level") && o.has("os_sdk_level") {
		levels = o
	}
	levels.number("os_sdk_level", 1) // without it the build counts as too old
	for _, in := range []*object{o, file} {
		if in.has("os_patch_level") {
			if level := in.text("os_patch_level"); level != "" && !patchLevel.MatchString(level) {
				in.fault("os_patch_level is %.50q, wanted YYYY-MM-DD", level)
			}
		}
	}
	if file.has("ota_property_files") {
		offer.Parts = properties(file, file.text("ota_property_files"))
		file.parts(offer.Parts, offer.Size)
	}
	o.wrong = append(o.wrong, file.wrong...)
	return offer, kind, version
}

// properties reads name:offset:size, by commas.
func properties(o *object, text string) (parts []Part) {
	for one := range strings.SplitSeq(text, ",") {
		m := token.FindStringSubmatch(one)
		if m == nil {
			o.fault("ota_property_files has %.80q, wanted name:offset:size", one)
			continue
		}
		offset, _ := strconv.ParseInt(m[2], 10, 64) // 18 digits fit
		size, _ := strconv.ParseInt(m[3], 10, 64)
		parts = append(parts, Part{m[1], offset, size, ""})
	}
	return parts
}
