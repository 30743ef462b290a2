// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"time"

	"landed/manifests"
)

// Package is an uploaded OTA file that nothing refused. Its content never changes.
type Package struct {
	SHA256    string // 64 hex digits: its identity, and where its bytes are
	Name      string // file name as uploaded, checked
	Size      int64  // bytes
	Model     string // ro.product.device
	Variant   string
	Channel   string
	Family    string // "file", "ab"
	Build     manifests.Build
	PreBuilds []string // source fingerprints of an incremental
	Facts     []byte   // JSON of otapkg.Facts
	Findings  []byte   // JSON of otapkg.Findings: warnings and what needs approval
	By        string   // who uploaded it
	At        time.Time
}
