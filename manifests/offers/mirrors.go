// SPDX-License-Identifier: Apache-2.0

package offers

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
)

// MaxMirrors bounds Document.Mirrors, and how many a handset asks before it asks the server of its feed.
const MaxMirrors = 3

const maxMirrorURL = 200 // bytes

// A base URL has one spelling, and no place for a word about whoever asks: no user, no query, no slash at its end.
var mirrorURL = regexp.MustCompile(`^https?://(?:[A-Za-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`)

// CheckMirror says what is wrong with a base URL that packages are to be downloaded from; nil if nothing is. It is of
// https, or of http on this very machine, where tests and rehearsals are.
func CheckMirror(base string) error {
	if len(base) > maxMirrorURL {
		return fmt.Errorf("mirror %.50q: %d bytes, wanted at most %d", base, len(base), maxMirrorURL)
	}
	u, err := url.Parse(base)
	if err != nil || !mirrorURL.MatchString(base) {
		return fmt.Errorf("mirror %.200q: wanted https://host/path of letters, digits and . _ ~ -, with nothing behind it and "+
			"no slash at its end", base)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return fmt.Errorf("mirror %.200q: wanted https; http is for loopback alone", base)
	}
	return nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// CheckMirrors says all that is wrong with a list of base URLs, joined.
func CheckMirrors(all []string) error {
	var faults []error
	if len(all) > MaxMirrors {
		faults = append(faults, fmt.Errorf("%d mirrors, wanted at most %d", len(all), MaxMirrors))
	}
	for i, base := range all {
		if err := CheckMirror(base); err != nil {
			faults = append(faults, err)
		} else if slices.Contains(all[:i], base) {
			faults = append(faults, fmt.Errorf("mirror %s stands twice in the list", base))
		}
	}
	return errors.Join(faults...)
}

// usableMirrors are those of a list that this program can use; it passes over the others, which a later one may know.
func usableMirrors(all []string) (usable []string) {
	for _, base := range all {
		if len(usable) < MaxMirrors && CheckMirror(base) == nil && !slices.Contains(usable, base) {
			usable = append(usable, base)
		}
	}
	return usable
}
