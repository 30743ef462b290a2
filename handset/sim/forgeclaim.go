// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"landed/manifests/effect/probe"
	"landed/manifests/offers"
	"landed/manifests/report"
	"landed/manifests/report/envelope"
)

// Forgery is what invented installations claim.
type Forgery string

// The forgeries.
const (
	ForgeProven  Forgery = "proven"  // that the effect is there
	ForgeLeak    Forgery = "leak"    // that it is not
	ForgeFailure Forgery = "failure" // that the update failed, by the fault of the package or of the build
)

// Forgeries lists every forgery.
var Forgeries = []Forgery{ForgeProven, ForgeLeak, ForgeFailure}

func (f Forgery) known() bool { return slices.Contains(Forgeries, f) }

// forgedWeeks is how far the baselines of a patient attacker lie apart.
const forgedWeeks = 14 * 24 * time.Hour

// invention is one installation that does not exist.
type invention struct {
	key       ed25519.PrivateKey
	secret    []byte      // that it draws with for each release, as honest ones do
	s         []byte      // that it has chosen instead, once it knew the salt; nil for none
	seq       int64       // of its last report
	committed string      // release that it has sent a baseline about
	baseline  time.Time   // when
	at        time.Time   // when it acts next
	struck    time.Time   // its first claim
	aim       *forgerFeed // what that was about; nil before
	next      int         // claim of the plan; 0 before the first
	done      bool
}

func (f *Forger) invent(n int) *invention {
	seed := chachaSeed(f.cfg.Seed, fmt.Sprintf("forged %s %s %d", f.cfg.Model, f.cfg.Forgery, n))
	secret := chachaSeed(f.cfg.Seed, fmt.Sprintf("draws %s %s %d", f.cfg.Model, f.cfg.Forgery, n))
	return &invention{key: ed25519.NewKeyFromSeed(seed[:]), secret: secret[:16]}
}

func (i *invention) reference() report.Reference {
	return report.ReferenceOf(i.key.Public().(ed25519.PublicKey))
}

// about is what an installation speaks of: what it has struck at, else what everybody does.
func (f *Forger) about(i *invention) *forgerFeed {
	if i.aim != nil {
		return i.aim
	}
	return &f.feed
}

// draw is what it draws with for a release.
func (i *invention) draw(release string) []byte {
	if i.s != nil {
		return i.s
	}
	return offers.DrawSecret(i.secret, release)
}

// inStage says if the draw that it has committed to is below the share.
func (f *Forger) inStage(i *invention) bool {
	at := f.about(i)
	return offers.Draw(i.draw(at.release), at.salt) < at.share
}

// hides says if it claims that it still waits, for who waits shows no draw. Half of those that have time, and are not in
// the stage, try it.
func (f *Forger) hides(i *invention) bool {
	return f.cfg.Patient > 0 && f.cfg.Forgery != ForgeFailure && i.key[1]%2 == 0 && f.about(i).share > 0 && !f.inStage(i)
}

// choose finds, for who cannot wait, something to draw with that is in the stage: the salt is known by now, and the
// commitment is made after it. A share of one in ten takes ten tries.
func (f *Forger) choose(i *invention) {
	for n := uint64(0); f.cfg.Patient == 0 && f.feed.share > 0 && !f.inStage(i); n++ {
		i.s = offers.DrawSecret(i.secret, string(binary.BigEndian.AppendUint64(nil, n)))
	}
}

// claimed is one report of a plan.
type claimed struct {
	after    time.Duration // the first claim
	kind     report.Kind
	progress report.Progress
	hours    int64 // that are said to be observed
}

// plan is what an installation claims, one report after another. Who is patient lets as much time pass as it claims; who
// is not claims at once what the age of the build allows.
func (f *Forger) plan(at *forgerFeed, struck time.Time) []claimed {
	hour, patient := time.Hour, f.cfg.Patient > 0
	need := max(at.ask.Hours, 1)
	baseline := claimed{0, report.KindBaseline, report.ProgressKnown, 0}
	switch {
	case f.cfg.Forgery == ForgeFailure && patient:
		return []claimed{{0, report.KindProgress, report.ProgressDownloading, 0}, {hour / 6, report.KindProgress,
			report.ProgressInstalled, 0}, {hour / 2, report.KindProgress, report.ProgressFailed, 0}}
	case f.cfg.Forgery == ForgeFailure:
		return []claimed{baseline, {0, report.KindProgress, report.ProgressFailed, 0}}
	case f.cfg.Forgery == ForgeLeak && patient:
		return []claimed{{0, report.KindProgress, report.ProgressRunning, 0}, {hour, report.KindEffect, report.ProgressRunning, 1}}
	case patient:
		return []claimed{{0, report.KindProgress, report.ProgressRunning, 0},
			{time.Duration(need) * hour, report.KindEffect, report.ProgressRunning, need},
			{probe.MaxHours * hour, report.KindEffect, report.ProgressRunning, probe.MaxHours}}
	}
	age := int64(struck.Sub(time.Unix(at.build.UTC, 0)).Hours())
	return []claimed{baseline, {0, report.KindEffect, report.ProgressRunning, min(max(age, 0), probe.MaxHours)}}
}

