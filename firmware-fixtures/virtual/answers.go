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
	a := asked{now: now, promptDay: ask.PromptDay, since: p.s.FirstBoot, pulled: p.s.Triggers, messaging: p.messaging(),
		backup: p.backup()}
	for _, q := range ask.Probes {
		know, ok := knows[q.Name]
		if !ok {
			continue
		}
		v := know(a)
		if v.Kind() == probe.KindInt && q.Kind == probe.KindInt {
			v = probe.Int(q.Round(v.Int()))
		}
		if q.Allows(v) {
			answers[q.Name] = v
		}
	}
	return answers
}

// asked is what an answer depends on: the question's time and prompt day, and what runs.
type asked struct {
	now       time.Time
	promptDay string
	since     time.Time // first boot of the build
	pulled    Triggers
	messaging messaging
	backup    *appBackup // nil on an image that has none
}

// knows is what this firmware can be asked, by the name of the probe: a name means one thing for ever. The zero Value
// says that this image does not know.
var knows = map[string]func(asked) probe.Value{
	// Cloud Messaging.
	"feature":         func(a asked) probe.Value { return count(a.messaging.does.Feature) },
	"migration":       func(a asked) probe.Value { return word(a.messaging.mem.Migration) },
	"state":           func(a asked) probe.Value { return word(a.messaging.mem.Switch.State) },
	"origin":          func(a asked) probe.Value { return word(a.messaging.mem.Switch.Origin) },
	"consent":         func(a asked) probe.Value { return word(a.messaging.mem.Record.Consent) },
	"consent_text":    func(a asked) probe.Value { return count(a.messaging.mem.Record.Text) },
	"consent_when":    func(a asked) probe.Value { return consentWhen(a.messaging.mem.Record.Day, a.promptDay) },
	"consent_surface": func(a asked) probe.Value { return word(a.messaging.mem.Record.Surface) },
	"auto_gate":       func(a asked) probe.Value { return word(a.messaging.does.GateAt(a.now)) },
	"slot_1":          func(a asked) probe.Value { return word(a.messaging.slotAnswer(0)) },
	"slot_2":          func(a asked) probe.Value { return word(a.messaging.slotAnswer(1)) },
	"attempts_setup":  func(a asked) probe.Value { return count(a.messaging.mem.AttemptsSetup) },
	"attempts_build":  func(a asked) probe.Value { return count(a.messaging.mem.AttemptsBuild) },
	"lookups_off":     func(a asked) probe.Value { return count(a.messaging.mem.LookupsOff) },
	"transport":       func(a asked) probe.Value { return word(a.messaging.transport()) },
	// What happened since this build first booted.
	"boot":           func(a asked) probe.Value { return probe.Bool(a.pulled.Boot) },
	"sim_ready":      func(a asked) probe.Value { return probe.Bool(a.pulled.SIMReady) },
	"data_up":        func(a asked) probe.Value { return probe.Bool(a.pulled.DataUp) },
	"contact_opened": func(a asked) probe.Value { return probe.Bool(a.pulled.ContactOpened) },
	"thread_opened":  func(a asked) probe.Value { return probe.Bool(a.pulled.ThreadOpened) },
	"observed_hours": func(a asked) probe.Value { return count(observed(a.since, a.now)) },
	// The app backup.
	"backup":        ofBackup(func(s *Backup, _ Triggers) probe.Value { return word(s.Switch.State) }),
	"backup_origin": ofBackup(func(s *Backup, _ Triggers) probe.Value { return word(s.Switch.Origin) }),
	"uploads_build": ofBackup(func(s *Backup, _ Triggers) probe.Value { return count(s.UploadsBuild) }),
	"uploads_off":   ofBackup(func(s *Backup, _ Triggers) probe.Value { return count(s.UploadsOff) }),
	"app_installed": ofBackup(func(_ *Backup, t Triggers) probe.Value { return probe.Bool(t.AppInstalled) }),
}

// ofBackup answers for images that have an app backup, and for no other.
func ofBackup(know func(*Backup, Triggers) probe.Value) func(asked) probe.Value {
	return func(a asked) probe.Value {
		if a.backup == nil {
			return probe.Value{}
		}
		return know(a.backup.mem, a.pulled)
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
func (m messaging) slotAnswer(i int) string {
	if i >= len(m.mem.Slots) {
		return "absent"
	}
	sim := m.mem.Slots[i]
	switch {
	case sim.Registered && sim.By == RegisteredByAuto:
		return "auto"
	case sim.Registered && sim.By == RegisteredByUser:
		return "user"
	case !sim.Present && !sim.Registered:
		return "absent"
	}
	return "free"
}

// transport is how identifiers went out since this build first booted, if any did.
func (m messaging) transport() Transport {
	if m.mem.Sent.Any() {
		return m.does.Transport
	}
	return TransportNotUsed
}

// observed is whole hours since the build first booted, up to a week; 0 if the clock went back.
func observed(since, now time.Time) int {
	return max(0, int(min(now.Sub(since), 168*time.Hour)/time.Hour))
}
