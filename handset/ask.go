// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

// fetchQuestions fetches, once for each release that the handset meets, the signed manifest that says what is asked
// of it. The offline role names the manifest by its hash beside the package, and lists it. One that is not listed, or
// cannot be understood, asks nothing: the handset then reports the core alone, for a question holds no fix back. An
// error is a feed that does not give what it lists.
func (c *Client) fetchQuestions(f *feed, met manifests.Custom) error {
	if met.Manifest == "" { // a release of schema 1, whose manifest has no probes
		c.mem.Ask, c.mem.AskOf = probe.Ask{}, ""
		return nil
	}
	if c.mem.AskOf == met.Manifest {
		return nil
	}
	c.mem.Ask, c.mem.AskOf = probe.Ask{}, ""
	path, info := f.listed(met.Manifest)
	if info == nil {
		c.cfg.Log.Warn("the manifest of a release is not listed; nothing is answered", "release", met.Release)
		return nil
	}
	if info.Length > manifests.MaxManifest {
		c.cfg.Log.Warn("the manifest of a release is too long; nothing is answered",
			"release", met.Release, "bytes", info.Length)
		return nil
	}
	text, err := f.fetch.DownloadFile(c.targetURL(tufrepo.StoredTarget(path, met.Manifest)), info.Length, 0)
	if err != nil {
		return metadataRefusal(err, f.fetch.network)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != met.Manifest || int64(len(text)) != info.Length {
		return refuse(ClassHash, report.PhaseMetadata, codePayloadHash,
			"%s: it is not the manifest that was signed for", path)
	}
	c.mem.AskOf = met.Manifest
	m, err := manifests.ReadManifest(text)
	switch {
	case err != nil:
		c.cfg.Log.Warn("the manifest of a release is not understood; nothing is answered", "release", met.Release, "err", err)
	case m.Release != met.Release || m.Model != met.Model || m.Variant != met.Variant:
		c.cfg.Log.Warn("the manifest is of another release; nothing is answered", "release", met.Release)
	default:
		c.mem.Ask = m.Ask
	}
	return nil
}

// listed finds the target of the model's offline role that has a hash; nil if there is none.
func (f *feed) listed(sha256 string) (path string, info *metadata.TargetFiles) {
	doc := f.up.GetTrustedMetadataSet().Targets[f.role]
	if doc == nil {
		return "", nil
	}
	for name, target := range doc.Signed.Targets {
		own := strings.HasPrefix(name, "builds/"+f.role+"/") && tufrepo.CheckPath(name) == nil
		if own && sha256Of(target) == sha256 && (path == "" || name < path) {
			path, info = name, target
		}
	}
	return path, info
}

// markedSuccessful is the one probe that the client answers by itself, since only the slots know: the running system
// has come up, and is kept.
const markedSuccessful = "marked_successful"

// answers are the answers to what the release asks. What the firmware says beyond that is left out, and so is what is
// none of the answers that were declared: the promise of what a report can hold does not rest on the firmware.
func (c *Client) answers() probe.Answers {
	said, _ := c.cfg.System.Answers(c.mem.Ask)
	answers := probe.Answers{}
	for _, q := range c.mem.Ask.Probes {
		v, ok := said[q.Name]
		if q.Name == markedSuccessful {
			v, ok = probe.Bool(!c.cfg.Slots.Unproven()), true
		}
		if ok && q.Allows(v) {
			answers[q.Name] = v
		}
	}
	return answers
}

// stableAnswers is what answers say without what changes by itself as time goes by: of integers, if they are zero.
func stableAnswers(answers probe.Answers) probe.Answers {
	kept := probe.Answers{}
	for name, v := range answers {
		if v.Kind() == probe.KindInt {
			v = probe.Int(min(v.Int(), 1))
		}
		kept[name] = v
	}
	return kept
}

// usualHours is when the effect of a release is reported that does not say how long to observe.
const usualHours = 24

// milestones are the hours after the first boot of a new build at which its effect is reported.
func (c *Client) milestones() []int {
	hours := usualHours
	if c.mem.Ask.Hours > 0 {
		hours = int(c.mem.Ask.Hours)
	}
	all := []int{1, hours, probe.MaxHours}
	slices.Sort(all)
	return slices.Compact(all)
}
