// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/server/fleet"
	"landed/server/store"
)

var ctx = context.Background()

var now = time.Date(2014, 8, 20, 9, 0, 0, 0, time.UTC)

// gate is a guard on a real database, with one token of each role.
type gate struct {
	*Guard
	dir     string
	db      store.Database
	secrets map[fleet.Role]string
}

func newGate(t testing.TB) *gate {
	t.Helper()
	g := &gate{dir: t.TempDir(), secrets: map[fleet.Role]string{}}
	var err error
	if g.db, err = store.Make(ctx, filepath.Join(g.dir, "landed.db"), func() time.Time { return now }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.db.Close() })
	g.Guard = &Guard{Store: g.db, Log: slog.New(slog.DiscardHandler)}
	for role := range rank {
		g.secrets[role] = g.add(t, "a-"+string(role), role)
	}
	return g
}

func (g *gate) add(t testing.TB, name string, role fleet.Role) (secret string) {
	t.Helper()
	secret, token, err := NewToken(name, role, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := Add(ctx, g.db, token, "init"); err != nil {
		t.Fatal(err)
	}
	return secret
}

// behind answers with the name of whoever got through a guard for role.
func (g *gate) behind(role fleet.Role) http.Handler {
	return g.Require(role)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "in: %s", Actor(r.Context()))
	}))
}

