// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"
)

var (
	counter = Probe{Name: "attempts", Kind: KindInt, Buckets: []int64{0, 1, 2, 10}}
	hours   = Probe{Name: "hours", Kind: KindInt, Buckets: []int64{0, 1, 24}, Unit: "hours"}
	version = Probe{Name: "version", Kind: KindInt, Max: 3}
	boot    = Probe{Name: "boot", Kind: KindBool}
	state   = Probe{Name: "state", Kind: KindEnum, Values: []string{"off", "on", "suspended"}}
)

func TestRound(t *testing.T) {
	for _, tt := range []struct {
		p       Probe
		n, want int64
	}{
		{counter, -5, 0}, {counter, 0, 0}, {counter, 1, 1}, {counter, 2, 2}, {counter, 3, 2}, {counter, 9, 2},
		{counter, 10, 10}, {counter, math.MaxInt64, 10}, {counter, math.MinInt64, 0},
		{version, -1, 0}, {version, 0, 0}, {version, 3, 3}, {version, 4, 3}, {version, math.MaxInt64, 3},
	} {
		got := tt.p.Round(tt.n)
		if got != tt.want {
			t.Errorf("%s rounds %d to %d, wanted %d", tt.p.Name, tt.n, got, tt.want)
		}
		if !tt.p.Allows(Int(got)) {
			t.Errorf("%s rounds %d to %d, which it does not allow", tt.p.Name, tt.n, got)
		}
	}
}

func TestRange(t *testing.T) {
	for want, p := range map[string]Probe{
		"0, 1, 2 or 10":        counter,
		"0, 1 or 24 hours":     hours,
		"0 to 3":               version,
		"true or false":        boot,
		"off, on or suspended": state,
		"no or yes":            {Kind: KindEnum, Values: []string{"no", "yes"}},
		"0 to 90 percent":      {Kind: KindInt, Max: 90, Unit: "percent"},
	} {
		if got := p.Range(); got != want {
			t.Errorf("got %q, wanted %q", got, want)
		}
	}
}

func TestBits(t *testing.T) {
	for _, tt := range []struct {
		probes []Probe
		want   float64
	}{
		{nil, 0},
		{[]Probe{boot}, 1},
		{[]Probe{counter, version, boot}, 5},
		{[]Probe{state}, math.Log2(3)},
		{[]Probe{{Name: "n", Kind: KindInt, Max: MaxInt}}, 16},
		{[]Probe{{Name: "no_words", Kind: KindEnum}}, 0}, // is refused, and must not be minus infinity
	} {
		if got := Bits(tt.probes); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%v: %v bits, wanted %v", tt.probes, got, tt.want)
		}
	}
}

func TestCheck(t *testing.T) {
	asked := []Probe{counter, hours, version, boot, state}
	for name, tt := range map[string]struct {
		answers Answers
		wants   []string // in the error; none for none
	}{
		"nothing answered":  {nil, nil},
		"all answered":      {Answers{"attempts": Int(10), "hours": Int(24), "version": Int(3), "boot": Bool(false), "state": Word("on")}, nil},
		"between buckets":   {Answers{"attempts": Int(3)}, []string{"attempts", "0, 1, 2 or 10"}},
		"unit is told":      {Answers{"hours": Int(23)}, []string{"hours", "0, 1 or 24 hours"}},
		"too much":          {Answers{"version": Int(4)}, []string{"version", "0 to 3"}},
		"negative":          {Answers{"version": Int(-1)}, []string{"version", "0 to 3"}},
		"no such word":      {Answers{"state": Word("onn")}, []string{"state", "off, on or suspended"}},
		"word for a number": {Answers{"attempts": Word("one")}, []string{"attempts"}},
		"number for a bool": {Answers{"boot": Int(1)}, []string{"boot", "true or false"}},
		"bool for a word":   {Answers{"state": Bool(true)}, []string{"state"}},
		"no answer at all":  {Answers{"state": {}}, []string{"state"}},
		"all at once":       {Answers{"state": Word("x"), "boot": Word("y"), "z": Int(1)}, []string{"state", "boot", "1 answers are to probes"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := Check(asked, tt.answers)
			if (err != nil) != (len(tt.wants) > 0) {
				t.Fatalf("got %v", err)
			}
			for _, want := range tt.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, wanted words about %q", err, want)
				}
			}
		})
	}
}

// TestCheckIsDiscreet: whatever a handset put into a name or a word does not travel on in the refusal.
func TestCheckIsDiscreet(t *testing.T) {
	for _, secret := range []string{"owner_of_it", "i490154203237518", "490154203237518", "owner@example.com"} {
		err := Check([]Probe{boot, state}, Answers{secret: Int(1), "state": Word(secret), "boot": Word(secret)})
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("the refusal repeats what was sent, or there is none: %v", err)
		}
		var v Value
		for _, text := range []string{`"` + secret + ` "`, secret + secret, `{"` + secret + `":1}`} {
			if err := json.Unmarshal([]byte(text), &v); err == nil || strings.Contains(err.Error(), secret) && json.Valid([]byte(text)) {
				t.Errorf("%s: the refusal repeats what was sent, or there is none: %v", text, err)
			}
		}
	}
	if err := Check(nil, Answers{"i49015420": Int(3237), "i3237518": Int(1)}); err == nil || !strings.Contains(err.Error(), "2 answers") {
		t.Errorf("got %v", err)
	}
}

