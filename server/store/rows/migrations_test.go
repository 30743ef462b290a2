// SPDX-License-Identifier: Apache-2.0

package rows_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"landed/server/store/rows"
)

// TestOldest reads which programs may go on with a migration from its first line.
func TestOldest(t *testing.T) {
	for text, want := range map[string]struct {
		oldest int
		err    string
	}{
		"CREATE TABLE x (y BIGINT)":                              {0, ""},
		"-- A remark.\n-- oldest: 1\nSELECT 1":                   {0, ""},
		"-- oldest: 1\nCREATE TABLE x (y BIGINT)":                {1, ""},
		"-- oldest:2\r\nCREATE TABLE x (y BIGINT)":               {2, ""},
		"-- oldest: 3\nan older program cannot know this one":    {0, "an earlier one"},
		"-- oldest: 0\nthere is none before the first":           {0, "an earlier one"},
		"-- oldest: first\nthat is no number":                    {0, "an earlier one"},
		"-- oldest: 1 and later\nwhat is behind it is not read?": {0, "an earlier one"},
	} {
		all, err := rows.Migrations(fstest.MapFS{
			"migrations/x/0001_first.sql": {Data: []byte("SELECT 1")}, "migrations/x/0002_next.sql": {Data: []byte("SELECT 1")},
			"migrations/x/0003_last.sql": {Data: []byte(text)},
		}, "x")
		if want.err != "" {
			if err == nil || !strings.Contains(err.Error(), want.err) {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if err != nil || all[2].Oldest != want.oldest {
			t.Errorf("%q: %v, %v", text, all, err)
		}
	}
}
