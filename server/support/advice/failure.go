// SPDX-License-Identifier: Apache-2.0

package advice

import (
	"fmt"
	"slices"

	"landed/manifests/report"
)

// Remedy is what helps against a failure.
type Remedy string

// The remedies.
const (
	Connect   Remedy = "connect"   // a steady connection
	Server    Remedy = "server"    // the server, or its feed, is to be mended
	Room      Remedy = "room"      // free space
	Charge    Remedy = "charge"    // the battery
	Restart   Remedy = "restart"   // and try again
	Storage   Remedy = "storage"   // it may be faulty
	Repair    Remedy = "repair"    // nobody but a service centre
	Unchanged Remedy = "unchanged" // the system on the handset was changed
	Full      Remedy = "full"      // a full package
	Package   Remedy = "package"   // another package
	Build     Remedy = "build"     // another build
	Newer     Remedy = "newer"     // none: refusing was right
	Start     Remedy = "start"     // its user stopped it
	PassOn    Remedy = "pass_on"   // nobody knows
)

// Remedies lists them all.
var Remedies = []Remedy{Connect, Server, Room, Charge, Restart, Storage, Repair, Unchanged, Full, Package, Build, Newer, Start, PassOn}

// Who acts.
func (r Remedy) Who() Who {
	switch r {
	case Connect, Room, Charge, Restart, Storage, Start:
		return Owner
	case Repair, Unchanged, Build:
		return Service
	case Newer:
		return Nobody
	}
	return Engineers
}

// Codes of update_engine (AOSP update_engine/common/error_code.h) by what helps. Those of ChromeOS' own protocol are unexpected
// here, and not listed.
var engine = map[Remedy][]int{
	Connect:   {9, 57, 58, 59},
	Server:    {10, 11, 12, 13, 22, 23, 24, 25, 26, 27, 28, 29, 32, 33, 38, 39},
	Room:      {60},
	Restart:   {41, 52, 54, 65, 66},
	Storage:   {4, 8, 14, 15, 16, 47, 56, 63},
	Repair:    {61},
	Unchanged: {7, 64},
	Full:      {20},
	Package:   {5, 6, 17, 18, 21, 44, 45, 62},
	Build:     {19},
	Newer:     {51},
	Start:     {42, 48},
}

// Codes of the recovery (AOSP bootable/recovery otautil/error_code.h) by what helps.
var recovery = map[Remedy][]int{
	Charge:    {20},
	Package:   {21, 22, 24, 25, 27, 28, 3004, 3005},
	Restart:   {23},
	Storage:   {26, 3007},
	Unchanged: {3000, 3001, 3002},
	Newer:     {3003},
	Room:      {3006},
	Full:      {3008},
}

// spans of codes of the recovery that go by one sentence.
var spans = []struct {
	from, to int
	name     string
	remedy   Remedy
}{
	{50, 50, "uncrypt", Restart}, {100, 199, "io", Storage}, {200, 999, "maker", PassOn},
	{1000, 1999, "system", Full}, {2000, 2099, "vendor", Full}, // 2100 and more are statuses of HTTP
}

// Explain finds the words and the remedy of a failure, whatever its code. In the phases in which a recovery works, a model that
// is not A/B speaks in its codes; else they are those of update_engine.
func Explain(f report.Failure, family string) (cause string, remedy Remedy) {
	byRecovery := family != "ab" && (f.Phase == report.PhaseVerify || f.Phase == report.PhaseInstall)
	switch status := f.Code - 2000; {
	case f.Phase == report.PhaseBoot:
		return "boot", Build
	case status >= 100 && status < 600:
		if report.CauseOf(f) == report.CauseNetwork {
			return "way", Connect
		}
		return "http", Server
	case f.Phase == report.PhaseMetadata:
		return "metadata", Server
	case byRecovery:
		if remedy, ok := find(recovery, f.Code); ok {
			return fmt.Sprint("recovery.", f.Code), remedy
		}
		for _, s := range spans {
			if s.from <= f.Code && f.Code <= s.to {
				return "recovery." + s.name, s.remedy
			}
		}
	}
	if remedy, ok := find(engine, f.Code); ok {
		if remedy == Server && f.Phase == report.PhaseInstall {
			remedy = Package // it was right when it came
		}
		return fmt.Sprint("engine.", f.Code), remedy
	}
	return "other", PassOn
}

func find(in map[Remedy][]int, code int) (Remedy, bool) {
	for _, r := range Remedies {
		if slices.Contains(in[r], code) {
			return r, true
		}
	}
	return "", false
}

// Causes lists the keys of every cause there are words for.
func Causes() []string {
	all := []string{"boot", "way", "http", "metadata", "other", "unsaid"}
	for _, r := range Remedies {
		for _, code := range engine[r] {
			all = append(all, fmt.Sprint("engine.", code))
		}
		for _, code := range recovery[r] {
			all = append(all, fmt.Sprint("recovery.", code))
		}
	}
	for _, s := range spans {
		all = append(all, "recovery."+s.name)
	}
	slices.Sort(all)
	return all
}
