// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/url"
	"testing"

	"landed/server/fleet"
)

// FuzzBody: what a door does not know is refused in words that the caller is to blame for, and what it takes is one JSON
// value.
func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"reason":"it is bad"}`), "application/json; charset=utf-8", "channel=lab")
	f.Add([]byte(`{"reason":"a","reason":"b","x":1}{}`), "text/html", "channel=lab&channel=beta")
	f.Add([]byte("[\xff]"), "", "%zz;a=b")
	f.Fuzz(func(t *testing.T, text []byte, kind, raw string) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(text))
		r.Header["Content-Type"] = []string{kind}
		r.URL = &url.URL{Path: "/", RawQuery: raw}
		blamed := func(err error) {
			if e, ok := errors.AsType[*fleet.Error](err); err != nil && (!ok || e.Kind != fleet.Invalid || e.Msg == "") {
				t.Fatalf("refused with %v", err)
			}
		}
		q, err := query(r, "channel")
		blamed(err)
		if len(q) > 1 || len(q) == 1 && len(q["channel"]) != 1 {
			t.Fatalf("%q is taken for %v", raw, q)
		}
		var into struct {
			Reason string `json:"reason"`
		}
		if err := read(httptest.NewRecorder(), r, &into); err != nil {
			blamed(err)
		} else if !json.Valid(text) {
			t.Fatalf("%q is taken for JSON", text)
		}
	})
}
