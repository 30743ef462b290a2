// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

func (c *central) mismatch(what string) Finding { return mismatch("Entry "+show(c.Name), what) }

// judge finds what is wrong with an entry by itself.
func (c *central) judge(forms *streamForms, fs *Findings) {
	if why := badName(c.Name); why != "" {
		fs.add(badPath(c.Name, why))
	}
	folder := strings.HasSuffix(c.Name, "/")
	switch mode := c.attr >> 16 & 0o170000; {
	case mode == 0o010000 && c.Name == "-": // Info-ZIP's name for its standard input
		forms.piped = append(forms.piped, c.Name)
	case mode == 0o120000:
		fs.add(Finding{Code: ZipPath, Found: show(c.Name), Wanted: "files and folders", Fix: "Let the script make the link.",
			Message: fmt.Sprintf("Entry %s is a symbolic link, which could lead out of the package.", show(c.Name))})
	case mode != 0 && mode != 0o100000 && mode != 0o040000:
		fs.add(Finding{Code: ZipPath, Found: show(c.Name), Wanted: "files and folders",
			Message: fmt.Sprintf("Entry %s is a device or a pipe.", show(c.Name))})
	}
	if c.flags&flagEncrypted != 0 || c.flags&^uint16(flagsKnown) != 0 {
		fs.add(Finding{Code: ZipMethod, Found: fmt.Sprintf("flags %#04x", c.flags), Wanted: "no encryption",
			Message: fmt.Sprintf("Entry %s is encrypted or uses features that recovery does not have.", show(c.Name))})
	}
	if c.method != stored && c.method != deflated {
		fs.add(Finding{Code: ZipMethod, Found: fmt.Sprintf("method %d", c.method), Wanted: "stored (0) or deflated (8)",
			Fix: "Pack it with zip or signapk.",
			Message: fmt.Sprintf("Entry %s is packed by method %d; recovery reads stored and deflated entries only.",
				show(c.Name), c.method)})
	}
	if c.disk != 0 {
		fs.add(Finding{Code: ZipMethod, Found: fmt.Sprintf("disk %d", c.disk), Wanted: "one file",
			Message: fmt.Sprintf("Entry %s lies on another disk.", show(c.Name))})
	}
	if c.Stored && c.Size != c.Packed {
		fs.add(c.mismatch(fmt.Sprintf("it is stored, yet packed size %d is not its size %d", c.Packed, c.Size)))
	}
	if folder && (c.Size != 0 || c.Packed > 2) {
		fs.add(c.mismatch("it is a folder with content"))
	}
	c.judgeSize(fs)
}

// judgeNeeds refuses what asks for a later program: some readers skip such an entry, and others do not look.
func (c *central) judgeNeeds(fs *Findings) {
	if c.needs > maxNeeds {
		fs.add(Finding{Code: ZipMethod, Found: fmt.Sprintf("version %d.%d", c.needs/10, c.needs%10), Wanted: "at most 4.5",
			Fix: "Pack it with zip or signapk.",
			Message: fmt.Sprintf("Entry %s asks for a zip program of version %d.%d; nothing in an OTA package needs more than 4.5.",
				show(c.Name), c.needs/10, c.needs%10)})
	}
}

func badPath(name, why string) Finding {
	return Finding{Code: ZipPath, Found: show(name), Wanted: "a plain relative path",
		Fix:     "Build the package without this entry.",
		Message: fmt.Sprintf("Entry name %s %s.", show(name), why)}
}

// badName says what is wrong with an entry name, or nothing.
func badName(name string) string {
	switch {
	case name == "":
		return "is empty"
	case !utf8.ValidString(name):
		return "is not UTF-8"
	case strings.ContainsAny(name, "\\") || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return "holds a backslash or a control character"
	case strings.HasPrefix(name, "/"):
		return "is absolute and would leave the package"
	case slices.Contains(strings.Split(name, "/"), ".."):
		return "would leave the package"
	}
	return ""
}

// maxRatio is a little above the best that DEFLATE can do.
const maxRatio = 1032

// entryCap is the most that the entries which are read into memory may hold.
var entryCap = map[string]int64{
	nameMetadata:   64 << 10,
	nameMetadataPB: 1 << 20,
	nameProperties: 4 << 10,
	nameScript:     4 << 20,
	nameOTACert:    64 << 10,
	nameBuildProp:  1 << 20,
}

func (c *central) judgeSize(fs *Findings) {
	limit, why := maxSize, ""
	if most, ok := entryCap[c.Name]; ok {
		limit = most
	} else if strings.HasSuffix(c.Name, ".transfer.list") {
		limit = 64 << 20
	} else if c.method == deflated && c.Packed < maxSize/maxRatio {
		limit, why = c.Packed*maxRatio+64, ", the most that its packed size can hold"
	}
	if c.Size > limit || c.Size >= maxSize || c.Packed >= maxSize {
		fs.add(Finding{Code: ZipBomb, Found: fmt.Sprintf("%d bytes", c.Size), Wanted: fmt.Sprintf("at most %d", limit),
			Message: fmt.Sprintf("%s would unpack to %s; the limit is %s%s.", show(c.Name), human(c.Size), human(limit), why)})
	}
}

// human writes a size for people.
func human(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

// judgeNames refuses names that some file system or reader would take for the same, and files where others need a
// folder: to unpack both fails in the middle, when the old system is gone.
func judgeNames(all []central, fs *Findings) {
	keys, seen := make([]string, len(all)), make(map[string]int, len(all))
	for i, c := range all {
		keys[i] = strings.ToLower(path.Clean(c.Name))
		j, dup := seen[keys[i]]
		if !dup {
			seen[keys[i]] = i
			continue
		}
		what := fmt.Sprintf("%s occurs twice (bytes %d and %d).", show(c.Name), all[j].header, c.header)
		if all[j].Name != c.Name {
			what = fmt.Sprintf("%s and %s are the same name to some readers (bytes %d and %d).", show(all[j].Name),
				show(c.Name), all[j].header, c.header)
		}
		fs.add(Finding{Code: ZipDup, Found: show(c.Name), Wanted: "each name once",
			Fix: "Build the package again with one of them.", Message: what})
	}
	for i, key := range keys {
		for end := strings.LastIndexByte(key, '/'); end > 0; end = strings.LastIndexByte(key[:end], '/') {
			j, is := seen[key[:end]]
			if is && !strings.HasSuffix(all[j].Name, "/") && !fs.full(ZipDup) {
				fs.add(Finding{Code: ZipDup, Found: show(all[j].Name), Wanted: "a file or a folder",
					Fix:     "Build the package again with one of them.",
					Message: fmt.Sprintf("%s is a file, yet %s lies in a folder of that name.", show(all[j].Name), show(all[i].Name))})
			}
		}
	}
}
