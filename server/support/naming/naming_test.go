// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"landed/manifests"
)

// called are the names of the built-in line-up by device.
func called() (order []string, all map[string]*Names) {
	all = map[string]*Names{}
	for _, m := range manifests.DefaultCatalogue().Models() {
		order = append(order, m.Device)
		builds := map[string][]string{"armani": {"Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user/release-keys"}}[m.Device]
		all[m.Device] = Of(Model{m.Device, m.Product, m.Numbers, m.ROMNames, m.Variants, m.Letters, builds})
	}
	return order, all
}

// TestWhatPeopleType: what is typed, and the devices that it finds.
func TestWhatPeopleType(t *testing.T) {
	const mi3, mi3w = "pisces", "cancro"
	redmi1s := "armani HM2014011 HM2014501"
	notes := "lcsh92_wet_jb9 lcsh92_wet_tdd dior gucci"
	order, all := called()
	for typed, want := range map[string]string{
		"Mi 3": mi3 + " " + mi3w, "Mi3": mi3 + " " + mi3w, "mi-3": mi3 + " " + mi3w, "MI 3": mi3 + " " + mi3w, "Xiaomi Mi 3": mi3 + " " + mi3w,
		"xiaomi mi3": mi3 + " " + mi3w, "小米3": mi3 + " " + mi3w, "小米手机3": mi3 + " " + mi3w, "ＭＩ　３": mi3 + " " + mi3w, "Mi 3 phone": mi3 + " " + mi3w,
		"MI 3W": mi3w, "Mi 3 W": mi3w, "mi3c": mi3w, "小米3联通版": mi3w, "小米3移动版": mi3, "Mi 3 TD": mi3, "MI3TD": mi3, "3TD": mi3, "小米3電信版": mi3w,
		"Mi 4": mi3w + " cancro_lte_ct", "mi4 lte": "cancro_lte_ct", "Mi 2": "aries", "Mi 2S": "aries", "mi 2a": "taurus", "MI2A": "taurus",
		"Mi 1S": "mione_plus", "HM 1S": redmi1s, "HM1S": redmi1s, "hongmi 1s": redmi1s, "Redmi 1S": redmi1s, "红米1S": redmi1s, "紅米 1S": redmi1s,
		"HM 1SW": "armani", "HM1SWC": "armani", "redmi 1": "HM2013022 HM2013023", "HM 1W": "HM2013023", "红米": "armani HM2013022 HM2013023 HM2014011 HM2014501 " +
			notes + " wt88047", "Redmi 2": "wt88047", "HM 2": "HM2013022 wt88047", "redmi2": "wt88047", "HM2": "HM2013022 wt88047",
		"note": notes, "Redmi Note": notes, "note redmi": notes, "HM NOTE 1W": "lcsh92_wet_jb9", "HM Note 1TD": "lcsh92_wet_tdd", "红米Note": notes,
		"HM NOTE 1LTE": "dior", "redmi note 4g": "dior gucci", "HMNoteLTE": "dior", "Redmi Note 1S": "gucci", "redmi note 4": "", "red": "armani HM2013022 " +
			"HM2013023 HM2014011 HM2014501 " + notes + " wt88047",
		"2014-018": "lcsh92_wet_jb9", "2014018": "lcsh92_wet_jb9", "2014 018": "lcsh92_wet_jb9", "model 2013061": "", "型号2013061": mi3, "20130": "armani HM2013022 " +
			"HM2013023 aries pisces cancro", "2211133G": "fuxi", "HM2014011": "HM2014011", "redmi 2013029": "armani",
		"armani": "armani", "arm": "armani", "ARMANI_GLOBAL": "armani", "lcsh92_wet_jb9": "lcsh92_wet_jb9", "Xiaomi 13": "fuxi", "mi 13": "fuxi", "13": "fuxi",
		"JHCMIBH46.0": "armani", "jhcmibh": "armani", "CMIBH46": "armani", "KXDMIBJ": mi3w, "V6.1.1.0.KXDMIBJ": mi3w, "BH46.0": "armani",
		"Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user": "armani", "JLS36C": "armani",
		"nokia": "", "3": mi3 + " " + mi3w, "...": "", "Galaxy S5": "", "": strings.Join(order, " "), " ": strings.Join(order, " "),
	} {
		q := Read(typed)
		var found []string
		for _, device := range order {
			if all[device].Finds(q) {
				found = append(found, device)
			}
		}
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if slices.Sort(found); !slices.Equal(found, wanted) {
			t.Errorf("%q finds %v, wanted %v (read as %q)", typed, found, wanted, q.words)
		}
		same := strings.TrimSpace(typed) == "" || len(found) == 0
		for _, device := range found { // in the words of the catalogue, too: of each at least it, and all by those of one
			name := all[device].Named(q)
			again := slices.DeleteFunc(slices.Clone(order), func(d string) bool { return !all[d].Finds(Read(name)) })
			if slices.Sort(again); !slices.Contains(again, device) {
				t.Errorf("%q is called %q on %s, which finds %v", typed, name, device, again)
			}
			same = same || slices.Equal(again, found)
		}
		if !same {
			t.Errorf("%q: no name of any model finds %v", typed, found)
		}
	}
}

