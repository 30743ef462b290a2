// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"landed/server/auth"
	"landed/server/console"
	"landed/server/fleet"
	"landed/server/proposals"
	"landed/server/reasons"
	"landed/server/rollout"
	"landed/server/rooms"
	kit "landed/server/servertest"
	"landed/server/uptime"
)

const rolloutID = kit.OptIn + ".armani.stable"

// pair is a console in which some things take two persons, with a published release.
type pair struct {
	*kit.Rooms
	t      *testing.T
	url    string
	tokens map[string]string
}

// newPair has the tokens of ann and bo, who are engineers, and root, who is an admin, two days old.
func newPair(t *testing.T, policy proposals.Policy) *pair {
	p := &pair{t: t, tokens: map[string]string{}}
	p.Rooms = kit.New(t, func(c *rooms.Config) { c.Policy = policy })
	p.Released("armani")
	log, now := slog.New(slog.DiscardHandler), func() time.Time { return p.Now }
	c := console.New(console.Config{Rooms: p.Rooms.Rooms, Store: p.DB, Guard: &auth.Guard{Store: p.DB, Log: log}, Now: now, Log: log,
		Clock: &uptime.Uptime{Guard: uptime.NewGuard(uptime.Virtual(now))}})
	r := chi.NewRouter()
	r.Group(c.Routes())
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	p.url = s.URL
	for name, role := range map[string]fleet.Role{"ann": fleet.RoleEngineer, "bo": fleet.RoleEngineer, "root": fleet.RoleAdmin} {
		secret, token, err := auth.NewToken(name, role, p.Now)
		if err == nil {
			err = auth.Add(p.Ctx, p.DB, token, proposals.Shell)
		}
		if err != nil {
			t.Fatal(err)
		}
		p.tokens[name] = secret
	}
	p.Now = p.Now.Add(2 * kit.Day)
	return p
}

// ask sends one request, and gives the status and the code of a problem, or the state of a rollout, and all of it.
func (p *pair) ask(who, method, path, body string) (string, map[string]any) {
	p.t.Helper()
	r, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.tokens[who])
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Error(err)
		return "", nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	var a map[string]any
	_ = json.Unmarshal(text, &a)
	what := a["code"]
	if what == nil {
		what = a["state"]
	}
	return strings.TrimSuffix(fmt.Sprint(resp.StatusCode, " ", what), " <nil>"), a
}

// want is a request whose answer is known; it gives the id of the proposal.
func (p *pair) want(want, who, method, path, body string) string {
	p.t.Helper()
	got, a := p.ask(who, method, path, body)
	if got != want {
		p.t.Errorf("%s: %s %s %s: %s (%v); wanted %s", who, method, path, body, got, a["detail"], want)
	}
	id, _ := a["proposal"].(string)
	return id
}

func (p *pair) rollout(want, who, how, reason string) string {
	p.t.Helper()
	saw := p.Rollout(rolloutID) // what whoever decides has looked at
	return p.want(want, who, "POST", "/rollouts/"+rolloutID+"/"+how, fmt.Sprintf(`{"reason":%q,"stop":%q,"to":%d}`, reason,
		rollout.Stop(saw), saw.Stage+2))
}

// leaks has the rollout held for a leak.
func (p *pair) leaks() {
	p.t.Helper()
	r := p.Rollout(rolloutID)
	r.State, r.Held = fleet.RolloutHeld, fleet.Reason{Code: reasons.LeaksFound, Values: map[string]string{"n": "1", "share": "100"}}
	p.Update(func(tx fleet.Tx) error { return tx.Rollouts().Save(p.Ctx, r) })
}

func (p *pair) token(name, by string) {
	p.t.Helper()
	_, a := p.ask(by, "POST", "/tokens", `{"name":"`+name+`","role":"admin"}`)
	secret, ok := a["token"].(string)
	if !ok {
		p.t.Fatalf("no token for %s: %v", name, a)
	}
	p.tokens[name] = secret
}

