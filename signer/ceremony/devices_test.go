// SPDX-License-Identifier: Apache-2.0

package ceremony

import "testing"

// Of the builds of a package for several devices, each model has its own; a single one is everybody's.
func TestBuildOfModel(t *testing.T) {
	const fuxi = "Xiaomi/fuxi_global/fuxi:16/BP2A.250605.031.A3/OS3.0.4.0.WMCMIXM:user/release-keys"
	const nuwa = "Xiaomi/nuwa_global/nuwa:16/BP2A.250605.031.A3/OS3.0.4.0.WMCMIXM:user/release-keys"
	for _, tc := range []struct {
		post               []string
		fingerprint, model string
		want               bool
	}{
		{[]string{fuxi, nuwa}, fuxi, "fuxi", true},
		{[]string{fuxi, nuwa}, nuwa, "nuwa", true},
		{[]string{fuxi, nuwa}, nuwa, "fuxi", false},
		{[]string{fuxi, nuwa}, "no fingerprint", "fuxi", false},
		{[]string{fuxi}, fuxi, "nuwa", true},
		{[]string{fuxi}, nuwa, "nuwa", false},
		{nil, fuxi, "fuxi", false},
	} {
		if got := buildOf(tc.post, tc.fingerprint, tc.model); got != tc.want {
			t.Errorf("%d builds, %s on %s: %t, wanted %t", len(tc.post), tc.fingerprint, tc.model, got, tc.want)
		}
	}
}
