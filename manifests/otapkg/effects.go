// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// judgeScript says what else the script does than to write the system.
func judgeScript(s *ScriptFacts, fs *Findings) {
	if s.WritesData || len(s.Runs) > 0 {
		var does []string
		if s.WritesData {
			does = append(does, "writes or deletes under /data")
		}
		for _, r := range s.Runs {
			does = append(does, "runs "+show(path.Base(r))+" as root")
		}
		fs.add(Finding{Code: DataWrite, Found: strings.Join(does, ", "), Wanted: "writes to system partitions only",
			Message: "The script " + strings.Join(does[:min(len(does), 6)], ", ") + "."})
	}
	if len(s.Unread) > 0 {
		calls := show(strings.Join(s.Unread, ", "))
		fs.add(Finding{Code: DataWrite, Level: Approve, Found: calls, Wanted: "places that can be read from the script",
			Fix:     "Give each place as one text, or have a second person agree.",
			Message: fmt.Sprintf("The script writes, or may write, to a place that cannot be read from the script (%s).", calls)})
	}
	if s.WritesBootloader {
		fs.add(bootWrite(s.Images))
	}
}

func bootWrite(what []string) Finding {
	return Finding{Code: BootWrite, Found: show(strings.Join(what, ", ")), Wanted: "system and boot only",
		Fix: "Have a second person agree.",
		Message: fmt.Sprintf("Also replaces the bootloader, modem or recovery (%s); "+
			"a failure there cannot be undone by recovery.", show(strings.Join(what, ", ")))}
}

// judgeWipe wants every part of the package that can speak of erasing user data to say the same.
func judgeWipe(says map[string]bool, fs *Findings) (wipe bool) {
	var yes, no []string
	for _, who := range slices.Sorted(maps.Keys(says)) {
		if says[who] {
			yes = append(yes, who)
		} else {
			no = append(no, who)
		}
	}
	if len(yes) == 0 {
		return false
	}
	f := Finding{Code: Wipe, Found: strings.Join(yes, ", "), Wanted: "user data kept",
		Fix: "Have a second person agree.", Message: "Erases user data."}
	if len(no) > 0 {
		f.Level, f.Wanted, f.Fix = Refuse, "agreement of "+strings.Join(no, ", "),
			"Build the package again so that all parts agree."
		f.Message = fmt.Sprintf("The package contradicts itself: %s would erase user data, %s would not.",
			strings.Join(yes, " and "), strings.Join(no, " and "))
	}
	fs.add(f)
	return true
}

// judgeVersions finds what the package's own dates, flags and source builds say.
func judgeVersions(f *Facts, m metadata, patches bool, p Policy, fs *Findings) {
	if day := p.Now.Add(24 * time.Hour); !p.Now.IsZero() && f.PostTimestamp > day.Unix() {
		built := time.Unix(f.PostTimestamp, 0).UTC().Format(time.DateTime)
		fs.add(Finding{Code: VerFuture, Found: built, Wanted: "before " + day.UTC().Format(time.DateTime),
			Fix: "Check the clock of the build machine.", Message: fmt.Sprintf("Built %s, which is in the future.", built)})
	}
	if f.Downgrade {
		d := Finding{Code: DownFlag, Found: "a downgrade flag", Wanted: "none", Fix: "Have a second person agree.",
			Message: fmt.Sprintf("Moves phones back to %s.", show(m["post-build"]))}
		if m.yes("ota-downgrade") && !m.yes("ota-wipe") {
			d.Message = fmt.Sprintf("May be installed over a build that was made later than %s, to which it leads "+
				"(ota-downgrade without ota-wipe, as --override_timestamp writes it).", show(m["post-build"]))
		}
		if len(f.PreBuild) == 0 {
			d.Level, d.Fix = Refuse, "Build it for a named source build."
			d.Message = "Says that it moves phones back, but not from which build (pre-build), which recovery demands."
		}
		fs.add(d)
	}
	bad := func(found, wanted, why string) {
		fs.add(Finding{Code: IncSource, Found: found, Wanted: wanted,
			Fix: "Build the incremental from the right source build.", Message: why})
	}
	if patches && len(f.PreBuild) == 0 {
		bad("no pre-build", "pre-build=…", "The package patches what is on the phone but does not say which build it "+
			"starts from.")
	}
	for _, from := range f.PreBuild {
		a, ok1 := ParseFingerprint(from)
		for _, to := range f.PostBuild {
			b, ok2 := ParseFingerprint(to)
			if from == to {
				bad(show(from), "another build", "The package starts from the very build that it leads to.")
			} else if ok1 && ok2 && len(f.PostBuild) == 1 && a.Device != b.Device {
				bad(show(a.Device), show(b.Device), fmt.Sprintf("The package starts from a build for %s and leads to one for %s.",
					show(a.Device), show(b.Device)))
			}
		}
	}
}
