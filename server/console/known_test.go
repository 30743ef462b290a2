// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"landed/server/fleet"
	"landed/server/known"
)

// knownIssues writes known issues down through its doors, once the release is published.
func (h *house) knownIssues(t *testing.T,
	step func(who fleet.Role, door, path, body string, status int, code string) answer) {
	const engineer, support = fleet.RoleEngineer, fleet.RoleSupport
	add := func(who fleet.Role, source string, status int, code string) answer {
		t.Helper()
		return step(who, "POST /known-issues", "/known-issues", string(marshal(t, map[string]any{"source": source, "reason": "calls"})),
			status, code)
	}
	end := func(who fleet.Role, id, reason string, status int, code string) answer {
		t.Helper()
		return step(who, "POST /known-issues/{id}/withdraw", "/known-issues/"+id+"/withdraw",
			string(marshal(t, map[string]any{"reason": reason})), status, code)
	}
	const good = "{models: [armani], release: " + optIn + ", cause: package, text: {en: It stops at 40 %.}, who: service}"
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	add(support, good, 403, "role_too_low")
	add(engineer, "", 422, "known_issue")
	for _, one := range []struct{ source, fault string }{
		{with("armani", "armany"), "no model"}, {with(optIn, "fix-2"), "no release"}, {with("armani", "dior"), "no package for dior"},
		{with("cause: package", "class: leaks"), "no release that it is about has a class"},
	} {
		if got := add(engineer, one.source, 422, "known_issue"); !bytes.Contains(got.body, []byte(one.fault)) {
			t.Errorf("%s: %s", one.source, got.body)
		}
	}
	all := add(engineer, "{models: [armany], release: fix-2, cause: x, text: {}, link: ftp://x, who: x}", 422, "known_issue").body
	for _, part := range []string{"armany", "fix-2", "the cause", "text.en", "https", "who is"} {
		if !bytes.Contains(all, []byte(part)) {
			t.Errorf("%s is not in %s", part, all)
		}
	}
	step(engineer, "POST /known-issues", "/known-issues", `{"source":"{}","reason":"a\nb"}`, 422, "known_issue")
	if one := add(engineer, good, 201, ""); one.values["id"] != 1.0 || one.values["by"] != "a-engineer" {
		t.Errorf("added: %s", one.body)
	}
	if two := add(engineer, with("cause: package", "class: leak"), 201, ""); two.values["id"] != 2.0 {
		t.Errorf("added: %s", two.body)
	}
	end(support, "1", "mended", 403, "role_too_low")
	end(engineer, "1", " ", 422, "reason_missing")
	end(engineer, "1", strings.Repeat("x", 301), 422, "reason_too_long")
	end(engineer, "3", "mended", 404, "known_issue_unknown")
	end(engineer, "x", "mended", 404, "known_issue_unknown")
	ended := end(engineer, "1", "mended", 200, "").values["ended"]
	if again := end(engineer, "1", "once more", 200, ""); again.values["ended"] != ended || again.values["ended_reason"] != "mended" {
		t.Errorf("withdrawn again: %s", again.body)
	}
	listed := step(support, "GET /known-issues", "/known-issues", "", 200, "")
	for _, part := range []string{`"id": 1`, `"id": 2`, `"ended_reason": "mended"`, `"en": "It stops at 40 %."`} {
		if !bytes.Contains(listed.body, []byte(part)) {
			t.Errorf("%s is not in %s", part, listed.body)
		}
	}
	trail := step(support, "GET /audit", "/audit?limit=3", "", 200, "").body
	for _, part := range []string{"known_issue.withdraw", "known_issue.add", "known-issue 2", "mended"} {
		if !bytes.Contains(trail, []byte(part)) {
			t.Errorf("%s is not in %s", part, trail)
		}
	}
}

// TestAtMostSoManyKnownIssues: withdrawn ones make room.
func TestAtMostSoManyKnownIssues(t *testing.T) {
	h := newHouse(t)
	if err := h.db.Update(t.Context(), func(tx fleet.Tx) error {
		for id := range int64(known.MaxStanding) {
			k := fleet.KnownIssue{ID: id + 1, Subject: fleet.KnownCause, Value: "package", Who: fleet.KnownNobody, At: time.Unix(1, 0)}
			if err := tx.KnownIssues().Put(t.Context(), k); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	add := func() answer {
		return h.ask(fleet.RoleEngineer, "POST /known-issues", "/known-issues",
			strings.NewReader(`{"source":"{cause: build, text: {en: x}, who: nobody}","reason":""}`))
	}
	if got := add(); got.status != 409 || got.code != "known_issues_many" {
		t.Fatalf("one too many: %d %s", got.status, got.body)
	}
	if got := h.ask(fleet.RoleEngineer, "POST /known-issues/{id}/withdraw", "/known-issues/7/withdraw",
		strings.NewReader(`{"reason":"old"}`)); got.status != 200 {
		t.Fatalf("withdrawn: %s", got.body)
	}
	if got := add(); got.status != 201 || fmt.Sprint(got.values["id"]) != fmt.Sprint(known.MaxStanding+1) {
		t.Errorf("one more: %d %s", got.status, got.body)
	}
}
