// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/server/datadir"
	"landed/server/fleet"
)

var update = flag.Bool("update", false, "write the golden files again")

var testNow = time.Date(2014, 8, 20, 9, 0, 0, 0, time.UTC)

// house is a whole server over HTTP, with a token of each role.
type house struct {
	t      *testing.T
	dir    string
	url    string
	log    *record
	tokens map[fleet.Role]string
	*Server
}

func newHouse(t *testing.T, change ...func(*Config)) *house {
	t.Helper()
	ctx, now := context.Background(), func() time.Time { return testNow }
	h := &house{t: t, dir: t.TempDir(), log: &record{}, tokens: map[fleet.Role]string{}}
	var err error
	if h.tokens[fleet.RoleAdmin], err = datadir.Init(ctx, h.dir, "root", now); err != nil {
		t.Fatal(err)
	}
	for _, role := range []fleet.Role{fleet.RoleSupport, fleet.RoleEngineer} {
		if h.tokens[role], err = datadir.AddToken(ctx, h.dir, "a-"+string(role), role, now); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(h.dir, "ota-keys", "stable", "ota.pem"), fixtures.TestKey().CertPEM(), 0o644); err != nil {
		t.Fatal(err)
	}
	c := Config{DataDir: h.dir, Now: now, Log: slog.New(slog.NewTextHandler(h.log, nil)), MaxUpload: 4 << 20}
	for _, f := range change {
		f(&c)
	}
	h.Server, err = New(c)
	if err != nil {
		t.Fatal(err)
	}
	h.serve()
	return h
}

// serve opens the doors of a house until its test ends.
func (h *house) serve() {
	s := httptest.NewServer(h.Handler())
	h.t.Cleanup(func() {
		s.Close()
		if err := h.Close(); err != nil {
			h.t.Error(err)
		}
	})
	h.url = s.URL
}

// record is a log that may be read while the server writes it.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// do sends one request; who is a role, or "" for nobody.
func (h *house) do(who fleet.Role, method, path, body string, header ...string) (*http.Response, map[string]any) {
	h.t.Helper()
	r, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+h.tokens[who])
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	var answer map[string]any
	_ = json.Unmarshal(text, &answer)
	return resp, answer
}

// Every door and its guard, as a file that a change has to touch.
func TestDoors(t *testing.T) {
	h := newHouse(t)
	guard := map[string]fleet.Role{"GET /metrics": fleet.RoleSupport} // which TestMetrics holds
	for _, d := range h.console.Doors() {
		guard[d.Method+" /v1"+d.Path] = d.Role
	}
	var lines []string
	err := chi.Walk(h.routes(true, h.Server.public), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		who := string(guard[method+" "+route])
		delete(guard, method+" "+route)
		if who == "" {
			who = "everybody"
		}
		for _, tag := range Languages() { // the same in each
			if rest, ok := strings.CutPrefix(route, "/"+tag); ok {
				route = "/{language}" + rest
			}
		}
		lines = append(lines, fmt.Sprintf("%-7s %-40s %s\n", method, route, who))
		return nil
	})
	if err != nil || len(guard) > 0 {
		t.Fatalf("doors that are not mounted: %v, %v", guard, err)
	}
	for _, route := range []string{"/tuf/*", "/legacy/*", "/api/v1/{device}/{type}/{incr}", "/api/v2/devices/{device}/builds"} { // before the router
		lines = append(lines, fmt.Sprintf("%-7s %-40s %s\n", "GET", route, "everybody"))
	}
	slices.Sort(lines)
	got := strings.Join(slices.Compact(lines), "")
	const golden = "testdata/doors.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the doors changed (-want +got); if that is meant, run go test -update ./server\n%s", diff)
	}
}

// What the table says is what happens: nobody, and everybody below the role, is turned away.
func TestGuards(t *testing.T) {
	h := newHouse(t)
	order := []fleet.Role{"", fleet.RoleSupport, fleet.RoleEngineer, fleet.RoleAdmin}
	for _, d := range h.console.Doors() {
		path := "/v1" + strings.NewReplacer("{name}", "nothing", "{id}", "nothing", "{sha256}", "nothing").Replace(d.Path)
		for _, who := range order[:slices.Index(order, d.Role)] {
			resp, answer := h.do(who, d.Method, path, "{}")
			want := http.StatusForbidden
			if who == "" {
				want = http.StatusUnauthorized
			}
			if resp.StatusCode != want || answer["code"] == nil || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s by %q: %d %v", d.Method, path, who, resp.StatusCode, answer)
			}
		}
		if resp, answer := h.do(d.Role, d.Method, path, "{}"); resp.StatusCode == 401 || resp.StatusCode == 403 || resp.StatusCode >= 500 {
			t.Errorf("%s %s by %s: %d %v", d.Method, path, d.Role, resp.StatusCode, answer)
		}
	}
	h.tokens["stranger"] = "landed_" + strings.Repeat("A", 43)
	if resp, _ := h.do("stranger", "GET", "/v1/packages", ""); resp.StatusCode != 401 || resp.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("an unknown token: %d", resp.StatusCode)
	}
}

