// SPDX-License-Identifier: Apache-2.0

package virtual

import (
	"time"

	"landed/manifests/effect/probe"
)

// Answers are the running image's answers, at now, to what is asked: by name, rounded to what may be answered. What the
// image does not know it does not answer, nor what is asked in a shape that its answer does not fit.
func (p *Phone) Answers(now time.Time, ask probe.Ask) probe.Answers {
	answers := probe.Answers{}
	if p.image == nil {
		return answers
	}
	for _, q := range ask.Probes {
		know, ok := knows[q.Name]
		if !ok {
			continue
		}
		v := know(p, asked{now, ask.PromptDay})
		if v.Kind() == probe.KindInt && q.Kind == probe.KindInt {
			v = probe.Int(q.Round(v.Int()))
		}
		if q.Allows(v) {
			answers[q.Name] = v
		}
	}
	return answers
}

// asked is what an answer depends on besides the handset.
type asked struct {
	now       time.Time
	promptDay string
}

// knows is what this firmware can be asked, by the name of the probe: a name means one thing for ever. The zero Value
// says that this image does not know.
var knows = map[string]func(*Phone, asked) probe.Value{
	// Cloud Messaging.
	"feature":         func(p *Phone, _ asked) probe.Value { return probe.Int(int64(p.image.Behaviour.Feature)) },
	"migration":       func(p *Phone, _ asked) probe.Value { return word(p.s.Migration) },
	"state":           func(p *Phone, _ asked) probe.Value { return word(p.s.Switch.State) },
	"origin":          func(p *Phone, _ asked) probe.Value { return word(p.s.Switch.Origin) },
	"consent":         func(p *Phone, _ asked) probe.Value { return word(p.s.Record.Consent) },
	"consent_text":    func(p *Phone, _ asked) probe.Value { return count(p.s.Record.Text) },
	"consent_when":    func(p *Phone, a asked) probe.Value { return consentWhen(p.s.Record.Day, a.promptDay) },
	"consent_surface": func(p *Phone, _ asked) probe.Value { return word(p.s.Record.Surface) },
	"auto_gate":       func(p *Phone, _ asked) probe.Value { return word(p.image.Behaviour.Gate) },
	"slot_1":          func(p *Phone, _ asked) probe.Value { return p.slotAnswer(0) },
	"slot_2":          func(p *Phone, _ asked) probe.Value { return p.slotAnswer(1) },
	"attempts_setup":  func(p *Phone, _ asked) probe.Value { return count(p.s.AttemptsSetup) },
	"attempts_build":  func(p *Phone, _ asked) probe.Value { return count(p.s.AttemptsBuild) },
	"lookups_off":     func(p *Phone, _ asked) probe.Value { return count(p.s.LookupsOff) },
	"transport":       func(p *Phone, _ asked) probe.Value { return word(p.transport()) },
	// What happened since this build first booted.
	"boot":           func(p *Phone, _ asked) probe.Value { return probe.Bool(p.s.Triggers.Boot) },
	"sim_ready":      func(p *Phone, _ asked) probe.Value { return probe.Bool(p.s.Triggers.SIMReady) },
	"data_up":        func(p *Phone, _ asked) probe.Value { return probe.Bool(p.s.Triggers.DataUp) },
	"contact_opened": func(p *Phone, _ asked) probe.Value { return probe.Bool(p.s.Triggers.ContactOpened) },
	"thread_opened":  func(p *Phone, _ asked) probe.Value { return probe.Bool(p.s.Triggers.ThreadOpened) },
	"observed_hours": func(p *Phone, a asked) probe.Value { return count(observed(p.s.FirstBoot, a.now)) },
	// The app backup.
	"backup":        ofBackup(func(s *Backup, _ Triggers) probe.Value { return word(s.Switch.State) }),
	"backup_origin": ofBackup(func(s *Backup, _ Triggers) probe.Value { return word(s.Switch.Origin) }),
	"uploads_build": ofBackup(func(s *Backup, _ Triggers) probe.Value { return count(s.UploadsBuild) }),
	"uploads_off":   ofBackup(func(s *Backup, _ Triggers) probe.Value { return count(s.UploadsOff) }),
	"app_installed": ofBackup(func(_ *Backup, t Triggers) probe.Value { return probe.Bool(t.AppInstalled) }),
}

// ofBackup answers for images that have an app backup, and for no other.
func ofBackup(know func(*Backup, Triggers) probe.Value) func(*Phone, asked) probe.Value {
	return func(p *Phone, _ asked) probe.Value {
		if s := p.backup(); s != nil {
			return know(s, p.s.Triggers)
		}
		return probe.Value{}
	}
}

func word[T ~string](s T) probe.Value { return probe.Word(string(s)) }

func count(n int) probe.Value { return probe.Int(int64(n)) }

// consentWhen says when the user chose: the day itself stays on the handset.
func consentWhen(day, promptDay string) probe.Value {
	switch {
	case day == "":
		return probe.Word("no_day")
	case day < promptDay:
		return probe.Word("before_prompt")
	}
	return probe.Word("since_prompt")
}

// slotAnswer says how a SIM slot stands, and nothing of which SIM lies in it.
func (p *Phone) slotAnswer(i int) probe.Value {
	if i >= len(p.s.Slots) {
		return probe.Word("absent")
	}
	sim := p.s.Slots[i]
	switch {
	case sim.Registered && sim.By == RegisteredByAuto:
		return probe.Word("auto")
	case sim.Registered && sim.By == RegisteredByUser:
		return probe.Word("user")
	case !sim.Present && !sim.Registered:
		return probe.Word("absent")
	}
	return probe.Word("free")
}

// transport is how identifiers went out since this build first booted, if any did.
func (p *Phone) transport() Transport {
	if p.s.Sent.Any() {
		return p.image.Behaviour.Transport
	}
	return TransportNotUsed
}

// observed is whole hours since the build first booted, up to a week; 0 if the clock went back.
func observed(since, now time.Time) int {
	return max(0, int(min(now.Sub(since), 168*time.Hour)/time.Hour))
}
