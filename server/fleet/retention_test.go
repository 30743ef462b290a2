// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"testing"
	"time"
)

func TestCutOf(t *testing.T) {
	c := Cut{Number: 3, Release: "miui-opt-in.2", UpTo: 12_345, Before: time.UnixMilli(1_407_672_000_123).UTC(), States: 17,
		Root: bytes.Repeat([]byte{0xab}, 32), At: time.UnixMilli(1_500_000_000_000).UTC()}
	e := AuditEntry{At: c.At, Actor: "landed", Action: ActionCut, Subject: CutSubject(3), Reason: "words (of all kinds) " + c.Line()}
	if got, ok := CutOf(e); !ok || !got.Same(c) || got.Number != 3 || got.UpTo != c.UpTo || !got.Before.Equal(c.Before) {
		t.Errorf("%+v, %t", got, ok)
	}
	for what, change := range map[string]func(*AuditEntry){
		"another action":  func(e *AuditEntry) { e.Action = "release.retain" },
		"another subject": func(e *AuditEntry) { e.Subject = "cut 03" },
		"no number":       func(e *AuditEntry) { e.Subject = "cut" },
		"words behind it": func(e *AuditEntry) { e.Reason += "." },
		"a short root":    func(e *AuditEntry) { e.Reason = e.Reason[:len(e.Reason)-3] + ")" },
	} {
		one := e
		change(&one)
		if got, ok := CutOf(one); ok {
			t.Errorf("%s: is read as %+v", what, got)
		}
	}
}

// FuzzCutOf: what a line says is what is read of it.
func FuzzCutOf(f *testing.F) {
	f.Add("x " + Cut{Release: "one", Before: time.UnixMilli(5), Root: make([]byte, 32)}.Line())
	f.Fuzz(func(t *testing.T, reason string) {
		e := AuditEntry{Action: ActionCut, Subject: CutSubject(1), Reason: reason}
		c, ok := CutOf(e)
		if !ok {
			return
		}
		e.Reason = c.Line()
		if again, ok := CutOf(e); !ok || !again.Same(c) {
			t.Errorf("%q is read as %s, and that otherwise", reason, c.Line())
		}
	})
}
