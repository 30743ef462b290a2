// SPDX-License-Identifier: Apache-2.0

package lineageos

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestListIsReadWhole: a list that would be longer than the app reads loses its oldest builds, whole; what is left is the newest,
// in order.
func TestListIsReadWhole(t *testing.T) {
	for _, n := range []int{0, 1, 12, 200} {
		var all []build2
		for i := range n {
			all = append(all, build2{DateTime: int64(i), Type: "nightly", Version: "22.2", Files: []file2{{
				FileName: fmt.Sprintf("%d.zip", i), URL: "https://ota.example/" + strings.Repeat("x", 2000)}}})
		}
		text := list2(all)
		var got []build2
		if err := json.Unmarshal([]byte(text), &got); err != nil || len(text) > MaxList {
			t.Fatalf("%d builds: %d bytes, %v", n, len(text), err)
		}
		for i, b := range got {
			if b.DateTime != int64(n-1-i) {
				t.Errorf("%d builds: in place %d is the one of %d", n, i, b.DateTime)
			}
		}
		if fits := n <= 12; fits && len(got) != n || !fits && (len(got) < 14 || len(got) > 16) {
			t.Errorf("%d builds: %d are left", n, len(got))
		}
	}
}