// ask sends a request with these Authorization headers.
func ask(h http.Handler, headers ...string) *http.Response {
	r := httptest.NewRequest("GET", "/", nil)
	for _, value := range headers {
		r.Header.Add("Authorization", value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t testing.TB, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestEachRoleAtEachGuard(t *testing.T) {
	g := newGate(t)
	roles := []fleet.Role{fleet.RoleSupport, fleet.RoleEngineer, fleet.RoleAdmin} // rising
	for needed, door := range roles {
		for has, role := range roles {
			resp := ask(g.behind(door), "Bearer "+g.secrets[role])
			body := text(t, resp)
			if has >= needed {
				if resp.StatusCode != 200 || body != "in: a-"+string(role) {
					t.Errorf("%s at the door for %s: %d %s", role, door, resp.StatusCode, body)
				}
				continue
			}
			for _, want := range []string{`"role_too_low"`, "a-" + string(role), "role " + string(role), "needs " + string(door)} {
				if resp.StatusCode != 403 || !strings.Contains(body, want) {
					t.Errorf("%s at the door for %s: %d %s; wanted 403 and %q", role, door, resp.StatusCode, body, want)
				}
			}
		}
	}
}

// A scheme is case-insensitive (RFC 9110, 11.1), a token is not.
func TestSpellings(t *testing.T) {
	g := newGate(t)
	secret := g.secrets[fleet.RoleSupport]
	for name, tt := range map[string]struct {
		headers []string
		in      bool
	}{
		"as written":               {[]string{"Bearer " + secret}, true},
		"lower-case scheme":        {[]string{"bearer " + secret}, true},
		"upper-case scheme":        {[]string{"BEARER " + secret}, true},
		"two spaces":               {[]string{"Bearer  " + secret}, true},
		"no header":                {nil, false},
		"an empty header":          {[]string{""}, false},
		"a scheme alone":           {[]string{"Bearer"}, false},
		"a scheme and a space":     {[]string{"Bearer "}, false},
		"spaces for a token":       {[]string{"Bearer    "}, false},
		"a token alone":            {[]string{secret}, false},
		"another scheme":           {[]string{"Basic " + secret}, false},
		"no space":                 {[]string{"Bearer" + secret}, false},
		"a tab for the space":      {[]string{"Bearer\t" + secret}, false},
		"two tokens in one header": {[]string{"Bearer " + secret + " " + secret}, false},
		"a list":                   {[]string{"Bearer " + secret + ", Bearer " + secret}, false},
		"without its prefix":       {[]string{"Bearer " + strings.TrimPrefix(secret, prefix)}, false},
		"cut short":                {[]string{"Bearer " + secret[:len(secret)-1]}, false},
		"one letter more":          {[]string{"Bearer " + secret + "A"}, false},
		"lower-case token":         {[]string{"Bearer " + strings.ToLower(secret)}, false},
		"its hash, as stored":      {[]string{fmt.Sprintf("Bearer %x", sha256.Sum256([]byte(secret)))}, false},
		"a wildcard of the store":  {[]string{"Bearer %"}, false},
		"a quote":                  {[]string{"Bearer ' OR 1=1 --"}, false},
		"a megabyte":               {[]string{"Bearer " + strings.Repeat("A", 1<<20)}, false},
		// Whoever stands before this server may look at another one of them than it does.
		"two headers, the first right":  {[]string{"Bearer " + secret, "Bearer x"}, false},
		"two headers, the second right": {[]string{"Bearer x", "Bearer " + secret}, false},
		"the same header twice":         {[]string{"Bearer " + secret, "Bearer " + secret}, false},
	} {
		resp := ask(g.behind(fleet.RoleSupport), tt.headers...)
		body := text(t, resp)
		if in := resp.StatusCode == 200; in != tt.in {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
		if !tt.in && (resp.StatusCode != 401 || !strings.Contains(body, `"token_needed"`) || strings.Contains(body, secret)) {
			t.Errorf("%s: refused with %d %s", name, resp.StatusCode, body)
		}
	}
}

// Nobody can find out from the answer whether a token was ever one.
func TestRefusalsAreOneAnswer(t *testing.T) {
	g := newGate(t)
	withdrawn := g.add(t, "gone", fleet.RoleAdmin)
	if err := g.db.Update(ctx, func(tx fleet.Tx) error { return tx.Tokens().Delete(ctx, "gone") }); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		Status int
		Header http.Header
		Body   string
	}
	var first *answer
	for _, role := range []fleet.Role{fleet.RoleSupport, fleet.RoleEngineer, fleet.RoleAdmin} {
		for name, token := range map[string]string{
			"unknown":   prefix + strings.Repeat("A", 43),
			"withdrawn": withdrawn,
			"malformed": "landed",
			"the name":  "a-admin",
		} {
			resp := ask(g.behind(role), "Bearer "+token)
			got := &answer{resp.StatusCode, resp.Header, text(t, resp)}
			if first == nil {
				first = got
			}
			if diff := cmp.Diff(first, got); diff != "" {
				t.Errorf("a token that is %s, at the door for %s, gets another answer than others:\n%s", name, role, diff)
			}
		}
	}
	if first.Status != 401 || !strings.HasPrefix(first.Header.Get("WWW-Authenticate"), "Bearer ") {
		t.Errorf("the answer is %d with %v", first.Status, first.Header)
	}
}

// What lies on the disk lets nobody in.
func TestOnlyHashesAreStored(t *testing.T) {
	g := newGate(t)
	if err := g.db.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(g.dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	hashes := 0
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(g.dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for role, secret := range g.secrets {
			if strings.Contains(string(content), strings.TrimPrefix(secret, prefix)) {
				t.Errorf("%s holds the secret of %s", f.Name(), role)
			}
			if sum := sha256.Sum256([]byte(secret)); strings.Contains(string(content), string(sum[:])) {
				hashes++
			}
		}
	}
	if hashes < len(g.secrets) {
		t.Errorf("%d hashes lie on the disk, wanted %d: does this test look into the right files?", hashes, len(g.secrets))
	}
}

// A store that does not answer lets nobody in, and is no verdict on the token.
func TestClosedStoreLetsNobodyIn(t *testing.T) {
	g := newGate(t)
	if err := g.db.Close(); err != nil {
		t.Fatal(err)
	}
	resp := ask(g.behind(fleet.RoleSupport), "Bearer "+g.secrets[fleet.RoleAdmin])
	if body := text(t, resp); resp.StatusCode < 500 || strings.Contains(body, "in:") || strings.Contains(body, "sql") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestActorIsTheNameOnTheToken(t *testing.T) {
	g := newGate(t)
	if got := Actor(ctx); got != "" {
		t.Errorf("outside of a guard the actor is %q", got)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+g.secrets[fleet.RoleAdmin])
	r.Header.Set("X-Forwarded-User", "eve")
	w := httptest.NewRecorder()
	g.behind(fleet.RoleSupport).ServeHTTP(w, r)
	if w.Body.String() != "in: a-admin" {
		t.Errorf("the actor is %s", w.Body)
	}
}

func TestAddSaysSoInTheTrail(t *testing.T) {
	g := newGate(t)
	_, ann, err := NewToken("ann", fleet.RoleEngineer, now.In(time.FixedZone("", 8*3600)))
	if err != nil {
		t.Fatal(err)
	}
	if err := Add(ctx, g.db, ann, "bo"); err != nil {
		t.Fatal(err)
	}
	_, again, err := NewToken("ann", fleet.RoleAdmin, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := Add(ctx, g.db, again, "eve"); !fleet.Is(err, fleet.Conflict) {
		t.Errorf("a name was taken twice: %v", err)
	}
	var trail []fleet.AuditEntry
	var tokens []fleet.Token
	err = g.db.View(ctx, func(tx fleet.Tx) (err error) {
		trail, err = tx.Audit().OfSubject(ctx, "ann", 10)
		all, err2 := tx.Tokens().List(ctx)
		tokens = slices.DeleteFunc(all, func(t fleet.Token) bool { return t.Name != "ann" })
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(trail) != 1 {
		t.Fatalf("the trail has %d lines, wanted that of bo: %v", len(trail), trail)
	}
	made := ann
	made.By = "bo"
	want := fleet.AuditEntry{N: trail[0].N, At: now, Actor: "bo", Action: "token.add", Subject: "ann", Reason: "engineer"}
	if diff := cmp.Diff(want, trail[0]); diff != "" {
		t.Errorf("trail (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]fleet.Token{made}, tokens); diff != "" {
		t.Errorf("token (-want +got):\n%s", diff)
	}
}

func TestNewToken(t *testing.T) {
	for _, tt := range []struct {
		name string
		role fleet.Role
		code string
	}{
		{"ann", fleet.RoleSupport, ""},
		{"ann.lee@example.org", fleet.RoleEngineer, ""},
		{strings.Repeat("a", 61), fleet.RoleAdmin, ""},
		{"", fleet.RoleAdmin, "token_name"},
		{strings.Repeat("a", 62), fleet.RoleAdmin, "token_name"},
		{".ann", fleet.RoleAdmin, "token_name"},
		{"ann lee", fleet.RoleAdmin, "token_name"},
		{"otad", fleet.RoleAdmin, "token_name"},
		{"landed", fleet.RoleAdmin, "token_name"},
		{"ann\n", fleet.RoleAdmin, "token_name"},
		{"änn", fleet.RoleAdmin, "token_name"},
		{"ann", "king", "token_role"},
		{"ann", "", "token_role"},
		{"ann", "Admin", "token_role"},
	} {
		secret, token, err := NewToken(tt.name, tt.role, now)
		if tt.code == "" {
			if err != nil || len(secret) != len(prefix)+43 || !strings.HasPrefix(secret, prefix) || token.Name != tt.name || token.Role != tt.role {
				t.Errorf("%q, %q: %q, %+v, %v", tt.name, tt.role, secret, token, err)
			}
			continue
		}
		if e, ok := errors.AsType[*fleet.Error](err); !ok || e.Code != tt.code || secret != "" {
			t.Errorf("%q, %q: %v, wanted %s", tt.name, tt.role, err, tt.code)
		}
	}
	if secret, _, err := newToken(iotest.ErrReader(io.ErrUnexpectedEOF), "ann", fleet.RoleAdmin, now); err == nil || secret != "" {
		t.Errorf("a token was made without randomness: %q", secret)
	}
	if secret, _, err := newToken(strings.NewReader("only a little"), "ann", fleet.RoleAdmin, now); err == nil || secret != "" {
		t.Errorf("a token was made of 13 random bytes: %q", secret)
	}
}

// FuzzAuthorization looks for a header that lets in without the secret.
func FuzzAuthorization(f *testing.F) {
	g := newGate(f)
	door, secret := g.behind(fleet.RoleSupport), g.secrets[fleet.RoleAdmin]
	for _, s := range []string{"", "Bearer", "Bearer ", "Bearer landed_", "bearer a-admin", "Basic YWRtaW46", "Bearer \x00", "Bearer %", "Bearer '"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if strings.Contains(header, secret) {
			t.Skip("the right one")
		}
		if resp := ask(door, header); resp.StatusCode != 401 {
			t.Errorf("%q: %d", header, resp.StatusCode)
		}
	})
}
