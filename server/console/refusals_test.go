// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"landed/server/fleet"
)

var anything = strings.NewReplacer("{name}", "nothing", "{id}", "nothing", "{sha256}", "nothing")

// takesJSON are the doors that read JSON, with a body that each of them can read.
var takesJSON = map[string]string{
	"POST /releases":              `{"source":"","packages":[]}`,
	"POST /rollouts":              `{"release":"none"}`,
	"POST /rollouts/{id}/halt":    `{"reason":"why"}`,
	"POST /rollouts/{id}/resume":  `{"reason":"why"}`,
	"POST /known-issues":          `{"source":""}`,
	"POST /tokens":                `{"name":"ann","role":"king"}`,
	"POST /changes/{id}/response": `{"schema":1,"request":"","signatures":[]}`,
	"POST /trust":                 `{"schema":1,"files":{}}`,
}

// Every door turns away who may not enter, and who comes by another method or from another site.
func TestEveryDoorIsGuarded(t *testing.T) {
	h := newHouse(t)
	rising := []fleet.Role{"", fleet.RoleSupport, fleet.RoleEngineer, fleet.RoleAdmin}
	methods := map[string][]string{} // by path
	for _, d := range h.doors {
		methods[d.Path] = append(methods[d.Path], d.Method)
	}
	for _, d := range h.doors {
		name, path := d.Method+" "+d.Path, anything.Replace(d.Path)
		body := takesJSON[name]
		for _, who := range rising[:slices.Index(rising, d.Role)] {
			want, code := http.StatusForbidden, "role_too_low"
			if who == "" {
				want, code = http.StatusUnauthorized, "token_needed"
			}
			if got := h.ask(who, name, path, strings.NewReader(body)); got.status != want || got.code != code {
				t.Errorf("%s by %q: %d %s, wanted %d %s", name, who, got.status, got.code, want, code)
			}
		}
		if d.Method != http.MethodGet {
			for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://elsewhere.example"}} {
				if got := h.ask(d.Role, name, path, strings.NewReader(body), header...); got.status != http.StatusForbidden || got.code != "other_site" {
					t.Errorf("%s with %s: %d", name, header, got.status)
				}
			}
		}
		for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			if slices.Contains(methods[d.Path], m) {
				continue
			}
			if got := h.ask(fleet.RoleAdmin, m+" "+d.Path, path, strings.NewReader(body)); got.status != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", m, path, got.status)
			}
		}
	}
}

// Every door that takes JSON takes just the JSON that it knows, of a size that it can hold.
func TestJSONDoorsAreStrict(t *testing.T) {
	h := newHouse(t)
	huge := `{"reason":"` + strings.Repeat("x", maxJSON) + `"}`
	left := maps.Clone(takesJSON)
	for _, d := range h.doors {
		name, path := d.Method+" "+d.Path, anything.Replace(d.Path)
		good, does := left[name]
		if !does {
			continue
		}
		wrong := map[string]string{"POST /trust": "bundle", "POST /changes/{id}/response": "response"}[name]
		if wrong == "" {
			wrong = "json"
		}
		for _, tt := range []struct {
			name   string
			body   io.Reader
			kind   string
			status int
			code   string
		}{
			{"nothing", strings.NewReader(""), "application/json", 422, wrong},
			{"half of it", strings.NewReader(good[:len(good)-1]), "application/json", 422, wrong},
			{"an unknown field", strings.NewReader(`{"force":true,` + good[1:]), "application/json", 422, wrong},
			{"something after it", strings.NewReader(good + "{}"), "application/json", 422, wrong},
			{"a bracket after it", strings.NewReader(good + "]"), "application/json", 422, wrong},
			{"a list", strings.NewReader("[" + good + "]"), "application/json", 422, wrong},
			{"a field of another type", strings.NewReader(strings.NewReplacer(`"source":""`, `"source":7`, `"none"`, "7", `"why"`, "7", `"ann"`, "7", `"schema":1`, `"schema":"1"`).Replace(good)), "application/json", 422, wrong},
			{"a form", strings.NewReader("reason=why"), "application/x-www-form-urlencoded", 422, "content_type"},
			{"JSON that is called text", strings.NewReader(good), "text/plain", 422, "content_type"},
			{"a content type that is none", strings.NewReader(good), "application/json; =", 422, "content_type"},
			{"too much", strings.NewReader(huge), "application/json", 413, "too_large"},
			{"one that breaks off", io.MultiReader(strings.NewReader(good[:5]), iotest.ErrReader(io.ErrUnexpectedEOF)), "application/json", 422, "truncated"},
		} {
			if got := h.ask(d.Role, name, path, tt.body, "Content-Type", tt.kind); got.status != tt.status || got.code != tt.code {
				t.Errorf("%s, %s: %d %s, wanted %d %s", name, tt.name, got.status, got.code, tt.status, tt.code)
			}
		}
		delete(left, name)
	}
	if len(left) > 0 {
		t.Errorf("there are no such doors: %v", left)
	}
}

