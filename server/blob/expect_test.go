// SPDX-License-Identifier: Apache-2.0

package blob_test

import (
	"testing"

	"landed/server/blob"
)

func TestExpectedEnds(t *testing.T) {
	for name, c := range map[string]struct {
		parts    []blob.Range
		at, ends []int64
	}{
		"nothing is expected":      {nil, []int64{0, 50, 99}, []int64{100, 100, 100}},
		"one":                      {[]blob.Range{{10, 20}}, []int64{10}, []int64{20}},
		"one, twice":               {[]blob.Range{{10, 20}}, []int64{10, 10}, []int64{20, 100}},
		"from its middle":          {[]blob.Range{{10, 20}}, []int64{15, 15, 10}, []int64{20, 20, 20}},
		"elsewhere":                {[]blob.Range{{10, 20}}, []int64{0, 20}, []int64{100, 100}},
		"beyond the end":           {[]blob.Range{{90, 500}}, []int64{90}, []int64{100}},
		"an empty one":             {[]blob.Range{{10, 10}}, []int64{10}, []int64{100}},
		"several in their order":   {[]blob.Range{{50, 60}, {0, 10}}, []int64{50, 0}, []int64{60, 10}},
		"a short one after a long": {[]blob.Range{{0, 10}, {0, 5}, {2, 3}}, []int64{0, 0, 2}, []int64{10, 5, 3}},
	} {
		left := blob.Expected(c.parts)
		for i, at := range c.at {
			if end := left.End(at, 100); end != c.ends[i] {
				t.Errorf("%s: a reader at %d is thought to stop at %d, wanted %d", name, at, end, c.ends[i])
			}
		}
	}
}
