// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"landed/manifests/effect"
	"landed/manifests/release"
	"landed/server/fleet"
)

// OptIn is the effect of the first fix, which most tests are about.
var OptIn = *release.OptIn().Effect

// KindOf is the kind of a class of OptIn.
func KindOf(class fleet.Class) effect.Kind { return OptIn.KindOf(string(class)) }
