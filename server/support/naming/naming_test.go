// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"slices"
	"strings"
	"testing"

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
	}
}

// TestPersonal: numbers of people are known by their length, those of models and builds are none.
func TestPersonal(t *testing.T) {
	for text, want := range map[string]bool{
		"861234567890123": true, "86 1234 5678 9012 3": true, "IMEI: 86-123456-789012-3": true, "+86 138 0013 8000": true, "13800138000": true,
		"(010) 6552 9988": true, "91234567": true, "８６１２３４５６７８９０１２３": true, "mei@example.org": true, "89860012345678901234": true,
		"2014018": false, "2014-018": false, "20140809": false, "JHCMIBH46.0": false, "Mi 3": false, "V6.1.1.0.KXDMIBJ": false, "2211133G": false, "": false,
		"Xiaomi/armani/armani:4.3/JLS36C/JHCMIBH46.0:user/release-keys": false, "0123-4567-89AB-CDEF": false, "imei861234567890123": true,
	} {
		if got := Personal(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{"Mi 3", "红米1S", "2014-018", "JHCMIBH46.0", "ＭＩ　３", "a\x00\u202e"} {
		f.Add(text)
	}
	order, all := called()
	f.Fuzz(func(t *testing.T, text string) {
		q := Read(text)
		for _, device := range order {
			if n := all[device]; n.Finds(q) != n.Finds(Read(text)) {
				t.Error("the same words find another thing")
			}
		}
		Personal(text)
	})
}
