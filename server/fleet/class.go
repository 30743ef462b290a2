// SPDX-License-Identifier: Apache-2.0

package fleet

import "landed/manifests/effect"

// Class is a verdict: what the reports of one installation prove. Which there are, the effect of the release says.
type Class string

// Kind is what gates and figures count a class by: whoever judges says it with the class, so that a new class
// needs no line here, in the store or in the gates.
type Kind = effect.Kind
