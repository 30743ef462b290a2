// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	fixtures "landed/firmware-fixtures"
	signed "landed/manifests/evidence"
	"landed/server/fleet"
	kit "landed/server/servertest"
)

const optIn = "miui-cloud-messaging-opt-in"

func source(counter int, name string) string {
	return fmt.Sprintf(
		"schema: 1\nrelease: %s\ncounter: %d\neffect: {name: cloud-messaging-opt-in, feature: 1, migration: switch_off, prompt_day: \"2014-08-01\"}\nnotes: {en: off, zh-Hans: 默认关闭, zh-Hant: 預設關閉}\n",
		name,
		counter,
	)
}

// patched is the build that packageOf makes.
func patched(t testing.TB) fixtures.Build {
	return kit.OK(fixtures.BuildOf("armani", fixtures.Patched))(t)
}

// TestStory walks one release through every door, and tries at each state what that state forbids.
func TestStory(t *testing.T) {
	h := newHouse(t)
	const engineer, support, admin = fleet.RoleEngineer, fleet.RoleSupport, fleet.RoleAdmin
	// step asks and wants a status, and the code of a refusal.
	step := func(who fleet.Role, door, path, body string, status int, code string) answer {
		t.Helper()
		got := h.ask(who, door, path, strings.NewReader(body))
		if got.status != status || got.code != code {
			t.Fatalf("%s at %s: %d %s; wanted %d %s", door, path, got.status, got.body, status, code)
		}
		return got
	}
	create := func(counter int, name string, packages ...string) string {
		return string(marshal(t, map[string]any{"source": source(counter, name), "packages": packages}))
	}
	name, ref, body := packageOf(t)
	stage, rolloutID := "/releases/"+optIn+"/stage", optIn+".armani.stable"

	// Who counts.
	for _, door := range []string{"POST /fleet/admit", "POST /fleet/ask", "POST /quarantines", "POST /quarantines/{id}/lift"} {
		step(support, door, strings.NewReplacer("POST ", "", "{id}", "x").Replace(door), `{}`, 403, "role_too_low")
	}
	step(support, "GET /fleet", "/fleet", "", 200, "")
	if err := h.db.UpdateReports(t.Context(), func(tx fleet.Tx) error {
		return tx.Installations().Put(t.Context(), fleet.Installation{Ref: "R", Current: true, Model: "dior", Channel: "lab"})
	}); err != nil {
		t.Fatal(err)
	}
	step(engineer, "POST /fleet/admit", "/fleet/admit", `{"model":"dior","channel":"lab","up_to":3,"reason":"sold"}`, 200, "")
	step(engineer, "POST /fleet/admit", "/fleet/admit", `{"model":"none","up_to":3,"reason":"sold"}`, 404, "fleet_unknown")
	step(engineer, "POST /quarantines/{id}/lift", "/quarantines/x/lift", `{"reason":"ours"}`, 404, "quarantine_unknown")
	flood := step(engineer, "POST /quarantines", "/quarantines",
		`{"from":"2014-01-01T00:00:00Z","to":"2999-01-01T00:00:00Z","reason":"a flood"}`, 201, "").values["id"].(string)
	step(engineer, "POST /quarantines/{id}/lift", "/quarantines/"+flood+"/lift", `{"reason":"ours"}`, 200, "")
	step(support, "GET /quarantines", "/quarantines", "", 200, "")

	// The models and channels.
	models := func(file string) string {
		return string(marshal(t, map[string]any{"source": file, "reason": "the new line"}))
	}
	nuwa := "schema: 1\nmodels: [{device: nuwa, variants: [nuwa], profile: {family: ab}}]"
	step(engineer, "POST /models", "/models", models("models: []"), 422, "model_file")
	if added := step(engineer, "POST /models", "/models", models(nuwa), 200, ""); !bytes.Contains(
		added.body,
		[]byte(`"became": "added"`),
	) {
		t.Errorf("added: %s", added.body)
	}
	step(engineer, "POST /models", "/models", models(strings.Replace(nuwa, "nuwa, v", "NUWA, v", 1)), 409, "model_differs")
	step(support, "GET /models", "/models", "", 200, "")
	step(support, "GET /models/{name}", "/models/nuwa", "", 200, "")
	step(support, "GET /models/{name}", "/models/none", "", 404, "model_unknown")
	step(engineer, "DELETE /models/{name}", "/models/nuwa", "", 422, "reason_missing")
	step(engineer, "DELETE /models/{name}", "/models/nuwa?reason=typo", "", 204, "")
	step(engineer, "POST /channels", "/channels", `{"name":"Nightly"}`, 422, "channel_name")
	step(engineer, "POST /channels", "/channels", `{"name":"nightly"}`, 200, "")
	step(engineer, "DELETE /channels/{name}", "/channels/nightly?reason=not+used", "", 204, "")
	step(engineer, "DELETE /channels/{name}", "/channels/none?reason=not+used", "", 404, "channel_unknown")
	step(engineer, "DELETE /channels/{name}", "/channels/nightly?why=not+used", "", 422, "query")
	if listed := step(support, "GET /channels", "/channels", "", 200, ""); !bytes.Contains(listed.body, []byte(`"retired": "`)) {
		t.Errorf("listed: %s", listed.body)
	}

	// A package.
	step(engineer, "POST /releases", "/releases", create(1, optIn, ref), 404, "package_missing")
	made := step(engineer, "POST /packages", "/packages?name="+name, string(body), 201, "")
	if made.values["sha256"] != ref || made.values["by"] != "a-engineer" || made.values["facts"] == nil {
		t.Errorf("uploaded: %s", made.body)
	}
	if again := step(engineer, "POST /packages", "/packages?name="+name, string(body), 200, ""); again.values["known"] != true {
		t.Errorf("the same bytes: %s", again.body)
	}
	step(engineer, "POST /packages", "/packages?channel=lab&name="+name, string(body), 409, "other_channel")
	step(engineer, "POST /packages/{sha256}/promote", "/packages/"+ref+"/promote", `{"to":"none"}`, 422, "channel")
	step(engineer, "POST /packages/{sha256}/promote", "/packages/"+ref+"/promote", `{"to":"lab"}`, 201, "")
	step(engineer, "POST /packages/{sha256}/promote", "/packages/"+ref+"/promote", `{"to":"lab","reason":"again"}`, 200, "")
	step(engineer, "DELETE /packages/{sha256}", "/packages/"+ref, "", 409, "package_ambiguous")
	step(engineer, "DELETE /packages/{sha256}", "/packages/"+ref+"?model=armani&channel=lab", "", 204, "")
	step(support, "GET /packages", "/packages", "", 200, "")
	step(engineer, "DELETE /packages/{sha256}", "/packages/"+ref+"?why=typo", "", 422, "query")
	step(engineer, "DELETE /packages/{sha256}", "/packages/"+ref+"?reason=wrong+file", "", 204, "")
	step(engineer, "DELETE /packages/{sha256}", "/packages/"+ref, "", 404, "package_unknown")
	step(engineer, "POST /packages", "/packages?name="+name, string(body), 201, "")

	// A release of it.
	step(engineer, "POST /releases", "/releases", `{"source":"schema: 2","packages":[]}`, 422, "release_source")
	step(engineer, "POST /releases", "/releases", create(1, optIn, ref, ref), 422, "release_packages")
	step(engineer, "POST /releases", "/releases", create(1, optIn), 422, "release_packages")
	step(engineer, "POST /releases", "/releases", create(1, optIn, ref), 201, "")
	step(engineer, "DELETE /packages/{sha256}", "/packages/"+ref, "", 409, "package_in_use")
	step(engineer, "POST /releases", "/releases", create(2, optIn, ref), 409, "release_exists")
	step(engineer, "POST /releases", "/releases", create(1, "another", ref), 422, "release_packages")
	step(engineer, "POST /rollouts", "/rollouts", `{"release":"`+optIn+`"}`, 409, "not_published")
	step(engineer, "DELETE /releases/{name}", "/releases/"+optIn, "", 422, "reason_missing")
	step(engineer, "DELETE /releases/{name}", "/releases/"+optIn+"?reasn=typo", "", 422, "query")
	step(engineer, "DELETE /releases/{name}", "/releases/"+optIn+"?reason=typo", "", 204, "")
	step(engineer, "POST /releases", "/releases", create(1, optIn, ref), 201, "")
	step(support, "GET /releases", "/releases", "", 200, "")
	if shown := step(support, "GET /releases/{name}", "/releases/"+optIn, "", 200,
		""); shown.values["state"] != "draft" || !strings.Contains(shown.values["source"].(string), "release: "+optIn) {
		t.Errorf("the release: %s", shown.body)
	}

	// Trust, and a change for the signers.
	step(engineer, "POST /releases/{name}/stage", stage, "", 409, "trust_missing")
	step(admin, "POST /trust", "/trust", string(trustBundle(t)), 200, "")
	step(admin, "POST /trust", "/trust", string(trustBundle(t)), 409, "nothing_new")
	if shown := step(support, "GET /trust", "/trust", "", 200, ""); shown.values["expires"].(map[string]any)["armani"] == nil ||
		len(shown.values["roles"].([]any)) != 3 {
		t.Errorf("trust: %s", shown.body)
	}
	step(engineer, "POST /releases/{name}/stage", "/releases/none/stage", "", 404, "release_unknown")
	change := step(engineer, "POST /releases/{name}/stage", stage, "", 201, "").values["id"].(string)
	step(engineer, "POST /releases/{name}/stage", stage, "", 409, "staged")
	step(engineer, "DELETE /releases/{name}", "/releases/"+optIn+"?reason=why", "", 409, "staged")
	step(engineer, "POST /releases", "/releases", create(2, "second", ref), 201, "")
	step(engineer, "POST /releases/{name}/stage", "/releases/second/stage", "", 409, "change_open")
	request := step(engineer, "GET /changes/{id}/request", "/changes/"+change+"/request", "", 200, "").body
	step(engineer, "DELETE /changes/{id}", "/changes/"+change, "", 422, "reason_missing")
	step(engineer, "DELETE /changes/{id}", "/changes/"+change+"?reason=notes", "", 204, "")
	step(engineer, "DELETE /changes/{id}", "/changes/"+change+"?reason=notes", "", 409, "change_closed")
	step(
		engineer,
		"POST /changes/{id}/response",
		"/changes/"+change+"/response",
		string(respond(t, request, "m1")),
		409,
		"change_closed",
	)

	// Signed by two.
	change2 := step(engineer, "POST /releases/{name}/stage", stage, "", 201, "").values["id"].(string)
	request2 := step(engineer, "GET /changes/{id}/request", "/changes/"+change2+"/request", "", 200, "").body
	response := "/changes/" + change2 + "/response"
	step(engineer, "POST /changes/{id}/response", response, string(respond(t, request, "m1")), 422, "other_request")
	step(engineer, "POST /changes/{id}/response", response, string(respond(t, request2, "stranger")), 422, "signatures_refused")
	step(engineer, "POST /changes/{id}/response", "/changes/none/response", strings.Replace(string(respond(t, request2, "m1")),
		change2, "none", 1), 404, "change_unknown")
	one := step(engineer, "POST /changes/{id}/response", response, string(respond(t, request2, "m1")), 200, "")
	if one.values["state"] != "open" {
		t.Errorf("after one of two signatures: %s", one.body)
	}
	step(engineer, "POST /changes/{id}/response", response, string(respond(t, request2, "m1")), 409, "signatures_known")
	step(support, "GET /changes", "/changes", "", 200, "")
	if two := step(engineer, "POST /changes/{id}/response", response, string(respond(t, request2, "m2")), 200,
		""); two.values["state"] != "published" {
		t.Errorf("after two of two signatures: %s", two.body)
	}
	step(support, "GET /changes/{id}", "/changes/"+change2, "", 200, "")
	step(engineer, "DELETE /changes/{id}", "/changes/"+change2+"?reason=why", "", 409, "change_closed")
	step(engineer, "POST /releases/{name}/stage", stage, "", 409, "published")
	step(engineer, "DELETE /releases/{name}", "/releases/"+optIn+"?reason=why", "", 409, "published")
	step(engineer, "DELETE /packages/{sha256}", "/packages/"+ref, "", 409, "package_in_use")

	// To handsets, and no further.
	start := func(more string) string { return `{"release":"` + optIn + `"` + more + `}` }
	step(engineer, "POST /rollouts", "/rollouts", start(`,"models":["nexus"]`), 422, "rollout_models")
	step(engineer, "POST /rollouts", "/rollouts", start(`,"channel":"lab"`), 422, "rollout_models")
	step(engineer, "POST /rollouts", "/rollouts", start(`,"stages":[{"share":10000,"soak":"a day"}]`), 422, "stages")
	step(engineer, "POST /rollouts", "/rollouts", start(`,"stages":[{"share":20000,"soak":"1h"}]`), 422, "stages")
	step(engineer, "POST /rollouts", "/rollouts", start(`,"stages":[{"share":100,"soak":"1h","gates":{"min":1}}]`), 422, "json")
	step(engineer, "POST /rollouts", "/rollouts", `{"release":"none"}`, 404, "release_unknown")
	step(engineer, "POST /rollouts", "/rollouts", start(""), 201, "")
	step(engineer, "POST /rollouts", "/rollouts", start(""), 409, "rollout_exists")
	step(engineer, "POST /fleet/ask", "/fleet/ask", `{"model":"none","reason":"lost"}`, 404, "model_unknown")
	step(engineer, "POST /fleet/ask", "/fleet/ask", `{"reason":" "}`, 422, "reason_missing")
	for _, ask := range [][2]string{{"", "asked"}, {"", "asked_already"}, {`"again":true,`, "asked"}} {
		asked := step(engineer, "POST /fleet/ask", "/fleet/ask", `{`+ask[0]+`"reason":"lost"}`, 200, "")
		one, _ := asked.values["asked"].([]any)[0].(map[string]any)
		if one["state"] != ask[1] || one["model"] != "armani" || one["words"] == "" {
			t.Errorf("asked: %s, wanted %s", asked.body, ask[1])
		}
	}
	step(engineer, "POST /rollouts/{id}/resume", "/rollouts/"+rolloutID+"/resume", `{"reason":""}`, 422, "reason_missing")
	step(engineer, "POST /rollouts/{id}/halt", "/rollouts/"+rolloutID+"/halt", `{"reason":""}`, 422, "reason_missing")
	step(engineer, "POST /rollouts/{id}/halt", "/rollouts/"+rolloutID+"/halt", `{"reason":"`+strings.Repeat("x", 301)+`"}`, 422,
		"reason_too_long")
	if halted := step(engineer, "POST /rollouts/{id}/halt", "/rollouts/"+rolloutID+"/halt", `{"reason":"two leaks"}`, 200,
		""); halted.values["state"] != "halted" || halted.values["by"] != "a-engineer" {
		t.Errorf("halted: %s", halted.body)
	}
	again := step(engineer, "POST /rollouts/{id}/halt", "/rollouts/"+rolloutID+"/halt", `{"reason":"again"}`, 200, "")
	if again.values["repeated"] != true || again.values["reason"] != "two leaks" {
		t.Errorf("halted again: %s", again.body)
	}
	step(
		engineer,
		"POST /rollouts/{id}/resume",
		"/rollouts/"+rolloutID+"/resume",
		`{"reason":"lab handsets"}`,
		409,
		"stopped_otherwise",
	)
	step(engineer, "POST /rollouts/{id}/resume", "/rollouts/"+rolloutID+"/resume",
		`{"reason":"lab handsets","stop":"`+again.values["stop"].(string)+`"}`, 200, "")
	steer := func(how, more string, status int, code string) answer {
		return step(engineer, "POST /rollouts/{id}/"+how, "/rollouts/"+rolloutID+"/"+how, `{"reason":"why"`+more+`}`, status, code)
	}
	const reached = `{"share":100,"soak":"48h","gates":{"min_reports":400,"min_proven":5000,"max_failures":1000}}`
	steer("stages", `,"stages":[{"share":10000,"soak":"1h"}]`, 409, "stages_reached")
	steer("stages", `,"stages":[`+reached+`]`, 422, "stages")
	steer("stages", `,"stages":[`+reached+`,{"share":500,"soak":"1h"},{"share":10000,"soak":"1h"}]`, 200, "")
	if wide := steer("widen", `,"to":2`, 200, ""); wide.values["share"] != 500.0 {
		t.Errorf("widened: %s", wide.body)
	}
	steer("pause", "", 200, "")
	steer("pause", "", 409, "not_running")
	steer("widen", `,"to":3`, 409, "not_running")
	if again := steer("retry", "", 200, ""); again.values["retry"] != 1.0 {
		t.Errorf("asked to try again: %s", again.body)
	}
	step(engineer, "POST /rollouts/{id}/retry", "/rollouts/"+rolloutID+"/retry", `{"reason":""}`, 422, "reason_missing")
	steer("resume", "", 200, "")
	step(support, "GET /rollouts", "/rollouts", "", 200, "")
	step(support, "GET /rollouts/{id}", "/rollouts/"+rolloutID, "", 200, "")

	// What outsiders signed.
	observed := signed.Observation{Kind: signed.Traffic, Model: "armani", Release: optIn, Build: patched(t).Fingerprint, Package: ref,
		Steps: []string{"wait a day"}, Seen: []string{"nothing"}, Capture: ref, At: now, Verdict: signed.Confirms}
	seal := func(by string, said signed.Said) (text, id string) {
		body, id := kit.SealStatement(t, by, said)
		return string(body), id
	}
	text, id := seal("f-secure", signed.Said{Observation: &observed})
	forged, _ := seal("mallory", signed.Said{Observation: &observed})
	step(engineer, "POST /evidence", "/evidence", forged, 403, "not_listed")
	if added := step(engineer, "POST /evidence", "/evidence", text, 200, ""); added.values["id"] != id || added.values["new"] != true ||
		added.values["counts"] != true {
		t.Errorf("added: %s", added.body)
	}
	step(engineer, "POST /evidence", "/evidence", text, 200, "")
	text, _ = seal("lab", signed.Said{Voucher: &signed.Voucher{Installation: "0123456789ABCDEFGHJKMNPQ", Model: "armani", From: now,
		Until: now.AddDate(0, 1, 0)}})
	step(engineer, "POST /evidence", "/evidence", text, 200, "")
	text, _ = seal("f-secure", signed.Said{Withdrawal: &signed.Withdrawal{Statement: id, Reason: "mixed up", At: now}})
	step(engineer, "POST /evidence", "/evidence", text, 200, "")
	if listed := step(support, "GET /evidence", "/evidence?model=armani", "", 200, ""); len(listed.values["statements"].([]any)) != 2 ||
		!bytes.Contains(listed.body, []byte(`"withdrawn": "mixed up"`)) {
		t.Errorf("listed: %s", listed.body)
	}
	if listed := step(support, "GET /evidence", "/evidence?release=another", "", 200, ""); len(
		listed.values["statements"].([]any),
	) != 0 {
		t.Errorf("of another release: %s", listed.body)
	}
	if listed := step(support, "GET /witnesses", "/witnesses?model=armani", "", 200, ""); !bytes.Contains(listed.body,
		[]byte(`"holds": true`)) {
		t.Errorf("witnesses: %s", listed.body)
	}
	// What takes two.
	held := func() {
		if err := h.db.Update(ctx, func(tx fleet.Tx) error {
			r, err := tx.Rollouts().Get(ctx, rolloutID)
			r.State, r.Held = fleet.RolloutHeld, fleet.Reason{Code: "leaks_found", Values: map[string]string{"n": "1", "share": "500"}}
			return errors.Join(err, tx.Rollouts().Save(ctx, r))
		}); err != nil {
			t.Fatal(err)
		}
	}
	held()
	proposed := steer("resume", "", 202, "").values["proposal"].(string)
	step(support, "GET /proposals", "/proposals", "", 200, "")
	step(engineer, "POST /proposals/{id}/approve", "/proposals/"+proposed+"/approve", "{}", 403, "same_person")
	step(admin, "POST /proposals/{id}/approve", "/proposals/"+proposed+"/approve", "{}", 200, "")
	held()
	proposed = steer("resume", "", 202, "").values["proposal"].(string)
	step(engineer, "DELETE /proposals/{id}", "/proposals/"+proposed, "", 422, "reason_missing")
	step(engineer, "DELETE /proposals/{id}", "/proposals/"+proposed+"?reason=wrong", "", 204, "")

	// How long reports are kept.
	keep := func(body string, status int, code string) {
		t.Helper()
		step(engineer, "POST /releases/{name}/retain", "/releases/"+optIn+"/retain", body, status, code)
	}
	keep(`{"days":180}`, 422, "reason_missing")
	keep(`{"days":-1,"reason":"r"}`, 422, "retention_short")
	keep(`{"days":30,"reason":"r","sure":true}`, 422, "retention_short")
	keep(`{"days":180,"reason":"r","sure":true}`, 409, "retention_running")
	keep(`{"days":0,"reason":"lawyers"}`, 200, "")
	if kept := step(support, "GET /retentions", "/retentions", "", 200, ""); !bytes.Contains(kept.body, []byte("lawyers")) {
		t.Errorf("the rules: %s", kept.body)
	}

	h.knownIssues(t, step)

	// A database that was restored.
	if s := step(support, "GET /restore", "/restore", "", 200, ""); s.values["unnamed"] != false {
		t.Errorf("nothing was restored: %s", s.body)
	}
	const lost = `{"until":"2001-01-01T00:00:00Z","reason":"the disk died"}`
	step(engineer, "POST /restore", "/restore", lost, 409, "nothing_unnamed")
	if err := h.db.Update(t.Context(), func(tx fleet.Tx) error {
		return tx.Audit().Append(t.Context(), fleet.AuditEntry{At: now, Actor: "landed", Action: fleet.ActionRestored,
			Subject: fleet.RestoreSubject, Reason: "restored from a.tar"})
	}); err != nil {
		t.Fatal(err)
	}
	if s := step(support, "GET /restore", "/restore", "", 200, ""); s.values["unnamed"] != true ||
		s.values["words"] != "restored from a.tar" {
		t.Errorf("it was restored: %s", s.body)
	}
	step(engineer, "POST /restore", "/restore", `{"reason":"the disk died"}`, 422, "until_invalid")
	step(engineer, "POST /restore", "/restore", `{"until":"2001-01-01T00:00:00Z","reason":""}`, 422, "reason_missing")
	if s := step(engineer, "POST /restore", "/restore", lost, 200, ""); s.values["unnamed"] != false || s.values["by"] != "a-engineer" {
		t.Errorf("named: %s", s.body)
	}

	// The clock.
	step(engineer, "POST /clock/accept", "/clock/accept", `{"reason":"why"}`, 409, "clock_believed")
	h.jumps.ahead = time.Hour
	if s := step(support, "GET /clock", "/clock", "", 200, ""); s.values["distrusted"] != true || s.values["by"] != "1h0m0s" {
		t.Errorf("the clock: %s", s.body)
	}
	step(engineer, "POST /clock/accept", "/clock/accept", `{"reason":""}`, 422, "reason_missing")
	step(engineer, "POST /clock/accept", "/clock/accept", `{"reason":"summer time"}`, 200, "")

	// Tokens, and the trail of it all.
	step(admin, "POST /tokens", "/tokens", `{"name":"a b","role":"support"}`, 422, "token_name")
	step(admin, "POST /tokens", "/tokens", `{"name":"ann","role":"king"}`, 422, "token_role")
	secret := step(admin, "POST /tokens", "/tokens", `{"name":"ann","role":"support"}`, 201, "").values["token"].(string)
	step(admin, "POST /tokens", "/tokens", `{"name":"ann","role":"admin"}`, 409, "token_exists")
	if listed := step(admin, "GET /tokens", "/tokens", "", 200, ""); bytes.Contains(listed.body, []byte(secret)) {
		t.Error("the list shows a secret")
	}
	step(admin, "DELETE /tokens/{name}", "/tokens/a-admin", "", 409, "last_admin")
	step(admin, "DELETE /tokens/{name}", "/tokens/ann", "", 204, "")
	trail := step(support, "GET /audit", "/audit", "", 200, "").values["entries"].([]any)
	var actions []string
	for _, e := range trail {
		entry := e.(map[string]any)
		actions = append(actions, fmt.Sprintf("%s by %s", entry["action"], entry["actor"]))
	}
	for _, want := range []string{"model.add by a-engineer", "model.retire by a-engineer", "channel.add by a-engineer",
		"channel.retire by a-engineer",
		"package.promote by a-engineer", "package.upload by a-engineer", "package.remove by a-engineer", "release.create by a-engineer", "release.drop by a-engineer", "trust.import by a-admin", "rollout.start by a-engineer", "rollout.halt by a-engineer", "rollout.resume by a-engineer",
		"rollout.stages by a-engineer", "rollout.widen by a-engineer", "rollout.pause by a-engineer", "rollout.retry by a-engineer", "evidence.add by a-engineer", "evidence.withdraw by a-engineer",
		"witness.vouch by a-engineer", "proposal.make by a-engineer", "proposal.withdraw by a-engineer", "rollout.resume by a-admin", "clock.accept by a-engineer", "token.add by a-admin", "token.delete by a-admin"} {
		if !strings.Contains(strings.Join(actions, "\n"), want) {
			t.Errorf("the trail lacks %q:\n%s", want, strings.Join(actions, "\n"))
		}
	}

	for _, d := range h.doors {
		door := d.Method + " " + d.Path
		if h.passed[door] == 0 || d.Method != "GET" && h.denied[door] == 0 {
			t.Errorf("this story passes %s %d times, and is turned away %d times", door, h.passed[door], h.denied[door])
		}
	}
}