func TestNothingIsThere(t *testing.T) {
	h := newHouse(t)
	for door, code := range map[string]string{
		"GET /releases/{name}":       "release_unknown",
		"DELETE /releases/{name}":    "release_unknown",
		"GET /changes/{id}":          "change_unknown",
		"DELETE /changes/{id}":       "change_unknown",
		"GET /changes/{id}/request":  "change_unknown",
		"GET /rollouts/{id}":         "rollout_unknown",
		"POST /rollouts/{id}/halt":   "rollout_unknown",
		"POST /rollouts/{id}/resume": "rollout_unknown",
		"DELETE /tokens/{name}":      "token_unknown",
		"DELETE /packages/{sha256}":  "package_unknown",
	} {
		body, query := "", ""
		if strings.HasPrefix(door, "POST") {
			body = `{"reason":"why"}`
		}
		if strings.HasPrefix(door, "DELETE /releases") || strings.HasPrefix(door, "DELETE /changes") {
			query = "?reason=why"
		}
		_, path, _ := strings.Cut(door, " ")
		for _, id := range []string{"nothing", "%2e%2e%2fetc", "a%00b", "%ff", "'%20OR%201=1", strings.Repeat("a", 10_000)} {
			got := h.ask(fleet.RoleAdmin, door, strings.NewReplacer("{name}", id, "{id}", id, "{sha256}", id).Replace(path)+query, strings.NewReader(body))
			if got.status != 404 || got.code != code {
				t.Errorf("%s of %.20q: %d %s, wanted 404 %s", door, id, got.status, got.code, code)
			}
		}
	}
}

func TestUploadRefusals(t *testing.T) {
	h := newHouse(t)
	name, _, body := packageOf(t)
	tooLong := bytes.Repeat([]byte("x"), maxUpload+1)
	for _, tt := range []struct {
		name, query, kind string
		body              io.Reader
		status            int
		code              string
	}{
		{"no name", "", "", bytes.NewReader(body), 422, "file_name"},
		{"a path for a name", "name=..%2Fx.zip", "", bytes.NewReader(body), 422, "file_name"},
		{"a channel that there is none", "name=" + name + "&channel=nightly", "", bytes.NewReader(body), 422, "channel"},
		{"a channel without a certificate", "name=" + name + "&channel=beta", "", bytes.NewReader(body), 409, "no_ota_key"},
		{"a misspelt field", "name=" + name + "&chanel=lab", "", bytes.NewReader(body), 422, "query"},
		{"two channels", "name=" + name + "&channel=lab&channel=stable", "", bytes.NewReader(body), 422, "query"},
		{"an address that cannot be read", "name=" + name + "&channel=%zz", "", bytes.NewReader(body), 422, "query"},
		{"a form with a file", "name=" + name, "multipart/form-data; boundary=x", bytes.NewReader(body), 422, "content_type"},
		{"no package", "name=x.zip", "application/zip", strings.NewReader("PK no"), 422, "package_refused"},
		{"nothing", "name=x.zip", "", strings.NewReader(""), 422, "package_refused"},
		{"half a package, as if that were all", "name=" + name, "", bytes.NewReader(body[:len(body)/2]), 422, "package_refused"},
		{"half a package of a whole one", "name=" + name, "", io.MultiReader(bytes.NewReader(body[:len(body)/2]), iotest.ErrReader(io.ErrUnexpectedEOF)), 422, "truncated"},
		{"too long, and it says so", "name=" + name, "", bytes.NewReader(tooLong), 413, "too_large"},
		{"too long, and nobody knew", "name=" + name, "", io.MultiReader(bytes.NewReader(tooLong)), 413, "too_large"},
	} {
		got := h.ask(fleet.RoleEngineer, "POST /packages", "/packages?"+tt.query, tt.body, "Content-Type", tt.kind)
		if got.status != tt.status || got.code != tt.code {
			t.Errorf("%s: %d %s, wanted %d %s", tt.name, got.status, got.code, tt.status, tt.code)
		}
		if findings, _ := got.values["findings"].([]any); (tt.code == "package_refused") != (len(findings) > 0) {
			t.Errorf("%s: %d findings", tt.name, len(findings))
		}
	}
	for stated, code := range map[string]string{
		"sha-256=:AAAA:": "digest", "md5=:AAAA:, sha-256=nonsense": "digest",
		"sha-256=:" + strings.Repeat("A", 43) + "=:": "other_digest",
	} {
		got := h.ask(fleet.RoleEngineer, "POST /packages", "/packages?name="+name, bytes.NewReader(body), "Repr-Digest", stated)
		if got.status != 422 || got.code != code {
			t.Errorf("Repr-Digest %s: %d %s, wanted %s", stated, got.status, got.code, code)
		}
	}
	if n := h.passed["POST /packages"]; n != 0 {
		t.Errorf("%d were taken", n)
	}
}

func TestAuditPages(t *testing.T) {
	h := newHouse(t) // its trail has three lines: a token each
	for _, tt := range []struct {
		query   string
		status  int
		entries int
		more    bool
	}{
		{"", 200, 3, false}, {"limit=2", 200, 2, true}, {"limit=3", 200, 3, true}, {"limit=500", 200, 3, false},
		{"limit=1&before=1", 200, 0, false}, {"subject=a-admin", 200, 1, false}, {"subject=nobody", 200, 0, false},
		{"subject=a-admin&limit=1", 200, 1, false}, // a subject has no pages: whoever follows them would walk in a circle
		{"limit=0", 422, 0, false}, {"limit=501", 422, 0, false}, {"limit=x", 422, 0, false}, {"limit=-1", 422, 0, false},
		{"before=-1", 422, 0, false}, {"before=9223372036854775808", 422, 0, false}, {"limit=1e2", 422, 0, false},
		{"page=2", 422, 0, false}, {"limit=1&limit=2", 422, 0, false},
	} {
		got := h.ask(fleet.RoleSupport, "GET /audit", "/audit?"+tt.query, nil)
		entries, _ := got.values["entries"].([]any)
		if _, more := got.values["before"]; got.status != tt.status || len(entries) != tt.entries || more != tt.more {
			t.Errorf("%q: %d with %d entries, more: %t; wanted %d, %d, %t", tt.query, got.status, len(entries), more, tt.status, tt.entries, tt.more)
		}
	}
}
