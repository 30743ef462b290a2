// SPDX-License-Identifier: Apache-2.0

package handset

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"landed/manifests"
	"landed/manifests/report"
	"landed/manifests/tufrepo"
)

// manifest gives the text of the signed manifest of a release; nil if the offline role lists none that this program
// would take.
func (p *poll) manifest(met manifests.Custom) ([]byte, error) {
	path, info := p.listed(met.Manifest)
	if info == nil {
		p.log.Warn("the manifest of a release is not listed; nothing is answered", "release", met.Release)
		return nil, nil
	}
	if info.Length > manifests.MaxManifest {
		p.log.Warn("the manifest of a release is too long; nothing is answered",
			"release", met.Release, "bytes", info.Length)
		return nil, nil
	}
	text, err := p.fetch.target(path, met.Manifest, info.Length)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != met.Manifest || int64(len(text)) != info.Length {
		return nil, refuse(ClassHash, report.PhaseMetadata, codePayloadHash,
			"%s: it is not the manifest that was signed for", path)
	}
	return text, nil
}

// listed finds the target of the model's offline role that has a hash; nil if there is none.
func (p *poll) listed(sha256 string) (path string, info *metadata.TargetFiles) {
	doc := p.up.GetTrustedMetadataSet().Targets[p.role]
	if doc == nil {
		return "", nil
	}
	for name, target := range doc.Signed.Targets {
		own := strings.HasPrefix(name, "builds/"+p.role+"/") && tufrepo.CheckPath(name) == nil
		if own && sha256Of(target) == sha256 && (path == "" || name < path) {
			path, info = name, target
		}
	}
	return path, info
}
