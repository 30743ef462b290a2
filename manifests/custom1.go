// SPDX-License-Identifier: Apache-2.0

package manifests

// Custom1 is the custom part of a package's target as schema 1 wrote it. [ParseCustom] reads it into a Custom; whoever
// holds published metadata against its one form needs the shape itself.
type Custom1 struct {
	Model   string  `json:"model"`
	Variant string  `json:"variant"`
	Channel string  `json:"channel"`
	Release string  `json:"release"`
	Counter int64   `json:"counter"`
	Build   Build   `json:"build"`
	Effect  effect1 `json:"effect"`
}

// Custom1 is the part of a manifest of schema 1 that stands in the TUF metadata beside the package.
func (m Manifest) Custom1() Custom1 {
	return Custom1{m.Model, m.Variant, m.Channel, m.Release, m.Counter, m.Build, m.schema1().Effect}
}
