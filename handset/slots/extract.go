// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	maxFile   = 256 << 20 // bytes of one file of a system
	maxScript = 1 << 20

	scriptName  = "META-INF/com/google/android/updater-script"
	payloadName = "payload.bin"
	deviceName  = "META-INF/com/android/metadata"
)

// The two guards of a script of 2014 (android-ota 3.4), as Edify writes them.
var (
	deviceAssert   = regexp.MustCompile(`getprop\("ro\.(?:product\.device|build\.product)"\)\s*==\s*"([^"]*)"`)
	timestampGuard = regexp.MustCompile(`less_than_int\(\s*(\d+)\s*,\s*getprop\("ro\.build\.date\.utc"\)\s*\)`)
)

// checkFor asks what recovery or update_engine would ask before it writes a byte.
func checkFor(p Package, running Build, style Style) error {
	z, err := zip.NewReader(p.Reader, p.Size)
	if err != nil {
		return fail(CodeScript, err, "the package cannot be opened")
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
		return fail(CodeWrongDevice, nil, "the package is for %s, this handset is a %s", strings.Join(devices, ", "), running.Model)
	}
	for _, m := range timestampGuard.FindAllStringSubmatch(string(script), -1) {
		if guard, err := strconv.ParseInt(m[1], 10, 64); err != nil || guard < running.UTC {
			return fail(CodeOlder, nil, "the package of %s is older than the running system of %d", m[1], running.UTC)
		}
	}
	return nil
}

// checkMetadata reads META-INF/com/android/metadata (android-ota 3.2): the first of a key counts.
func checkMetadata(z *zip.Reader, running Build) error {
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
		return fail(CodeInstallDevice, nil, "the package is for %s, this handset is a %s", values["pre-device"], running.Model)
	}
	if utc, err := strconv.ParseInt(values["post-timestamp"], 10, 64); err != nil || utc < running.UTC {
		return fail(CodeABOlder, nil, "the package of %s is older than the running system of %d", values["post-timestamp"], running.UTC)
	}
	return nil
}

// extract calls put for each file of the system in p, names relative to /system.
func extract(p Package, put func(name string, content []byte) error) error {
	z, err := zip.NewReader(p.Reader, p.Size)
	if err != nil {
		return fail(CodeScript, err, "the package cannot be opened")
	}
	if i := slices.IndexFunc(z.File, func(f *zip.File) bool { return f.Name == payloadName }); i >= 0 {
		offset, err := z.File[i].DataOffset()
		if err != nil || z.File[i].Method != zip.Store {
			return fail(CodePayloadMagic, err, "%s is compressed or misplaced", payloadName)
		}
		return extractPayload(io.NewSectionReader(p.Reader, offset, int64(z.File[i].UncompressedSize64)), put)
	}
	found := false
	for _, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, "system/")
		if !ok || name == "" || strings.HasSuffix(name, "/") {
			continue
		}
		if !fs.ValidPath(name) || f.UncompressedSize64 > maxFile {
			return fail(CodeScript, nil, "the package holds a file %q that cannot be installed", name)
		}
		content, err := readSmall(z, f.Name, int64(f.UncompressedSize64))
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

func readSmall(z *zip.Reader, name string, limit int64) ([]byte, error) {
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
