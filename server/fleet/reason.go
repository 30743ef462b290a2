// SPDX-License-Identifier: Apache-2.0

package fleet

import "landed/manifests/effect"

// Reason is why something is as it is: a code, and the values that its sentence holds. It is worded when it is read
// (server/reasons), so that what is stored speaks every language.
type Reason = effect.Reason

// Codes of reasons that are words already.
const (
	SaidCode     = "said"     // a person's own words
	RecordedCode = "recorded" // words that an older program stored
)

// TextValue is the value that holds the words of SaidCode and RecordedCode.
const TextValue = "text"

// Said is a reason in a person's words.
func Said(words string) Reason {
	return Reason{Code: SaidCode, Values: map[string]string{TextValue: words}}
}

// Recorded is a reason of which the words alone are known.
func Recorded(words string) Reason {
	return Reason{Code: RecordedCode, Values: map[string]string{TextValue: words}}
}
