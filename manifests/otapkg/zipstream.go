// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"fmt"
	"slices"
	"strings"
)

// streamForms collects what writers leave who cannot, or do not, go back to a header once the content is known.
// All readers that go by the directory read the same in these forms, so they hide nothing. What counts is whether
// a phone reads them: AOSP's libziparchive, which recovery opens packages with, is the measure
// (zip_archive.cc: FindEntry, ParseZip64ExtendedInfoInExtraField, ValidateDataDescriptor).
type streamForms struct {
	spare bool // a Zip64 end record that no number asks for

	stored   []string // stored entries with a data descriptor
	former   []string // entries with a data descriptor that no header speaks of
	needless []string // entries below 4 GiB with a Zip64 field in their own header
	long     []string // entries below 4 GiB with a descriptor of 8-byte sizes
	bare     []string // entries whose own header marks sizes as Zip64 and does not hold both
	piped    []string // entries that were read from a pipe
}

// judge makes one finding of everything: it is one way of writing, and one thing to do about it.
func (s *streamForms) judge(fs *Findings) {
	var what []string
	add := func(names []string, format string) {
		if len(names) > 0 {
			what = append(what, fmt.Sprintf(format, andMore(names)))
		}
	}
	add(s.stored, "a data descriptor follows the stored content of %s, which readers that go from entry to entry "+
		"(Java's ZipInputStream) refuse")
	add(s.former, "a former data descriptor is left behind the content of %s")
	add(s.needless, "the own header of %s has a Zip64 field that its size does not need")
	if s.spare {
		what = append(what, "the directory has a Zip64 record that it does not need")
	}
	add(s.long, "the data descriptor of %s has sizes of 8 bytes, which recovery takes for 4 and refuses")
	add(s.bare, "the own header of %s does not hold both its Zip64 sizes, which recovery refuses")
	add(s.piped, "%s was read from a pipe and is named after it")
	if len(what) == 0 {
		return
	}
	// Phones find payload.bin by its offset and never unpack it; whatever else is refused would stop them.
	refused := func(name string) bool { return name != namePayload }
	level := Warn
	if len(s.piped) > 0 || slices.ContainsFunc(slices.Concat(s.long, s.bare), refused) {
		level = Refuse
	}
	fs.add(Finding{Code: ZipStream, Level: level, Found: "a streamed zip", Wanted: "sizes in the header of each entry",
		Fix:     "Streamed zip: pack it into a file, not into a pipe (signapk and `zip FILE` do), and sign it then.",
		Message: fmt.Sprintf("The zip was written as a stream: %s.", strings.Join(what, "; "))})
}

// andMore names the first of several entries.
func andMore(names []string) string {
	if len(names) == 1 {
		return show(names[0])
	}
	return fmt.Sprintf("%s and %d more", show(names[0]), len(names)-1)
}

// judgeStored wants what phones read by byte range to be stored, and warns of what older LineageOS updaters do not
// count on their way to payload.bin: they add up headers and packed sizes of the directory, and nothing else.
func (in *inspection) judgeStored() {
	for _, name := range []string{namePayload, nameProperties} {
		if e, ok := in.a.Entry(name); ok && !e.Stored {
			in.fs.add(Finding{Code: ABStored, Found: "a compressed entry", Wanted: "a stored entry",
				Fix:     "Store it (zip -0), as the release tools do.",
				Message: fmt.Sprintf("%s is compressed; phones stream it by byte range and need it stored.", name)})
		}
	}
	payload, ok := in.a.Entry(namePayload)
	if !ok {
		return
	}
	var early int64
	var names []string
	for _, e := range in.a.entries {
		if e.header < payload.header && e.tail > 0 {
			early, names = early+e.tail, append(names, e.Name)
		}
	}
	if early > 0 {
		in.fs.add(Finding{Code: ABOrder, Found: andMore(names), Wanted: "payload.bin before any data descriptor",
			Fix: "Put stored entries first, with their sizes in their headers, as signapk does.",
			Message: fmt.Sprintf("The data descriptor of %s lies before payload.bin. "+
				"Older LineageOS updaters do not count it: they would start %d bytes early.", andMore(names), early)})
	}
}