func TestResumingAfterALeakTakesTwo(t *testing.T) {
	p := newPair(t, proposals.Policy{Leaks: true})
	p.want("201", "ann", "POST", "/rollouts", `{"release":"`+kit.OptIn+`"}`)
	p.rollout("200 held", "ann", "pause", "lunch")
	p.rollout("200 running", "ann", "resume", "back") // no leak, one person

	p.leaks()
	before := p.Rollout(rolloutID)
	id := p.rollout("202 second_person", "ann", "resume", "a test handset")
	if again := p.rollout("202 second_person", "ann", "resume", "in other words"); again != id || id == "" {
		t.Errorf("asked again: proposal %q, then %q", id, again)
	}
	if now := p.Rollout(rolloutID); now.State != fleet.RolloutHeld || now.Revision != before.Revision {
		t.Errorf("proposed, and it is %s", now.State)
	}
	p.want("403 same_person", "ann", "POST", "/proposals/"+id+"/approve", `{"reason":"me again"}`)
	_, shown := p.ask("bo", "GET", "/rollouts/"+rolloutID, "")
	if waits, _ := json.Marshal(shown["proposals"]); !strings.Contains(string(waits), id) || !strings.Contains(string(waits), `"by":"ann"`) {
		t.Errorf("the rollout shows %s", waits)
	}
	p.rollout("200 running", "bo", "resume", "ann showed it to me") // the identical call
	r := p.Rollout(rolloutID)
	if !r.Seconded || r.By != "ann and bo" || !r.Reason.Equal(fleet.Said("ann showed it to me")) {
		t.Errorf("resumed by two: %+v", r)
	}
	p.want("404 proposal_unknown", "bo", "POST", "/proposals/"+id+"/approve", `{"reason":""}`) // a replay
	p.rollout("200 running", "bo", "resume", "again")                                          // it runs

	p.leaks()
	id = p.rollout("202 second_person", "bo", "resume", "a test handset")
	p.want("200", "ann", "POST", "/proposals/"+id+"/approve", `{"reason":""}`)
	if r := p.Rollout(rolloutID); r.State != fleet.RolloutRunning || r.By != "bo and ann" || !r.Reason.Equal(fleet.Said("a test handset")) {
		t.Errorf("approved: %+v", r)
	}
	p.rollout("200 held", "ann", "pause", "lunch")
	p.rollout("200 running", "ann", "resume", "back")
	if p.Rollout(rolloutID).Seconded {
		t.Error("one person resumed it last")
	}
	var trail []string
	p.View(func(tx fleet.Tx) error {
		lines, err := tx.Audit().OfSubject(p.Ctx, rolloutID, 50)
		for _, l := range lines {
			trail = append(trail, l.Actor+" "+l.Action+" "+l.Reason)
		}
		return err
	})
	for _, want := range []string{"ann proposal.make rollout.resume, as ",
		"bo rollout.resume ann showed it to me (proposed by ann, approved by bo)", "ann rollout.resume a test handset (proposed by bo, approved by ann)"} {
		if !strings.Contains(strings.Join(trail, "\n"), want) {
			t.Errorf("the trail lacks %q:\n%s", want, strings.Join(trail, "\n"))
		}
	}
}

