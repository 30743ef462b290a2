// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"landed/manifests/otapkg"
)

const (
	maxFile   = 256 << 20 // bytes of one file of a system
	maxScript = 1 << 20

	scriptName  = "META-INF/com/google/android/updater-script"
	payloadName = "payload.bin"
	deviceName  = "META-INF/com/android/metadata"
)

// The two guards of a script of 2014 (AOSP build/tools/releasetools), as Edify writes them.
var (
	deviceAssert   = regexp.MustCompile(`getprop\("ro\.(?:product\.device|build\.product)"\)\s*==\s*"([^"]*)"`)
	timestampGuard = regexp.MustCompile(`less_than_int\(\s*(\d+)\s*,\s*getprop\("ro\.build\.date\.utc"\)\s*\)`)
)

// checkFor asks what recovery or update_engine would ask before it writes a byte.
func checkFor(p Package, running Build, style Style) error {
	z, err := openArchive(p)
	if err != nil {
		return err
	}
	if style == AB {
		return checkMetadata(z, running)
	}
	script, err := readSmall(z, scriptName, maxScript)
	if err != nil {
		return fail(CodeScript, err, "the package has no script")
	}
	var devices []string
	for _, m := range deviceAssert.FindAllStringSubmatch(string(script), -1) {
		devices = append(devices, m[1])
	}
	if len(devices) > 0 && !slices.Contains(devices, running.Model) {
		return fail(CodeWrongDevice, nil, "the package is for %s, this handset is a %s",
			strings.Join(devices, ", "), running.Model)
	}
	for _, m := range timestampGuard.FindAllStringSubmatch(string(script), -1) {
		if guard, err := strconv.ParseInt(m[1], 10, 64); err != nil || guard < running.UTC {
			return fail(CodeOlder, nil, "the package of %s is older than the running system of %d", m[1], running.UTC)
		}
	}
	return nil
}

// checkMetadata reads META-INF/com/android/metadata (AOSP bootable/recovery/install.cpp): the first of a key counts.
func checkMetadata(z *otapkg.Archive, running Build) error {
	text, err := readSmall(z, deviceName, maxScript)
	if err != nil {
		return fail(CodePayloadMagic, err, "the package has no metadata")
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if _, seen := values[key]; !seen {
			values[key] = strings.TrimSpace(value)
		}
	}
	if !slices.Contains(strings.Split(values["pre-device"], "|"), running.Model) {
		return fail(CodeInstallDevice, nil, "the package is for %s, this handset is a %s",
			values["pre-device"], running.Model)
	}
	if utc, err := strconv.ParseInt(values["post-timestamp"], 10, 64); err != nil || utc < running.UTC {
		return fail(CodeABOlder, nil, "the package of %s is older than the running system of %d",
			values["post-timestamp"], running.UTC)
	}
	return nil
}

// extract calls put for each file of the system in p, names relative to /system.
func extract(p Package, put func(name string, content []byte) error) error {
	z, err := openArchive(p)
	if err != nil {
		return err
	}
	if _, ok := z.Entry(payloadName); ok {
		return extractPayload(z, put)
	}
	found := false
	for _, f := range z.Entries() {
		name, ok := strings.CutPrefix(f.Name, "system/")
		if !ok || name == "" || strings.HasSuffix(name, "/") {
			continue
		}
		if !fs.ValidPath(name) || f.Size > maxFile {
			return fail(CodeScript, nil, "the package holds a file %q that cannot be installed", name)
		}
		content, err := readSmall(z, f.Name, f.Size)
		if err != nil {
			return fail(CodeRecoveryFailed, err, "system/%s cannot be unpacked", name)
		}
		if err := put(name, content); err != nil {
			return err
		}
		found = true
	}
	if !found {
		return fail(CodeScript, nil, "the package holds no system")
	}
	return nil
}

func readSmall(z *otapkg.Archive, name string, limit int64) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	return content, err
}

// Files unpacks the system of a package without installing it: for a handset that is sold with it.
func Files(p Package) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := extract(p, func(name string, content []byte) error {
		files[name] = content
		return nil
	})
	return files, err
}

// openArchive reads the directory as strictly as the inspection did: a zip that two readers could
// understand differently must not be installed as the other one.
func openArchive(p Package) (*otapkg.Archive, error) {
	z, findings, err := otapkg.ReadArchive(p.Reader, p.Size)
	if err == nil && (z == nil || findings.Refused()) {
		err = fmt.Errorf("its zip directory is refused: %v", findings.Codes())
	}
	if err != nil {
		return nil, fail(CodeScript, err, "the package cannot be opened")
	}
	return z, nil
}

// StyleOf says how a model that takes this package installs it.
func StyleOf(p Package) (Style, error) {
	z, err := openArchive(p)
	if err != nil {
		return "", err
	}
	if _, ok := z.Entry(payloadName); ok {
		return AB, nil
	}
	return Recovery, nil
}
