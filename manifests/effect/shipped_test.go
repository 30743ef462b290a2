// SPDX-License-Identifier: Apache-2.0

package effect

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"landed/manifests/effect/probe"
)

func shipped(t testing.TB, name string) *Program {
	t.Helper()
	e, err := ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Compile(e)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// spoken are the languages of every effect that comes with the program.
var spoken = []string{"en", "zh-Hans", "zh-Hant"}

func TestShippedEffects(t *testing.T) {
	if len(Shipped()) < 3 {
		t.Fatalf("only %v come with the program", Shipped())
	}
	for _, name := range Shipped() {
		p := shipped(t, name)
		if p.Effect.Name != name {
			t.Errorf("%s.yaml holds the effect %s", name, p.Effect.Name)
		}
		if err := p.Effect.Validate(spoken...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if bits := probe.Bits(p.Effect.Probes); bits >= probe.IMEIBits {
			t.Errorf("%s asks for %.1f bits; an IMEI takes %d", name, bits, probe.IMEIBits)
		} else {
			t.Logf("%s: %.1f bits", name, bits)
		}
	}
}

// TestLanguagesSayTheSame: words in each language stand for the same things as in English, with the same answers in them.
func TestLanguagesSayTheSame(t *testing.T) {
	for _, name := range Shipped() {
		e := shipped(t, name).Effect
		for _, language := range spoken[1:] {
			en, other := things(e.Words["en"]), things(e.Words[language])
			for _, where := range slices.Sorted(maps.Keys(en)) {
				holes := func(text string) []string { return slices.Sorted(slices.Values(placeholder.FindAllString(text, -1))) }
				switch text, ok := other[where]; {
				case !ok || (text == "") != (en[where] == ""):
					t.Errorf("%s: %s.%s is %q, and in English %q", name, language, where, text, en[where])
				case !slices.Equal(holes(text), holes(en[where])):
					t.Errorf("%s: %s.%s holds %v, and in English %v", name, language, where, holes(text), holes(en[where]))
				}
			}
			for _, where := range slices.Sorted(maps.Keys(other)) {
				if _, ok := en[where]; !ok {
					t.Errorf("%s: %s.%s is not said in English", name, language, where)
				}
			}
		}
	}
}

// things are all texts of one language, by where they stand.
func things(w Words) map[string]string {
	all := map[string]string{
		"subject": w.Subject, "question": w.Question, "shown": w.Shown, "by_hand": w.ByHand, "limits": w.Limits,
	}
	for kind, texts := range map[string]map[string]string{"migration.": w.Migration, "before.": w.Before, "reasons.": w.Reasons} {
		for name, text := range texts {
			all[kind+name] = text
		}
	}
	for name, c := range w.Classes {
		all["classes."+name+".name"], all["classes."+name+".means"] = c.Name, c.Means
		all["classes."+name+".tell"], all["classes."+name+".still"], all["classes."+name+".do"] = c.Tell, c.Still, c.Do
	}
	for name, p := range w.Probes {
		all["probes."+name+".name"] = p.Name
		for value, text := range p.Values {
			all["probes."+name+".values."+value] = text
		}
	}
	return all
}

// TestChineseIsWrittenAsChinese finds a line folded into a blank, punctuation of another script, and characters or terms
// of the other side of the strait.
func TestChineseIsWrittenAsChinese(t *testing.T) {
	foreign := map[string][]string{
		"zh-Hans": {"「", "」", "設", "雲", "開", "關", "傳", "應", "資料", "簡訊", "网路", "使用者", "软体", "程式", "回报", "预设"},
		"zh-Hant": {"“", "”", "设", "云", "开", "关", "传", "应", "數據連接", "短信", "網絡", "用戶", "軟件", "重啟", "默認", "信息"},
	}
	for _, name := range Shipped() {
		e := shipped(t, name).Effect
		for language, strangers := range foreign {
			for where, text := range things(e.Words[language]) {
				for _, s := range append(strangers, "， ", "。 ", "； ", "： ", ", ", ";", ": ", "?", "(", "  ") {
					if strings.Contains(text, s) {
						t.Errorf("%s: %s.%s holds %q: %s", name, language, where, s, text)
					}
				}
			}
		}
	}
}