// TestHaltingTakesOne, whatever waits; and what waited is void then, as it is of another rollout than this.
func TestHaltingTakesOne(t *testing.T) {
	p := newPair(t, proposals.Policy{Leaks: true, Share: 1})
	id := p.want("202 second_person", "ann", "POST", "/rollouts", `{"release":"`+kit.OptIn+`"}`)
	p.want("200", "bo", "POST", "/proposals/"+id+"/approve", `{}`)
	if r := p.Rollout(rolloutID); r.By != "ann and bo" {
		t.Errorf("started by %s", r.By)
	}
	p.leaks()
	id = p.rollout("202 second_person", "ann", "resume", "a test handset")
	p.rollout("200 halted", "bo", "halt", "it is none")
	p.want("404 proposal_unknown", "bo", "POST", "/proposals/"+id+"/approve", `{}`)
	// That bo halted it by hand changes nothing: a person alone does not undo what leaks began.
	kit.UpdateReports(p.Rooms, func(tx fleet.Tx) error {
		i := fleet.Installation{Ref: "x", Release: kit.OptIn, Current: true, Model: "armani", Channel: "stable", Leaked: true, Verdict: "leak"}
		return tx.Counts().Move(p.Ctx, nil, &i)
	})
	p.rollout("202 second_person", "bo", "resume", "I halted it, I resume it")
}

func TestProposalsEnd(t *testing.T) {
	p := newPair(t, proposals.Policy{Leaks: true})
	p.want("201", "ann", "POST", "/rollouts", `{"release":"`+kit.OptIn+`"}`)
	p.leaks()
	id := p.rollout("202 second_person", "ann", "resume", "a test handset")
	p.want("422 reason_missing", "bo", "DELETE", "/proposals/"+id, "")
	p.want("204", "bo", "DELETE", "/proposals/"+id+"?reason=it+leaks", "")
	p.want("404 proposal_unknown", "bo", "POST", "/proposals/"+id+"/approve", `{}`)
	p.want("404 proposal_unknown", "bo", "DELETE", "/proposals/"+id+"?reason=again", "")

	id = p.rollout("202 second_person", "ann", "resume", "a test handset")
	p.Now = p.Now.Add(proposals.Life)
	p.want("404 proposal_unknown", "bo", "POST", "/proposals/"+id+"/approve", `{}`)
	late := p.rollout("202 second_person", "bo", "resume", "a test handset")
	if late == id {
		t.Error("what had expired was approved")
	}
	_, listed := p.ask("ann", "GET", "/proposals", "")
	if all := listed["proposals"].([]any); len(all) != 1 {
		t.Errorf("listed: %v", all)
	}
	r := p.Rollout(rolloutID) // it changes
	p.Update(func(tx fleet.Tx) error { return tx.Rollouts().Save(p.Ctx, r) })
	p.want("404 proposal_unknown", "ann", "POST", "/proposals/"+late+"/approve", `{}`)
	if id = p.rollout("202 second_person", "ann", "resume", "a test handset"); id == late {
		t.Error("the proposal of another revision was approved")
	}
	p.want("204", "root", "DELETE", "/tokens/ann", "")
	p.rollout("202 second_person", "bo", "resume", "ann was let go")
}

// TestYoungTokensAreTheirMakers: who makes tokens for herself is one person.
func TestYoungTokensAreTheirMakers(t *testing.T) {
	p := newPair(t, proposals.Policy{Leaks: true})
	p.want("201", "ann", "POST", "/rollouts", `{"release":"`+kit.OptIn+`"}`)
	p.leaks()
	p.rollout("202 second_person", "root", "resume", "a test handset")
	p.token("puppet", "root")
	p.token("puppets-puppet", "puppet")
	p.rollout("403 token_young", "puppet", "resume", "me too")
	p.rollout("403 token_young", "puppets-puppet", "resume", "me too")
	p.want("204", "root", "DELETE", "/tokens/puppet", "")
	p.rollout("403 token_young", "puppets-puppet", "resume", "nobody made me")
	// And the other way round: the puppet proposes, its maker approves.
	p.token("one", "root")
	p.token("two", "root")
	r := p.Rollout(rolloutID)
	p.Update(func(tx fleet.Tx) error { return tx.Rollouts().Save(p.Ctx, r) })
	p.rollout("202 second_person", "one", "resume", "a test handset")
	p.rollout("403 token_young", "root", "resume", "me too")
	p.rollout("403 token_young", "two", "resume", "me too")
	p.rollout("200 running", "bo", "resume", "I looked at it")
	p.leaks()
	p.Now = p.Now.Add(proposals.Young)
	p.rollout("202 second_person", "one", "resume", "a test handset")
	p.rollout("200 running", "root", "resume", "a day later")
}

