// SPDX-License-Identifier: Apache-2.0

package settle

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"landed/manifests/report"
	"landed/server/fleet"
)

const recordedSettled = "testdata/settled-1.json"

// TestRecordedSettled: what a cut of this program wrote once is read for ever, and written again byte for byte.
func TestRecordedSettled(t *testing.T) {
	at := time.Date(2014, 8, 10, 12, 0, 0, 0, time.UTC)
	want := Settled{lived: 7, Rows: "5e88", States: []held{
		{newest: 9, Installation: fleet.Installation{Release: "one", Current: true, Model: "armani", Channel: "stable", Seq: 4,
			Progress: report.ProgressFailed, Cause: report.CausePackage, Before: "active", Cloned: true, Reports: 5, First: at,
			Last: at.Add(time.Hour), Away: at, Back: at.Add(time.Minute), Admitted: at, OutOfDraw: true, Drawn: 77}},
		{
			newest: 3,
			Installation: fleet.Installation{Release: "zero", Model: "armani", Channel: "beta", Seq: 2, Progress: report.ProgressKnown,
				Before: "not_seen", Leaked: true, Reports: 2, First: at, Last: at, Absent: true, Commit: "00ff", Drawn: -1},
		},
	}}
	if os.Getenv("LANDED_RECORD") != "" {
		if err := os.WriteFile(recordedSettled, want.Text(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(recordedSettled)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadSettled(text)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Settled{}, held{})); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, wrong := range []string{"", "{}", "[]", "[1,2,3]", `[1,"x",[]] `, `[1,"x",[[]]]`, `[1,"x",[],4]`} {
		if s, err := ReadSettled([]byte(wrong)); err == nil {
			t.Errorf("%s is read as %+v", wrong, s)
		}
	}
}

// FuzzSettled: what is stored may be changed in any way; what is read is written again as it was.
func FuzzSettled(f *testing.F) {
	text, err := os.ReadFile(recordedSettled)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`[0,"",[]]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := ReadSettled(text); err == nil && !bytes.Equal(s.Text(), text) {
			t.Errorf("%s is written as %s", text, s.Text())
		}
	})
}
