// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"landed/manifests"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

// fetchQuestions fetches, once for each release that the handset meets, the signed manifest that says what is asked
// of it. The offline role names the manifest by its hash beside the package, and lists it. One that is not listed, or
// cannot be read, asks nothing: the handset then reports the core alone, for a question holds no fix back. One that
// says by itself that it was made for a newer program is a *manifests.NeedsError: there its signers hold the fix back.
// Any other error is a feed that does not give what it lists.
func (c *Client) fetchQuestions(f *feed, met manifests.Custom) error {
	if met.Manifest == "" { // a release of schema 1, whose manifest has no probes
		c.mem.Ask, c.mem.AskOf = probe.Ask{}, ""
		return nil
	}
	if c.mem.AskOf == met.Manifest {
		return nil
	}
	if needs := c.needs[met.Manifest]; needs != nil {
		return needs // and whatever else is asked stays as it is
	}
	text, err := c.fetchManifest(f, met)
	if err != nil {
		return err
	}
	m, err := manifests.ReadManifest(text)
	if needs, ok := errors.AsType[*manifests.NeedsError](err); ok {
		c.needs[met.Manifest] = needs
		return needs
	}
	c.mem.Ask, c.mem.AskOf = probe.Ask{}, met.Manifest
	switch {
	case text == nil:
		c.mem.AskOf = "" // it was said why; it costs nothing to look again
	case err != nil:
		c.cfg.Log.Warn("the manifest of a release is not understood; nothing is answered", "release", met.Release, "err", err)
	case m.Release != met.Release || m.Model != met.Model || m.Variant != met.Variant:
		c.cfg.Log.Warn("the manifest is of another release; nothing is answered", "release", met.Release)
	default:
		c.mem.Ask = m.Ask
	}
	return nil
}

// fetchManifest gives the text of a manifest; nil if the offline role lists none that this program would take.
func (c *Client) fetchManifest(f *feed, met manifests.Custom) ([]byte, error) {
	path, info := f.listed(met.Manifest)
	if info == nil {
		c.cfg.Log.Warn("the manifest of a release is not listed; nothing is answered", "release", met.Release)
		return nil, nil
	}
	if info.Length > manifests.MaxManifest {
		c.cfg.Log.Warn("the manifest of a release is too long; nothing is answered",
			"release", met.Release, "bytes", info.Length)
		return nil, nil
	}
	text, err := f.fetch.DownloadFile(c.targetURL(tufrepo.StoredTarget(path, met.Manifest)), info.Length, 0)
	if err != nil {
		return nil, metadataRefusal(err, f.fetch.network)
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != met.Manifest || int64(len(text)) != info.Length {
		return nil, refuse(ClassHash, report.PhaseMetadata, codePayloadHash,
			"%s: it is not the manifest that was signed for", path)
	}
	return text, nil
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