func TestValueJSON(t *testing.T) {
	for text, want := range map[string]Value{
		`0`: Int(0), `65535`: Int(MaxInt), `true`: Bool(true), `false`: Bool(false), `"off"`: Word("off"), `"a_1"`: Word("a_1"),
	} {
		var got Value
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s reads as %v, %v", text, got, err)
		}
		if again, err := json.Marshal(got); err != nil || string(again) != text {
			t.Errorf("%s is written as %s, %v", text, again, err)
		}
		if string(got.AppendJSON([]byte("x"))) != "x"+text {
			t.Errorf("%s is appended as %s", text, got.AppendJSON([]byte("x")))
		}
	}
	for _, text := range []string{
		`-1`, `65536`, `1.5`, `1e2`, `1.0`, `null`, `""`, `"Off"`, `"9a"`, `"a b"`, `"a\u0000"`, `"é"`, `[]`, `[1]`, `{}`,
		`"` + strings.Repeat("a", 32) + `"`,
	} {
		got := Word("untouched")
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s reads as %v", text, got)
		}
	}
	for _, v := range []Value{{}, Word(""), Word("A"), Word(`"`), Int(-1), Int(MaxInt + 1)} {
		if text, err := json.Marshal(v); err == nil {
			t.Errorf("%#v is written as %s", v, text)
		}
	}
}

func TestValue(t *testing.T) {
	for _, tt := range []struct {
		v    Value
		kind Kind
		n    int64
		yes  bool
		word string
		text string
	}{
		{Int(7), KindInt, 7, false, "", "7"},
		{Int(1), KindInt, 1, false, "", "1"},
		{Bool(true), KindBool, 0, true, "", "true"},
		{Bool(false), KindBool, 0, false, "", "false"},
		{Word("on"), KindEnum, 0, false, "on", "on"},
		{Value{}, "", 0, false, "", ""},
	} {
		v := tt.v
		if v.Kind() != tt.kind || v.Int() != tt.n || v.True() != tt.yes || v.Word() != tt.word || v.String() != tt.text {
			t.Errorf("%#v: %q %d %t %q %q", v, v.Kind(), v.Int(), v.True(), v.Word(), v.String())
		}
	}
	if Int(0) == Bool(false) || Int(1) == Bool(true) || Word("1") == Int(1) {
		t.Error("values of different kinds are equal")
	}
}

// FuzzValue: what reads is written as it stood, but for the blanks and escapes that JSON allows, and reads as the same.
func FuzzValue(f *testing.F) {
	for _, text := range []string{`0`, `65535`, `65536`, `-0`, `01`, `1e1`, `true`, `false`, `null`, `"off"`, ` "off" `,
		`"\u006ff"`, `"`, `[]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var v Value
		if json.Unmarshal(text, &v) != nil {
			return
		}
		written, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%q reads as %v, which cannot be written: %v", text, v, err)
		}
		var again Value
		if err := json.Unmarshal(written, &again); err != nil || again != v {
			t.Fatalf("%q is written as %q, which reads as %v, %v", text, written, again, err)
		}
		if v.Kind() == KindInt && (v.Int() < 0 || v.Int() > MaxInt) || v.Kind() == KindEnum && !ValidName(v.Word()) || v.Kind() == "" {
			t.Fatalf("%q reads as %#v", text, v)
		}
		if v.Kind() != KindEnum && string(written) != strings.TrimSpace(string(text)) {
			t.Fatalf("%q is written as %q", text, written)
		}
	})
}

// TestValidName holds the loop to the expression that says the same.
func TestValidName(t *testing.T) {
	want := regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)
	names := []string{"", "a", "a_0", "_a", "0a", "A", "aB", "a-b", "a b", "ä", "a\n", "\na", "a\x00", "a.b",
		strings.Repeat("z", 31), strings.Repeat("z", 32), strings.Repeat("_", 31)}
	for c := range 256 {
		names = append(names, string([]byte{byte(c)}), string([]byte{'a', byte(c)}))
	}
	for _, s := range names {
		if got := ValidName(s); got != want.MatchString(s) {
			t.Errorf("ValidName(%q) = %t", s, got)
		}
	}
}

func TestSwitch(t *testing.T) {
	enum := func(name string, values ...string) Probe { return Probe{Name: name, Kind: KindEnum, Values: values} }
	for name, tt := range map[string]struct {
		probes []Probe
		want   string
	}{
		"none":                     {nil, ""},
		"words of something else":  {[]Probe{enum("clock", "kept", "reset"), enum("guard", "on", "closed")}, ""},
		"the one that has on, off": {[]Probe{enum("clock", "kept", "reset"), enum("state", "off", "on", "suspended")}, "state"},
		"the first of two":         {[]Probe{enum("one", "on", "off"), enum("two", "off", "on")}, "one"},
		"a boolean is not worded":  {[]Probe{{Name: "enabled", Kind: KindBool}}, ""},
	} {
		if p, ok := (Ask{Probes: tt.probes}).Switch(); p.Name != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: %q, %t", name, p.Name, ok)
		}
	}
}