// baseline is what an installation says that waits.
func (f *Forger) baseline(i *invention) report.Report {
	return f.say(i, claimed{0, report.KindBaseline, report.ProgressKnown, 0})
}

// codes of failures that are blamed on the package and on the build: install script (recovery), and the old slot booted.
var forgedFailures = []report.Failure{{Phase: report.PhaseInstall, Code: 7}, {Phase: report.PhaseBoot, Code: 19}}

// say is a report as the invented installation would make it.
func (f *Forger) say(i *invention, c claimed) report.Report {
	at := f.about(i)
	s := i.draw(at.release)
	r := report.Report{
		Kind: c.kind, Release: at.release, Model: f.cfg.Model, Variant: at.variant, Channel: f.cfg.Channel,
		Build: report.BuildOther, Progress: c.progress, DrawCommit: offers.Commitment(s), Draw: hex.EncodeToString(s),
		Answers: probe.Answers{},
	}
	switch c.progress {
	case report.ProgressKnown:
		return r // what is not answered is no fault, and proves nothing
	case report.ProgressFailed:
		failure := forgedFailures[i.key[0]%2]
		r.Failure, r.Attempt = &failure, 3 // handsets tell of it once their own tries are spent
		return r
	case report.ProgressRunning:
		r.Build, r.BuildUTC, r.PreviousBuild = at.build.Fingerprint, at.build.UTC, report.BuildOther
		if i.key[2]%4 == 0 { // one in four says that it was sold with the build, as nobody has seen it update
			r.PreviousBuild = ""
		}
		r.Answers = forgedAnswers(at.ask, f.cfg.Forgery == ForgeLeak, c.hours)
	}
	r.Attempt = 1
	if f.hides(i) {
		r.Kind, r.Progress, r.Attempt = report.KindEffect, report.ProgressKnown, 0
	}
	return r
}

// What an effect wants to hear, found by reading the effects that ship, not by asking the judge. For any other effect the
// kind decides: a trigger was pulled, a counter counted nothing (or, for a leak, once), an enum has its first word.
var (
	goodWords = map[string]string{"state": "off", "origin": "policy", "consent": "none", "consent_when": "no_day",
		"auto_gate": "closed", "slot_1": "free", "slot_2": "absent", "transport": "not_used",
		"backup": "off", "backup_origin": "factory_default"}
	leakWords = map[string]string{"transport": "http"}
)

// forgedAnswers are answers that the rules of an effect judge good, or those of a leak.
func forgedAnswers(ask probe.Ask, leak bool, hours int64) probe.Answers {
	answers := probe.Answers{}
	for _, p := range ask.Probes {
		v := probe.Bool(true)
		switch {
		case p.Kind == probe.KindInt && p.Unit == "hours":
			v = probe.Int(p.Round(hours))
		case p.Kind == probe.KindInt && (leak || p.Name == "feature"):
			v = probe.Int(p.Round(1))
		case p.Kind == probe.KindInt:
			v = probe.Int(0)
		case p.Kind == probe.KindEnum:
			v = probe.Word(p.Values[0])
			for _, known := range []string{goodWords[p.Name], leakWords[p.Name]} {
				if slices.Contains(p.Values, known) && (leak || known == goodWords[p.Name]) {
					v = probe.Word(known)
				}
			}
		}
		answers[p.Name] = v
	}
	return answers
}

// send seals a report and posts it. It says if the server has decided about it: where it has not, it is sent again.
func (f *Forger) send(ctx context.Context, i *invention, r report.Report) (decided bool) {
	r.Seq = i.seq + 1
	text, _, err := envelope.Seal(r, i.key)
	if err != nil {
		f.became["not sealed"]++ // a fault of this program
		return true
	}
	f.sent++
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.cfg.URL+"/v1/reports", bytes.NewReader(text))
	if err != nil {
		f.became["no answer"]++
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		f.became["no answer"]++
		return false
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var answer struct{ Code string }
	_ = json.Unmarshal(body, &answer)
	key := fmt.Sprint(resp.StatusCode)
	if answer.Code != "" {
		key += " " + answer.Code
	}
	f.became[key]++
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 {
		return false
	}
	i.seq++
	return true
}
