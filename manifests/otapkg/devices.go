// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"landed/manifests"
)

// models finds what the catalogue knows of the devices that the package is for, or of the expected model.
func (p Policy) models(devices []string) []manifests.Model {
	if p.Catalogue == nil {
		return nil
	}
	if p.Model != "" {
		devices = []string{p.Model}
	}
	var found []manifests.Model
	for _, d := range devices {
		if m, ok := p.Catalogue.Model(d); ok {
			found = append(found, m)
		}
	}
	return found
}

func judgeDevices(devices []string, p Policy, fs *Findings) {
	if p.Model != "" && len(devices) > 0 && !slices.Contains(devices, p.Model) {
		fs.add(Finding{Code: DevModel, Found: show(strings.Join(devices, "|")), Wanted: show(p.Model),
			Fix: "Choose the package of the model.",
			Message: fmt.Sprintf("The package is for %s, expected is one for %s.", show(strings.Join(devices, "|")),
				show(p.Model))})
	}
	if p.Catalogue == nil {
		return
	}
	var here, unknown []string
	for _, d := range devices {
		if _, known := p.Catalogue.Model(d); known {
			here = append(here, d)
		} else {
			unknown = append(unknown, d)
		}
	}
	for _, d := range unknown {
		fs.add(unknownDevice(d, here, p.Catalogue))
	}
}

// unknownDevice refuses a package for phones that nobody has here; one that is for others as well is for those alone.
func unknownDevice(d string, here []string, c *manifests.Catalogue) Finding {
	f := Finding{Code: DevUnknown, Found: show(d), Wanted: "a device of the catalogue", Fix: "Correct pre-device, " +
		"or add the model to the catalogue.",
		Message: fmt.Sprintf("%s is not a known device.", show(d))}
	if len(here) > 0 {
		f.Level, f.Fix = Warn, "Add the model to the catalogue first if the package is to go to it as well."
		f.Message = fmt.Sprintf("%s is not a known device; the package is taken for %s alone.", show(d), show(strings.Join(here, ", ")))
	}
	if near := nearest(d, c); near != "" && !slices.Contains(here, near) {
		f.Wanted = near
		f.Message += fmt.Sprintf(" Did you mean `%s`?", near)
		f.Level, f.Fix = Refuse, "Correct pre-device, or add the model to the catalogue." // else that model would go without
	}
	return f
}

// nearest finds the device that somebody may have meant: the same but for case and blanks, or at most two
// letters away.
func nearest(d string, c *manifests.Catalogue) string {
	if len(d) > 64 {
		return ""
	}
	d = strings.ToLower(strings.TrimSpace(d))
	best, near := 3, ""
	for _, m := range c.Models() {
		if n := distance(d, strings.ToLower(m.Device)); n < best {
			best, near = n, m.Device
		}
	}
	return near
}

// distance is the number of letters to insert, delete or change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// fileName is what a recovery file name of MIUI says:
// miui_<ROM name>_<version>_<first 10 hex digits of MD5>_<android>.zip, and for incrementals
// miui-ota-<device>-<from>-<to>-<MD5>-<android>.zip.
type fileName struct{ rom, device, version, md5 string }

func parseFileName(name string) fileName {
	name = strings.TrimSuffix(path.Base(name), ".zip")
	if rest, ok := strings.CutPrefix(name, "miui_"); ok {
		if p := strings.Split(rest, "_"); len(p) == 4 && isMD5Part(p[2]) {
			return fileName{rom: p[0], version: p[1], md5: p[2]}
		}
	}
	for _, kind := range []string{"miui-ota-", "miui-blockota-"} {
		rest, ok := strings.CutPrefix(name, kind)
		if p := strings.Split(rest, "-"); ok && len(p) == 5 && isMD5Part(p[3]) {
			return fileName{device: p[0], version: p[2], md5: p[3]}
		}
	}
	return fileName{}
}

func isMD5Part(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 10 && s == strings.ToLower(s)
}

// judgeName compares the file name with the metadata.
func judgeName(n fileName, f *Facts, p Policy, fs *Findings) {
	add := func(found, wanted string) {
		fs.add(Finding{Code: DevName, Found: found, Wanted: wanted,
			Fix:     "Check that this is the package you meant to upload.",
			Message: fmt.Sprintf("File name says %s, metadata says %s.", found, wanted)})
	}
	devices := strings.Join(f.PreDevices, "|")
	if n.device != "" && len(f.PreDevices) > 0 && !slices.Contains(f.PreDevices, n.device) {
		add(show(n.device), show(devices))
	}
	if models := p.models(f.PreDevices); n.rom != "" && len(models) > 0 {
		if !slices.ContainsFunc(models, func(m manifests.Model) bool { return slices.Contains(m.ROMNames, n.rom) }) {
			add(show(n.rom), show(devices))
		}
	}
	var versions []string
	for _, s := range f.PostBuild {
		if fp, ok := ParseFingerprint(s); ok {
			versions = append(versions, fp.Incremental)
		}
	}
	if n.version != "" && len(versions) > 0 && !slices.Contains(versions, n.version) {
		add(show(n.version), show(strings.Join(versions, "|")))
	}
}

// judgeMD5 compares the digits in the name with the file. MD5 proves nothing, but 3,448 of 3,448 published
// names carry the right digits.
func judgeMD5(n fileName, sum string, fs *Findings) {
	if !strings.HasPrefix(sum, n.md5) {
		fs.add(Finding{Code: NameMD5, Found: sum[:10] + "…", Wanted: n.md5 + "…",
			Fix:     "Compare with the file that the build made.",
			Message: fmt.Sprintf("The name promises MD5 %s…, the file has %s…: renamed or damaged?", n.md5, sum[:10])})
	}
}