func TestGoingWideTakesTwo(t *testing.T) {
	p := newPair(t, proposals.Policy{Share: 1_000})
	own := `{"release":"` + kit.OptIn + `","stages":[{"share":100,"soak":"1h"},{"share":10000,"soak":"1h"}]}`
	p.want("202 second_person", "ann", "POST", "/rollouts", own) // small, but nothing keeps it from everybody
	p.want("201", "ann", "POST", "/rollouts", `{"release":"`+kit.OptIn+`"}`)
	p.want("409 rollout_exists", "bo", "POST", "/rollouts", own)
	p.rollout("200 running", "ann", "widen", "it is fine") // to 10 %
	p.rollout("202 second_person", "ann", "widen", "it is fine")
	p.rollout("200 running", "bo", "widen", "so it is") // to half
	if r := p.Rollout(rolloutID); r.Share() != 5_000 || r.By != "ann and bo" {
		t.Errorf("at %d by %s", r.Share(), r.By)
	}
	stages := `{"reason":"faster","stages":[` +
		`{"share":100,"soak":"48h","gates":{"min_reports":400,"min_proven":5000,"max_failures":1000}},` +
		`{"share":1000,"soak":"48h","gates":{"min_reports":400,"min_proven":5000,"max_failures":1000}},` +
		`{"share":5000,"soak":"48h","gates":{"min_reports":400,"min_proven":5000,"max_failures":1000}},{"share":10000,"soak":"1h"}]}`
	id := p.want("202 second_person", "ann", "POST", "/rollouts/"+rolloutID+"/stages", stages)
	p.want("202 second_person", "bo", "POST", "/rollouts/"+rolloutID+"/stages", strings.Replace(stages, `"1h"`, `"2h"`, 1)) // other ones
	p.want("200", "bo", "POST", "/proposals/"+id+"/approve", `{}`)
	if r := p.Rollout(rolloutID); r.Stages[3].Soak != time.Hour {
		t.Errorf("stages: %v", r.Stages)
	}
	p.rollout("200 held", "ann", "pause", "lunch")
	p.rollout("200 running", "ann", "resume", "back") // leaks are not asked about here
}

// TestProposalsRace: many ask for the same at once; one proposes, one carries it out, and it is done once.
func TestProposalsRace(t *testing.T) {
	p := newPair(t, proposals.Policy{Leaks: true})
	p.want("201", "ann", "POST", "/rollouts", `{"release":"`+kit.OptIn+`"}`)
	for range 5 {
		p.leaks()
		before := p.Rollout(rolloutID).Revision
		var wait sync.WaitGroup
		for n := range 8 {
			wait.Go(func() {
				p.ask([]string{"ann", "bo"}[n%2], "POST", "/rollouts/"+rolloutID+"/resume", `{"reason":"a test handset"}`)
			})
		}
		wait.Wait()
		if r := p.Rollout(rolloutID); r.State != fleet.RolloutRunning || r.Revision != before+1 || !r.Seconded {
			t.Fatalf("%s, %d changes", r.State, r.Revision-before)
		}
		p.leaks()
		id := p.rollout("202 second_person", "ann", "resume", "a test handset")
		before = p.Rollout(rolloutID).Revision
		got := make([]string, 8)
		for n := range got {
			wait.Go(func() { got[n], _ = p.ask("bo", "POST", "/proposals/"+id+"/approve", `{}`) })
		}
		wait.Wait()
		if all := strings.Join(got, ", "); strings.Count(all, "200") != 1 || p.Rollout(rolloutID).Revision != before+1 {
			t.Fatalf("approved: %s", all)
		}
	}
}
