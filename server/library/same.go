// SPDX-License-Identifier: Apache-2.0

package library

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"landed/manifests/otapkg"
	"landed/server/fleet"
)

// sameBuild says what stands between two packages of one model, variant and channel that lead to one build: nothing if
// they belong together, as a full package and its incrementals do, each from another build. That they lead to the same
// bytes is shown by the hashes of what a phone holds afterwards ([otapkg.Facts.Target]), not by the fingerprint alone.
func sameBuild(p fleet.Package, facts otapkg.Facts, other fleet.Package) (f otapkg.Finding, stands bool) {
	here := fmt.Sprintf("%s, uploaded by %s", other.Name, other.By)
	target, known := facts.Target, storedTarget(other)
	from := common(p.PreBuilds, other.PreBuilds)
	bothFull := len(p.PreBuilds) == 0 && len(other.PreBuilds) == 0
	f = otapkg.Finding{Code: otapkg.VerSame, Level: otapkg.Refuse, Found: p.SHA256, Wanted: other.SHA256}
	switch {
	case target != "" && known != "" && target != known:
		f.Found, f.Wanted = target, known
		f.Fix = "Build all packages of a version from the same target files, or give the new build a new version."
		f.Message = fmt.Sprintf("%s leads to other partitions than %s. A version must not change once uploaded.",
			p.Build.Incremental, here)
	case bothFull && target != "" && target == known:
		f.Fix = "Use the package that is here, or remove it first (otactl package remove)."
		f.Message = fmt.Sprintf("A full package that leads to the same partitions of %s is here already (%s). A build has "+
			"one full package.", p.Build.Incremental, here)
	case bothFull:
		f.Fix = "Give the new build a new version."
		f.Message = fmt.Sprintf("%s exists with another SHA-256 (%s…, %s). A version must not change once uploaded.",
			p.Build.Incremental, other.SHA256[:min(12, len(other.SHA256))], here)
	case len(from) > 0:
		f.Fix = "Use the incremental that is here, or remove it first (otactl package remove)."
		f.Message = fmt.Sprintf("An incremental from %s to %s is here already (%s). A phone can be told of one only.",
			from[0], p.Build.Incremental, here)
	case target == "" || known == "":
		f.Level, f.Fix = otapkg.Warn, "Make sure that both were built from the same target files."
		f.Message = fmt.Sprintf("Whether this leads to the same bytes of %s as %s cannot be known from these packages; by "+
			"their fingerprint they belong together.", p.Build.Incremental, here)
	default:
		return otapkg.Finding{}, false
	}
	return f, true
}

// twoOfOneVersion warns of a package of the same build on another channel that leads to other bytes: channels carry the
// same bytes, by promotion. That a full package and an incremental differ cannot be known without their targets.
func twoOfOneVersion(p fleet.Package, facts otapkg.Facts, other fleet.Package) (f otapkg.Finding, differs bool) {
	target, known := facts.Target, storedTarget(other)
	f = otapkg.Finding{Code: otapkg.VerSame, Level: otapkg.Warn, Found: target, Wanted: known}
	f.Fix = fmt.Sprintf("Take the package that is there from channel to channel (otactl package promote %s --to %s), or give "+
		"the new build a new version.", other.SHA256, p.Channel)
	where := fmt.Sprintf("%s on %s, uploaded by %s", other.Name, other.Channel, other.By)
	switch {
	case target != "" && known != "":
		f.Message = fmt.Sprintf("%s leads to other partitions than %s: one version would be two.", p.Build.Incremental, where)
		return f, target != known
	case len(p.PreBuilds) == 0 && len(other.PreBuilds) == 0:
		f.Found, f.Wanted = p.SHA256, other.SHA256
		f.Message = fmt.Sprintf("%s has other bytes than %s: one version may be two.", p.Build.Incremental, where)
		return f, true
	}
	return f, false
}

// storedTarget is the target in the facts of a package that is here; "" if it is not known, as of packages that older
// programs took in.
func storedTarget(p fleet.Package) string {
	var facts otapkg.Facts
	if json.Unmarshal(p.Facts, &facts) != nil {
		return ""
	}
	return facts.Target
}

// common are the builds of a that are in b too.
func common(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

// alone warns of an incremental whose build has no full package here.
func alone(p fleet.Package) otapkg.Finding {
	return otapkg.Finding{Code: otapkg.IncAlone, Level: otapkg.Warn, Found: "no full package of " + p.Build.Incremental,
		Wanted: "one", Fix: "Add the full package before the release is made.",
		Message: fmt.Sprintf("No full package of %s is here for %s, and phones on other builds than %s cannot take this "+
			"incremental. A release needs both.", p.Build.Incremental, p.Variant, strings.Join(p.PreBuilds, " or "))}
}
