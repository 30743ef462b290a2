// SPDX-License-Identifier: Apache-2.0

package web

import "testing"

// TestTied: no line of a page ends between a number and its sign.
func TestTied(t *testing.T) {
	for page, want := range map[string]string{
		"":                                  "",
		"10 % of 20 %":                      "10\u00a0% of 20\u00a0%",
		"<p>98.1–100 %</p>":                 "<p>98.1–100\u00a0%</p>",
		"412.9 MB, 0.9 kB, 3.20 GB":         "412.9\u00a0MB, 0.9\u00a0kB, 3.20\u00a0GB",
		"what % is, and of MB":              "what % is, and of MB",
		" %":                                " %",
		"10%, 10\u00a0%":                    "10%, 10\u00a0%",
		`<rect x="0%" width="10%"> 3 % <`:   "<rect x=\"0%\" width=\"10%\"> 3\u00a0% <",
		"<bdi>It stops at 40 %</bdi> 40 % ": "<bdi>It stops at 40\u00a0%</bdi> 40\u00a0% ",
	} {
		if got := string(tied([]byte(page))); got != want {
			t.Errorf("%q is %q, wanted %q", page, got, want)
		}
	}
}
