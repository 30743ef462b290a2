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
		if !p.shows(offer, o.at, kind, version, &f) {
			continue
		}
		offer.Installs = p.fits(o.at, version, "the app shows it, and has no button for it", &f)
		offers = append(offers, offer)
	}
	return offers, f
}

// The two forms of the app go by the version in different ways.
//
//   - v1 shows what is not lesser as a text (isCompatible), and installs by its numbers (canInstall; Utils.java at 01516f9). Before
//     that it installed the very version alone (d66cf2d), which is not played.
//   - v2 shows and installs by its numbers (filterUpdates in UpdatesRepository.kt at 2d441e8). A later form does not look at it, and
//     goes by the API level: it shows nothing lower than what runs, and installs nothing higher (InstallUtils.kt near 0cb7bb4). A
//     phone whose SDK is known is played as both.

// shows says if v1 shows an offer: newer than what runs, of its type, and of no lesser version as a text.
func (p Phone) shows(offer Offer, at, kind, version string, f *faults) bool {
	if !p.ofType(at, kind, f) {
		return false
	}
	if version < p.Version {
		if later(version, p.Version) {
			f.add("the app does not show it", "version %.50q of %s is later than %.50q, which runs, and lesser as a text, by which the app "+
				"goes", version, strings.TrimSuffix(at, "."), p.Version)
		}
		return false
	}
	return offer.UTC > p.UTC
}

func (p Phone) ofType(at, kind string, f *faults) bool {
	if !strings.EqualFold(kind, p.Kind) {
		f.add("the app does not show it", "%s is of the type %.50q, and the phone of %.50q", strings.TrimSuffix(at, "."), kind, p.Kind)
		return false
	}
	return true
}

// numbers are the first two of a version such as 22.2, as the app reads them. ok is false for what it installs on no phone.
func numbers(version string) (major, minor int, ok bool) {
	words := strings.Split(version, ".")
	if len(words) < 2 {
		return 0, 0, false
	}
	major, err := strconv.Atoi(words[0])
	minor, err2 := strconv.Atoi(words[1])
	return major, minor, err == nil && err2 == nil
}

// fits says if a build of a version installs on the phone, by its numbers: of the same major one, and no lesser minor one.
func (p Phone) fits(at, version, phone string, f *faults) bool {
	major, minor, ok := numbers(version)
	if !ok {
		f.add(phone, "version %.50q of %s is not two numbers such as 22.2", version, strings.TrimSuffix(at, "."))
		return false
	}
	if p.Version == "" {
		return true
	}
	mine, least, ok := numbers(p.Version)
	return ok && major == mine && minor >= least
}

// later says if a version such as 15.1 is later than another, by its numbers.
func later(a, b string) bool {
	major, minor, ok := numbers(a)
	major2, minor2, ok2 := numbers(b)
	return ok && ok2 && slices.Compare([]int{major, minor}, []int{major2, minor2}) > 0
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
		offer, kind, version, sdk := build2(o, p)
		if len(o.wrong) > 0 {
			f.add(dropsList, "%s", strings.Join(o.wrong, "; "))
			continue
		}
		if !p.ofType(o.at, kind, &f) || offer.UTC <= p.UTC || !p.fits(o.at, version, "the app does not show it", &f) ||
			sdk < int64(p.SDK) {
			continue
		}
		offer.Installs = p.SDK == 0 || sdk == int64(p.SDK)
		offers = append(offers, offer)
	}
	for _, fault := range f {
		if fault.Phone == dropsList || fault.Phone == failsCheck {
			return nil, f
		}
	}
	return offers, f
}

// build2 is a build of a v2 list. The app uses its first file alone.
func build2(o *object, p Phone) (offer Offer, kind, version string, sdk int64) {
	offer = Offer{UTC: o.number("datetime", 1), device: p.Device}
	kind, version = o.text("type"), o.text("version")
	files := o.list("files")
	if len(files) == 0 {
		if len(o.wrong) == 0 {
			o.fault("files is empty")
		}
		return offer, kind, version, 0
	}
	file := readObject(o.at+"files[0].", files[0])
	offer.Name, offer.URL, offer.SHA256, offer.Size = file.text("filename"), file.text("url"), file.text("sha256"), file.number("size", 1)
	if wrong := link(offer.URL); offer.URL != "" && wrong != "" {
		file.fault("%s", wrong)
	}
	if offer.SHA256 != "" && !sha256Hex.MatchString(offer.SHA256) {
		file.fault("sha256 is %.80q, wanted 64 hex digits", offer.SHA256)
	}
	levels := o // or else the file's
	if !o.has("os_sdk_level") {
		levels = file
	}
	sdk = levels.number("os_sdk_level", 1) // without it the build counts as too old
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
	return offer, kind, version, sdk
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
