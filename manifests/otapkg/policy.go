// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"time"

	"landed/manifests"
)

// Policy is what the caller knows and expects. The zero Policy judges the package by itself.
type Policy struct {
	Catalogue *manifests.Catalogue // models known; nil: no DEV-UNKNOWN, and no rules of a model's recovery
	Model     string               // ro.product.device that the package must be for; empty: any (DEV-MODEL)
	Pins      []Pin                // OTA certificates pinned for the channel; empty: the signer is not judged (SIG-KEY)
	Channel   string               // "stable", "beta", "lab"; only "lab" may carry published keys and test builds
	Name      string               // file name as uploaded; empty: not judged (NAME-MD5, DEV-NAME, ZIP-FASTBOOT)
	Now       time.Time            // zero: not judged (VER-FUTURE)
}

// Lab is the channel for experiments: published keys and test builds are warned about, not refused.
const Lab = "lab"