func TestAnswersInWords(t *testing.T) {
	h := newHouse(t)
	for _, tc := range []struct {
		name, method, path, body string
		who                      fleet.Role
		header                   []string
		status                   int
		code                     string
	}{
		{"no package at all", "POST", "/v1/packages?name=x.zip", "PK no", fleet.RoleEngineer, nil, 422, "package_refused"},
		{"larger than the limit", "POST", "/v1/packages?name=x.zip", strings.Repeat("x", 5<<20), fleet.RoleEngineer, nil, 413, "too_large"},
		{"a channel without a pinned key", "POST", "/v1/packages?name=x.zip&channel=beta", "PK", fleet.RoleEngineer, nil, 409, "no_ota_key"},
		{"an unknown field", "POST", "/v1/releases", `{"source":"","packages":[],"force":true}`, fleet.RoleEngineer, nil, 422, "json"},
		{"a release that is not there", "GET", "/v1/releases/none", "", fleet.RoleSupport, nil, 404, ""},
		{"no trust yet", "POST", "/v1/releases/none/stage", "{}", fleet.RoleEngineer, nil, 409, "trust_missing"},
		{"a halt without a reason", "POST", "/v1/rollouts/none/halt", `{"reason":""}`, fleet.RoleEngineer, nil, 404, ""},
		{"a bundle that is none", "POST", "/v1/trust", `{"schema":1,"files":{"1.root.json":"e30="}}`, fleet.RoleAdmin, nil, 422, "bundle"},
		{"a page number that is none", "GET", "/v1/audit?limit=0", "", fleet.RoleSupport, nil, 422, "number"},
		{"a browser of another site", "POST", "/v1/releases", "{}", fleet.RoleEngineer, []string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"a token of no role", "POST", "/v1/tokens", `{"name":"eve","role":"king"}`, fleet.RoleAdmin, nil, 422, "token_role"},
		{"the last admin", "DELETE", "/v1/tokens/root", "", fleet.RoleAdmin, nil, 409, "last_admin"},
		{"a report in another form", "POST", "/v1/reports", "x=1", "", []string{"Content-Type", "application/x-www-form-urlencoded"}, 422, "content_type"},
		{"a report of 50 MiB", "POST", "/v1/reports", strings.Repeat("x", 50<<20), "", []string{"Content-Type", "application/json"}, 413, "too_large"},
		{"a report that is none", "POST", "/v1/reports", "{}", "", []string{"Content-Type", "application/json"}, 422, ""},
		{"a method that the API does not take there", "PUT", "/v1/packages", "", fleet.RoleEngineer, nil, 405, "method"},
		{"a method that reports are not sent by", "GET", "/v1/reports", "", "", nil, 405, "method"},
		{"an API address that is none", "GET", "/v1/nothing", "", "", nil, 404, "no_such_page"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resp, answer := h.do(tc.who, tc.method, tc.path, tc.body, tc.header...)
			if resp.StatusCode != tc.status || tc.code != "" && answer["code"] != tc.code {
				t.Fatalf("%d %v; wanted %d %s", resp.StatusCode, answer, tc.status, tc.code)
			}
			if detail, _ := answer["detail"].(string); tc.code != "" && !strings.HasSuffix(detail, ".") {
				t.Errorf("detail is no sentence: %q", detail)
			}
			if resp.Header.Get("X-Request-Id") == "" {
				t.Error("the answer has no request id")
			}
		})
	}
	if log := h.log.String(); strings.Contains(log, "127.0.0.1") || strings.Contains(log, "landed_") {
		t.Error("the log holds a client's address or a token")
	}
}

// Whoever comes by a wrong method is told the right ones, also at a page.
func TestWrongMethods(t *testing.T) {
	h := newHouse(t)
	for path, want := range map[string]string{
		"/v1/packages": "GET, POST", "/v1/reports": "POST", "/v1/releases/a%20b": "GET, DELETE", "/v1/trust": "GET, POST",
		"/models/armani": "GET, HEAD", "/status.json": "GET, HEAD", "/healthz": "GET",
	} {
		resp, _ := h.do("", "PUT", path, "")
		if resp.StatusCode != 405 || resp.Header.Get("Allow") != want {
			t.Errorf("PUT %s: %d, Allow %q; wanted %q", path, resp.StatusCode, resp.Header.Get("Allow"), want)
		}
	}
}

