// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"slices"
	"strconv"
	"strings"
)

// maxListed bounds each list of ScriptFacts.
const maxListed = 200

// readScript reads what an updater-script would do. ok is false if it is no Edify.
func readScript(text []byte) (s ScriptFacts, ok bool) {
	tokens, ok := tokenize(string(text))
	all := statements(tokens)
	s.readGuards(&guards{steps: maxSteps, rest: all})
	e := effects{&s, map[string]string{}}
	for _, st := range all {
		cs := calls(st)
		guards := slices.ContainsFunc(cs, func(c call) bool { return c.name == "assert" || c.name == "abort" })
		for _, c := range cs {
			if guards {
				s.readGuard(c, st)
			}
			e.readCall(c, st)
		}
	}
	return s, ok
}

// note appends text to a list unless it is there already or the list is full.
func note(list *[]string, text string) {
	if text = strings.ToValidUTF8(text, "\uFFFD"); len(text) > maxName {
		text = strings.ToValidUTF8(text[:maxName], "") // the cut may fall into a character
	}
	if len(*list) < maxListed && !slices.Contains(*list, text) {
		*list = append(*list, text)
	}
}

// readGuard reads comparisons inside a statement that aborts: which build, how new. See readGuards for which device.
func (s *ScriptFacts) readGuard(c call, st []token) {
	switch c.name {
	case "getprop", "file_getprop":
		if value, ok := comparedWith(c, st); ok && c.text(len(c.args)-1) == "ro.build.fingerprint" {
			note(&s.Fingerprints, value)
		}
	case "less_than_int":
		if n, err := strconv.ParseInt(c.text(0), 10, 64); err == nil && n > 0 && guardsDate(c, st) {
			s.TimestampGuard = n
		}
	}
}

// comparedWith returns the literal that a call's result is compared with, on either side of ==.
func comparedWith(c call, st []token) (string, bool) {
	if len(c.args) == 0 {
		return "", false
	}
	if c.end+1 < len(st) && st[c.end] == (token{"==", 'o'}) && st[c.end+1].kind != 'o' {
		return st[c.end+1].text, true
	}
	if c.at >= 2 && st[c.at-1] == (token{"==", 'o'}) && st[c.at-2].kind != 'o' {
		return st[c.at-2].text, true
	}
	return "", false
}

// guardsDate wants less_than_int(N, getprop("ro.build.date.utc")). It looks at a few tokens only, so that
// calls nested in calls cost no more than their length.
func guardsDate(c call, st []token) bool {
	return slices.Contains(st[c.at:min(c.end, c.at+9)], token{"ro.build.date.utc", 's'})
}

// bootloaders are partitions and images whose failed write recovery cannot undo, by the names that
// Qualcomm, MediaTek and NVIDIA devices and AOSP give them.
var bootloaders = []string{"abl", "aboot", "bootloader", "bksecapp", "cmnlib", "devcfg", "dsp", "ebt",
	"emmc_appsboot", "hyp", "keymaster", "lk", "modem", "modem_st1",
	"modemst1", "modemst2", "nonhlos", "non-hlos", "preloader", "qupfw", "radio", "recovery", "rpm", "sbl1", "sbl2",
	"sbl3", "sdi", "tee", "tee1", "tee2", "tz", "uboot", "xbl", "xbl_config"}

// isBootloader reports whether name is a bootloader, modem or recovery, with or without slot and extension.
func isBootloader(name string) bool {
	return slices.Contains(bootloaders, partitionName(name))
}
