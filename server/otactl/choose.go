// SPDX-License-Identifier: Apache-2.0

package otactl

import (
	"fmt"
	"slices"
	"strings"

	"landed/server/otactl/client"
)

// minPrefix is how much of a SHA-256 must be typed.
const minPrefix = 8

// chosen finds the packages whose SHA-256 begin with what was typed. All faults at once.
func chosen(all []client.Package, typed []string) (found []client.Package, err error) {
	var faults []string
	for _, t := range typed {
		digits, place, _ := strings.Cut(strings.TrimSuffix(t, "…"), "/")
		digits = strings.ToLower(strings.TrimSuffix(digits, "…"))
		match, bytesHere := beginSo(all, digits, place)
		switch {
		case len(digits) < minPrefix:
			faults = append(faults, fmt.Sprintf("package %q: wanted at least the first %d digits of a SHA-256", t, minPrefix))
		case len(match) == 0 && bytesHere:
			faults = append(faults, fmt.Sprintf("package %q: there are packages with that SHA-256, but none for %s (wanted "+
				"SHA-256/model/channel); see: otactl packages", t, place))
		case len(match) == 0:
			faults = append(faults, fmt.Sprintf("package %q: no package has that SHA-256; see: otactl packages", t))
		case len(match) > 1:
			faults = append(faults, fmt.Sprintf("package %q: %d packages begin so; type more of %s", t, len(match), match[0].Ref()))
		default:
			found = append(found, match[0])
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(faults, "; "))
	}
	return found, nil
}

// beginSo finds the packages whose SHA-256 begins with digits, and whose model/channel begins with place or, if there is
// one, is place. bytesHere says that there are some with these digits, whatever their place.
func beginSo(all []client.Package, digits, place string) (match []client.Package, bytesHere bool) {
	var exact []client.Package
	for _, p := range all {
		if !strings.HasPrefix(p.SHA256, digits) {
			continue
		}
		bytesHere = true
		own := strings.TrimPrefix(p.Ref(), p.SHA256+"/")
		if own == place {
			exact = append(exact, p)
		}
		if strings.HasPrefix(own, place) {
			match = append(match, p)
		}
	}
	if len(exact) > 0 {
		return exact, bytesHere
	}
	return match, bytesHere
}

// newestFull is the newest full package of each image on a channel; all is newest first.
func newestFull(all []client.Package, channel string) []client.Package {
	newest := map[string]int{}
	var found []client.Package
	for _, p := range all {
		if p.Channel != channel || len(p.PreBuilds) > 0 {
			continue
		}
		i, seen := newest[p.Variant]
		switch {
		case !seen:
			newest[p.Variant] = len(found)
			found = append(found, p)
		case p.Build.UTC > found[i].Build.UTC:
			found[i] = p
		}
	}
	return found
}

// oneContent is the SHA-256 that begins with what was typed, of however many packages.
func oneContent(all []client.Package, typed string) (string, error) {
	var digests []string
	for _, p := range all {
		begins := strings.HasPrefix(p.SHA256, strings.ToLower(strings.TrimSuffix(typed, "…")))
		if begins && !slices.Contains(digests, p.SHA256) {
			digests = append(digests, p.SHA256)
		}
	}
	if len(digests) == 1 && len(typed) >= minPrefix {
		return digests[0], nil
	}
	if len(digests) > 1 && len(typed) >= minPrefix {
		return "", fmt.Errorf("package %q: %d contents begin so; type more of the SHA-256", typed, len(digests))
	}
	_, err := chosen(all, []string{typed}) // says what is wrong
	if err == nil {
		err = fmt.Errorf("package %q: wanted a SHA-256 alone", typed)
	}
	return "", err
}