// TestFaultForPeople: an address that leads nowhere and a fault of ours are a page of the house
// for a browser, with the way on, and a document for programs.
func TestFaultForPeople(t *testing.T) {
	h := newHouse(t)
	resp, err := http.Get(h.url + "/no/such/page")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != 404 || !strings.Contains(string(body), `action="/find"`) || resp.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("%d without a way on: %s", resp.StatusCode, body)
	}
	resp, answer := h.do("", "GET", "/no/such/page", "", "Accept", "application/json")
	if resp.StatusCode != 404 || answer["code"] != "not_found" || !strings.Contains(resp.Header.Get("Vary"), "Accept") {
		t.Errorf("a program is answered %d %v", resp.StatusCode, answer)
	}
	broken := recoverer(slog.New(slog.DiscardHandler), faults(h.Server.public))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a fault") }))
	for accept, want := range map[string]string{"text/html,*/*": "cannot be shown just now", "application/json": `"code":"internal"`} {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		r.Header.Set("Accept", accept)
		broken.ServeHTTP(w, r)
		if w.Code != 500 || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "a fault") {
			t.Errorf("%s: %d %s", accept, w.Code, w.Body)
		}
	}
}

// TestPublicHasNoControl: beside a listener for console and health, the public one has neither.
func TestPublicHasNoControl(t *testing.T) {
	h := newHouse(t)
	s := httptest.NewServer(h.Public())
	defer s.Close()
	h.url = s.URL
	for _, path := range []string{"/healthz", "/readyz", "/v1/packages", "/v1/rollouts/x/halt", "/v1/", "/v1/nothing"} {
		for _, method := range []string{"GET", "POST"} {
			resp, answer := h.do(fleet.RoleAdmin, method, path, "")
			if resp.StatusCode != 404 || answer["code"] != "no_such_page" {
				t.Errorf("%s %s: %d %v", method, path, resp.StatusCode, answer)
			}
		}
	}
	if resp, answer := h.do("", "POST", "/v1/reports", "{}", "Content-Type", "application/json"); resp.StatusCode != 422 {
		t.Errorf("a report is answered %d %v", resp.StatusCode, answer)
	}
	for _, path := range []string{"/", "/status.json", "/releases"} {
		if resp, err := http.Get(s.URL + path); err != nil || resp.StatusCode != 200 {
			t.Errorf("%s: %v %v", path, resp, err)
		}
	}
}

func TestTokens(t *testing.T) {
	h := newHouse(t)
	resp, made := h.do(fleet.RoleAdmin, "POST", "/v1/tokens", `{"name":"ann","role":"engineer"}`)
	if resp.StatusCode != 201 {
		t.Fatal(resp.Status, made)
	}
	h.tokens["ann"] = made["token"].(string)
	if resp, _ := h.do("ann", "GET", "/v1/packages", ""); resp.StatusCode != 200 {
		t.Error("a new token does not let in")
	}
	if resp, again := h.do(fleet.RoleAdmin, "POST", "/v1/tokens", `{"name":"ann","role":"admin"}`); resp.StatusCode != 409 {
		t.Error("a name was taken twice", again)
	}
	if _, all := h.do(fleet.RoleAdmin, "GET", "/v1/tokens", ""); strings.Contains(fmt.Sprint(all), h.tokens["ann"]) {
		t.Error("the list shows a secret")
	}
	if resp, _ := h.do(fleet.RoleAdmin, "DELETE", "/v1/tokens/ann", ""); resp.StatusCode != 204 {
		t.Error(resp.Status)
	}
	if resp, _ := h.do("ann", "GET", "/v1/packages", ""); resp.StatusCode != 401 {
		t.Error("a withdrawn token still lets in")
	}
	_, trail := h.do(fleet.RoleSupport, "GET", "/v1/audit?limit=2", "")
	entries := trail["entries"].([]any)
	if first := entries[0].(map[string]any); first["action"] != "token.delete" || first["actor"] != "root" || len(entries) != 2 {
		t.Errorf("the audit trail begins with %v", entries)
	}
	_, rest := h.do(fleet.RoleSupport, "GET", fmt.Sprintf("/v1/audit?before=%v", trail["before"]), "")
	if len(rest["entries"].([]any)) != 3 { // init's admin and two tokens of newHouse
		t.Errorf("the second page is %v", rest)
	}
}

func TestKeysAreKeptFromOthers(t *testing.T) {
	h := newHouse(t)
	path := filepath.Join(h.dir, "keys", "timestamp.pem")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{DataDir: h.dir}); err == nil || !strings.Contains(err.Error(), "can be read by others") {
		t.Errorf("got %v", err)
	}
	if _, err := datadir.Init(context.Background(), h.dir, "root", time.Now); err == nil {
		t.Error("a data folder was made twice")
	}
}

func TestOneServerPerFolder(t *testing.T) {
	h := newHouse(t)
	if _, err := New(h.cfg); err == nil || !strings.Contains(err.Error(), "another otad") {
		t.Fatalf("a second server on the same folder: %v", err)
	}
	look := h.cfg
	look.ReadOnly = true
	s, err := New(look)
	if err != nil {
		t.Fatalf("looking at it beside the server: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
