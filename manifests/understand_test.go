// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func customText(t testing.TB) string {
	t.Helper()
	text, err := json.Marshal(Custom{Schema: 2, Model: "armani", Variant: "armani_global", Channel: "stable", Release: "opt-in",
		Counter: 1, Build: Build{Fingerprint: "f", Incremental: "i", UTC: 1}, Effect: "app-list-upload-off", Manifest: digest})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestParseCustom(t *testing.T) {
	good := customText(t)
	for name, tc := range map[string]struct{ old, new, fault string }{
		"as it is":           {"", "", ""},
		"an unknown member":  {`"model"`, `"proof":[1],"model"`, ""},
		"an older version":   {`"schema":2,`, ``, ""},
		"a later version":    {`"schema":2`, `"schema":1000`, "version 1000 of the custom part"},
		"a manifest":         {digest, "x", "wanted 64 hex digits"},
		"must be understood": {`"model"`, `"must_understand":["proof"],"model"`, `knows "proof"`},
		"below":              {`"fingerprint"`, `"must_understand":["proof"],"fingerprint"`, `knows "proof"`},
		"a model":            {`"armani"`, `"a\u001b"`, "not a device name"},
		"a variant":          {`"armani_global"`, `""`, "not a device name"},
		"a channel":          {`"stable"`, `"\u202e"`, "not the name of a channel"},
		"a new channel":      {`"stable"`, `"canary-2"`, ""},
		"a release":          {`"opt-in"`, `"Opt In"`, "not the name of a release"},
		"a counter":          {`"counter":1`, `"counter":0`, "counter is 0"},
		"a build time":       {`"utc":1`, `"utc":-1`, "build.utc"},
		"a fingerprint":      {`"fingerprint":"f"`, `"fingerprint":""`, "build.fingerprint"},
		"two values":         {`{"schema"`, `[{}] {"schema"`, "more than one"},
	} {
		c, err := ParseCustom([]byte(strings.Replace(good, tc.old, tc.new, 1)))
		if tc.fault == "" && (err != nil || c.Model != "armani" || c.Build.UTC != 1) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)) {
			t.Errorf("%s: got %v, wanted %s", name, err, tc.fault)
		}
	}
}

func TestReadManifest(t *testing.T) {
	good := string(exampleManifest().Bytes())
	for name, tc := range map[string]struct {
		old, new string
		needs    bool
	}{
		"an unknown member":  {`"model"`, `"probes":[{"x":1}],"model"`, false},
		"one below":          {`"path"`, `"sha512":"","path"`, false},
		"a later version":    {`"schema":2`, `"schema":1000`, true},
		"must be understood": {`"model"`, `"must_understand":["witness"],"model"`, true},
	} {
		text := []byte(strings.Replace(good, tc.old, tc.new, 1))
		if string(text) == good {
			t.Fatalf("%s: nothing was altered", name)
		}
		_, err := ReadManifest(text)
		_, needs := errors.AsType[*NeedsError](err)
		if needs != tc.needs || !needs && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := ParseManifest(text); err == nil {
			t.Errorf("%s: a publisher took it", name)
		}
	}
	if _, err := ReadManifest([]byte(strings.Replace(good, `"channel":"stable"`, `"channel":""`, 1))); err == nil {
		t.Error("a manifest without a channel was taken")
	}
}

func TestSameJSON(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{`{"a":1,"b":[true,null]}`, ` { "b" : [ true , null ] , "a" : 1 } `, true},
		{`{"a":"\u00e9<"}`, `{"a":"é\u003c"}`, true},
		{`{"a":1}`, `{"a":1,"b":null}`, false},
		{`{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{`{"a":9007199254740993}`, `{"a":9007199254740992}`, false}, // equal as floating point
		{`{"a":12345678901234567890123}`, `{"a":12345678901234567890123}`, true},
		{`{"a":1}`, `{"a":1.0}`, false},
		{`{"a":1}`, `{"a":"1"}`, false},
		{`{"a":1}`, `{"A":1}`, false},
		{`{"a":5,"a":1}`, `{"a":1}`, false},
		{`{"a":1} {}`, `{"a":1}`, false},
		{``, ``, false},
	} {
		if got := SameJSON([]byte(tc.a), []byte(tc.b)); got != tc.same || SameJSON([]byte(tc.b), []byte(tc.a)) != got {
			t.Errorf("%s and %s: %v", tc.a, tc.b, got)
		}
	}
}

// What one reader takes for a value, no other may take for another: whatever is read leniently is, after what is
// unknown was taken away, what a strict reader reads.
func FuzzParseCustom(f *testing.F) {
	good := customText(f)
	for _, text := range []string{good, strings.Replace(good, `"model"`, `"Model":"dior","x":{"must_understand":["y"]},"model"`, 1),
		strings.Replace(good, `"model"`, `"must_understand":["y"],"model"`, 1), `{"schema":2}`, `[]`, `null`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseCustom(text)
		if needs, ok := errors.AsType[*NeedsError](err); ok && needs.Version == 0 && len(needs.Members) == 0 {
			t.Fatalf("it needs nothing: %v", err)
		}
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if json.Unmarshal(text, &members) != nil || !SameJSON(text, text) {
			t.Fatalf("taken: %s", text)
		}
		var model string
		if json.Unmarshal(members["model"], &model) != nil || model != c.Model {
			t.Fatalf("read %q as the model of %s", c.Model, text)
		}
	})
}