// TestNamed: what was recognised is said in words of the catalogue, and nothing else that was typed is.
func TestNamed(t *testing.T) {
	_, all := called()
	for typed, want := range map[string]string{
		"hongmi 1s": "armani Redmi 1S", "红米１Ｓ": "armani Redmi 1S", "小米3电信版": "cancro Mi 3 C",
		"mi3td": "pisces MI3TD", "mi 3 td phone": "pisces Mi 3 TD",
		"2014-018": "lcsh92_wet_jb9 2014018", "ARMANI-global": "armani armani_global", "20130": "pisces 20130",
		"mi mi mi 3":     "pisces Mi 3",
		"redmi note lte": "dior Redmi Note 4G", "bh46.0": "armani BH46.0", "V6.1.1.0.KXDMIBJ": "cancro KXDMIBJ",
		"KXDMIBJ99.1":        "cancro KXDMIBJ99.1",
		"KXDMIBJ13800138000": "cancro KXDMIBJ", "KXDMIBJ1.3.8.0.0": "cancro KXDMIBJ", "my number 13800138000 KXDMIBJ": "cancro KXDMIBJ",
		"JLS36C/JHCMIBH46.0": "armani JLS36C/JHCMIBH46.0", "xiaomi/JHCMIBH99.0 of mei": "armani JHCMIBH99.0",
		"nokia": "armani ", "...": "armani ",
	} {
		device, want, _ := strings.Cut(want, " ")
		if got := all[device].Named(Read(typed)); got != want {
			t.Errorf("%q on %s is called %q, wanted %q", typed, device, got, want)
		}
	}
}

// TestPersonal: numbers of people are known by their length, those of models and builds are none.
func TestPersonal(t *testing.T) {
	for text, want := range map[string]bool{
		"861234567890123": true, "86 1234 5678 9012 3": true, "IMEI: 86-123456-789012-3": true, "+86 138 0013 8000": true, "13800138000": true,
		"(010) 6552 9988": true, "91234567": true, "８６１２３４５６７８９０１２３": true, "mei@example.org": true, "89860012345678901234": true,
		"2014018": false, "2014-018": false, "20140809": false, "JHCMIBH46.0": false, "Mi 3": false, "V6.1.1.0.KXDMIBJ": false, "2211133G": false, "": false,
		"Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user/release-keys": false, "0123-4567-89AB-CDEF": false, "imei861234567890123": true,
		"13800138000的手机": true, "我的号码13800138000是小米3": true, "IMEI 861234567890123和2014018": true,
		"861234567890123b": true, "65529988的": true,
		"٨٦١٢٣٤٥٦٧٨٩٠١٢٣": true, "⁸⁶¹²³⁴⁵⁶⁷⁸⁹⁰¹²³": true, "८६१२३४५६७८९०१२३": true, "1️⃣3️⃣8️⃣0️⃣0️⃣1️⃣3️⃣8️⃣0️⃣0️⃣0️⃣": true,
		"138‑0013‑8000": true, "86_123456_789012_3": true, "𝟏𝟑𝟖𝟎𝟎𝟏𝟑𝟖𝟎𝟎𝟎": true, "①③⑧⓪⓪①③⑧⓪⓪⓪": true, "〡〣〨〇〇〡〣〨〇〇〇": true,
		"9876543210a": false, "98765432101a": true, "20140809的": false, "Mi ３": false,
	} {
		if got := Personal(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestEquipment: an MEID is known by its 14 digits.
func TestEquipment(t *testing.T) {
	for text, want := range map[string]bool{
		"A100002B7F0A2C": true, "a1 00002b 7f0a2c": true, "MEID:A1-00002B-7F0A2C-5": true,
		"我的A100002B7F0A2C手机": true, "Ａ１００００２Ｂ７Ｆ０Ａ２Ｃ": true,
		"0123-4567-89AB-CDEF": false, "0123-4567-89AB-CDEF-GHJK-MNPQ": false, "JHCMIBH46.0": false,
		"A100002B7F0A": false, "xA100002B7F0A2C": false,
		"Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user/release-keys": false, "Mi 2A": false, "": false,
	} {
		if got := Equipment(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{"Mi 3", "红米1S", "13800138000的手机", "٨٦١٢٣٤٥٦٧٨٩٠١٢٣", "KXDMIBJ13800138000",
		"3 mi 3 redmi", "2014-018", "JHCMIBH46.0", "ＭＩ　３", "a\x00\u202e"} {
		f.Add(text)
	}
	order, all := called()
	f.Fuzz(func(t *testing.T, text string) {
		q := Read(text)
		for _, device := range order {
			if n := all[device]; n.Finds(q) != n.Finds(Read(text)) {
				t.Error("the same words find another thing")
			}
			if name := all[device].Named(q); name != "" && !all[device].Finds(Read(name)) {
				t.Errorf("%q is called %q, and is not found by that", text, name)
			}
		}
		if long.MatchString(strings.Map(digit, text)) && !Personal(text) {
			t.Errorf("%q has a long number", text)
		}
	})
}

var long = regexp.MustCompile(`[0-9]{11}`)

func digit(r rune) rune {
	if unicode.IsDigit(r) {
		return '0'
	}
	return r
}
