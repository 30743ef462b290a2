// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"fmt"
	"strconv"
	"strings"
)

// metadata is META-INF/com/android/metadata: lines of key=value, both sides trimmed, the first of
// duplicate keys counts, as AOSP's recovery reads it (install/install.cpp, ReadMetadataFromPackage).
type metadata map[string]string

// blanks are what recovery trims: the isspace of C, and none of Unicode's.
const blanks = " \t\n\v\f\r"

func parseMetadata(text []byte, fs *Findings) metadata {
	m := metadata{}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.Trim(key, blanks), strings.Trim(value, blanks)
		if !ok || key == "" {
			continue // recovery skips what it cannot read
		}
		first, dup := m[key]
		if dup && first != value {
			fs.add(Finding{Code: MetaSplit, Found: show(first) + " and " + show(value), Wanted: "one value",
				Fix: "Build the package again.",
				Message: fmt.Sprintf("metadata says %s twice: %s, which recovery takes, and %s.", show(key), show(first),
					show(value))})
		}
		if !dup {
			m[key] = strings.ToValidUTF8(value, "\uFFFD")
		}
	}
	return m
}

// list splits a value whose alternatives are joined by |, as AOSP writes several devices or fingerprints.
func (m metadata) list(key string) []string {
	if m[key] == "" {
		return nil
	}
	return strings.SplitN(m[key], "|", 64)
}

func (m metadata) yes(key string) bool { return m[key] == "yes" }

// number reads a decimal value; 0 if it is missing or none.
func (m metadata) number(key string) int64 {
	n, err := strconv.ParseInt(m[key], 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// judgeMetadata finds what the text lacks and what it must not say.
func judgeMetadata(m metadata, fs *Findings) {
	for _, need := range [][2]string{
		{"post-build", "without it we cannot say what a phone runs afterwards"},
		{"post-timestamp", "without it we cannot say which builds are older"},
		{"pre-device", "without it we cannot say which phones it is for"},
	} {
		if key, why := need[0], need[1]; m[key] == "" {
			fs.add(Finding{Code: MetaMissing, Found: "no " + key, Wanted: key + "=…",
				Fix:     "Build the package with the release tools, which write it.",
				Message: fmt.Sprintf("metadata lacks `%s`; %s.", key, why)})
		}
	}
	if v := m["post-timestamp"]; v != "" && m.number("post-timestamp") == 0 {
		fs.add(Finding{Code: MetaMissing, Found: show(v), Wanted: "ro.build.date.utc in seconds",
			Message: fmt.Sprintf("metadata says post-timestamp=%s, which is no time in seconds.", show(v))})
	}
	if v, ok := m["serialno"]; ok {
		fs.add(Finding{Code: MetaSerial, Found: show(v), Wanted: "no serialno", Fix: "Build it for the model, " +
			"not for single phones.",
			Message: "Restricted to serial numbers; a fleet release must not name single devices."})
	}
}

// Fingerprint is a build fingerprint, brand/product/device:release/id/incremental:type/tags
// (AOSP, Build.FINGERPRINT).
type Fingerprint struct {
	Brand, Product, Device   string
	Release, ID, Incremental string
	Type                     string // "user", "userdebug", "eng"
	Tags                     string // "release-keys", "test-keys", …
}

// ParseFingerprint reads a build fingerprint. ok is false if it has another form or an empty part.
func ParseFingerprint(s string) (fp Fingerprint, ok bool) {
	head, rest, ok1 := strings.Cut(s, ":")
	middle, tail, ok2 := strings.Cut(rest, ":")
	a, b, c := strings.Split(head, "/"), strings.Split(middle, "/"), strings.Split(tail, "/")
	if !ok1 || !ok2 || len(a) != 3 || len(b) != 3 || len(c) != 2 {
		return Fingerprint{}, false
	}
	for _, part := range [][]string{a, b, c} {
		for _, word := range part {
			if word == "" || strings.ContainsFunc(word, strange) {
				return Fingerprint{}, false
			}
		}
	}
	return Fingerprint{a[0], a[1], a[2], b[0], b[1], b[2], c[0], c[1]}, true
}

// strange is what no fingerprint holds. Two that look the same must be the same: characters that nobody sees, or that
// turn others round, would give one version two names.
func strange(r rune) bool { return r <= ' ' || r > '~' || r == ':' || r == '|' }

// judgeFingerprints wants release builds after the update, and readable fingerprints before and after.
func judgeFingerprints(m metadata, p Policy, fs *Findings) {
	for _, key := range []string{"pre-build", "post-build"} {
		for _, s := range m.list(key) {
			fp, ok := ParseFingerprint(s)
			if !ok {
				fs.add(Finding{Code: MetaFP, Found: show(s), Wanted: "brand/product/device:release/id/incremental:type/tags",
					Message: fmt.Sprintf("%s %s is no build fingerprint.", key, show(s))})
				continue
			}
			keys := strings.Split(fp.Tags, ",")
			released := fp.Type == "user"
			for _, k := range keys {
				released = released && k != "test-keys" && k != "dev-keys"
			}
			if key == "post-build" && !released {
				f := Finding{Code: MetaFP, Found: fp.Type + "/" + fp.Tags, Wanted: "user/release-keys",
					Fix:     "Build the user variant and sign it with the release keys.",
					Message: fmt.Sprintf("Build is %s; a release channel accepts `user/release-keys`.", show(fp.Type+"/"+fp.Tags))}
				if p.Channel == Lab {
					f.Level = Warn
				}
				fs.add(f)
			}
		}
	}
}
