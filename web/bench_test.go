// SPDX-License-Identifier: Apache-2.0

package web

import "testing"

// BenchmarkChoose is what a poll pays for the language of its reader.
func BenchmarkChoose(b *testing.B) {
	n := NewNegotiator("en", "zh-Hans", "zh-Hant")
	for b.Loop() {
		n.Choose([]string{"zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7"})
	}
}
