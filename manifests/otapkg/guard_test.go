// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"slices"
	"strings"
	"testing"

	fixtures "landed/firmware-fixtures"
	"landed/manifests"
)

// TestDeviceGuards: who passes is found whatever the form, and of what is not understood the part is named.
func TestDeviceGuards(t *testing.T) {
	const a, b = `getprop("ro.product.device") == "armani"`, `getprop("ro.product.device") == "dior"`
	for _, c := range []struct {
		name, script   string
		devices, named []string
		unclear        []string
	}{
		{"a name of CyanogenMod's as well", `assert(` + a + ` || getprop("ro.cm.device") == "armani");`, []string{"armani"}, nil, nil},
		{"ifelse", `ifelse(getprop("ro.product.device") != "armani", abort("wrong"));`, []string{"armani"}, nil, nil},
		{"ifelse the other way round", `ifelse(` + a + `, ui_print("good"), abort("wrong"));`, []string{"armani"}, nil, nil},
		{"not unequal", `assert(!(getprop("ro.product.device") != "armani"));`, []string{"armani"}, nil, nil},
		{"if", `if getprop("ro.product.device") != "armani" then ui_print("x"); abort("wrong"); endif;`, []string{"armani"}, nil, nil},
		{"if and else", `if ` + a + ` then ui_print("x") else abort() endif;`, []string{"armani"}, nil, nil},
		{"if inside if", `if ` + a + ` then "" else if ` + b + ` then "" else abort("no") endif endif;`, []string{"armani", "dior"}, nil, nil},
		{"and", `(getprop("ro.product.device") != "armani" && getprop("ro.build.product") != "dior") && abort("no");`,
			[]string{"armani", "dior"}, nil, nil},
		{"two checks that both hold", `assert(` + a + ` || ` + b + `); assert(` + b + `);`, []string{"dior"}, nil, nil},
		{"two arguments", `assert(` + a + ` || ` + b + `, ` + a + `);`, []string{"armani"}, nil, nil},
		{"a function in quotes", `"assert"(` + a + `);`, []string{"armani"}, nil, nil},
		{"a fingerprint names a device", `file_getprop("/system/build.prop", "ro.build.fingerprint") == "` + armaniPrint + `" || abort("other build");`,
			[]string{"armani"}, nil, nil},
		{"the work itself is the branch", `if ` + a + ` then ` + strings.TrimSuffix(strings.TrimSpace(armaniWork), ";") + ` endif; unmount("/system");`, []string{"armani"}, nil, nil},
		{"a part of the work is a branch", `if ` + a + ` then ` + strings.TrimSuffix(strings.TrimSpace(armaniWork), ";") + ` endif; run_program("x");`,
			nil, []string{"armani"}, nil},
		{"beside a date", `assert(` + a + ` && !less_than_int(1, getprop("ro.build.date.utc")));`, []string{"armani"}, nil, nil},
		{"beside a mount", `mount("a", "b"); ifelse(is_mounted("/system"), unmount("/system")); assert(` + a + `);`, []string{"armani"}, nil, nil},
		{"a partly understood check before a whole one", `assert(` + a + ` || getprop("ro.x") == "1"); assert(` + a + `);`, []string{"armani"}, nil, nil},

		{"contradiction", `assert(` + a + `); assert(` + b + `);`, nil, []string{"armani", "dior"}, nil},
		{"all but one", `assert(getprop("ro.product.device") != "dior");`, nil, []string{"dior"}, nil},
		{"a text that is not empty", `assert(` + a + ` || "t");`, nil, []string{"armani"}, nil},
		{"nothing stops", a + ` || ui_print("wrong phone");`, nil, []string{"armani"}, nil},
		{"the answer of assert is empty", `assert("t") || abort(); assert(` + a + `);`, nil, nil, []string{`assert("t") || abort()`}},

		{"another property", `assert(` + a + ` || getprop("ro.hardware") == "qcom");`, nil, []string{"armani"}, []string{`getprop("ro.hardware") == "qcom"`}},
		{"another property alone", `assert(getprop("ro.hardware") == "qcom");`, nil, nil, []string{`getprop("ro.hardware") == "qcom"`}},
		{"part of a name", `assert(is_substring("arm", getprop("ro.product.device")));`, nil, nil,
			[]string{`is_substring("arm", getprop("ro.product.device"))`}},
		{"a branch", `if is_mounted("/x") then assert(` + a + `) endif;`, nil, []string{"armani"}, []string{`is_mounted("/x")`}},
		{"what is no Edify", `assert(` + a + `;`, nil, nil, []string{`assert(getprop("ro.product.device") == "armani"`}},
		{"too deep", strings.Repeat("(", 1000) + a + strings.Repeat(")", 1000) + ";", nil, nil, nil},
		{"nothing", "", nil, nil, nil},
	} {
		if !strings.Contains(c.script, "package_extract") {
			c.script += "\n" + armaniWork
		}
		s, ok := readScript([]byte(c.script))
		if c.name == "too deep" {
			if len(s.Unclear) != 1 || len(s.Devices) > 0 {
				t.Errorf("%s: %+v", c.name, s)
			}
			continue
		}
		if c.name == "what is no Edify" { // its bracket never closes, so it is all of the script
			s.Unclear = []string{strings.Split(s.Unclear[0], ";")[0]}
		}
		if !ok || !slices.Equal(s.Devices, c.devices) || !slices.Equal(s.Named, c.named) || !slices.Equal(s.Unclear, c.unclear) {
			t.Errorf("%s: devices %q, named %q, unclear %q", c.name, s.Devices, s.Named, s.Unclear)
		}
	}
}

// TestGuardFindings: other names of a phone are welcome, other phones are not, and of what nobody knows a person decides.
func TestGuardFindings(t *testing.T) {
	models := manifests.DefaultCatalogue()
	for _, c := range []struct {
		name   string
		s      ScriptFacts
		models *manifests.Catalogue
		want   Level
		words  string
	}{
		{"the same", ScriptFacts{Devices: []string{"armani"}}, models, "", ""},
		{"a ROM name", ScriptFacts{Devices: []string{"armani", "HM1SWC"}}, models, "", ""},
		{"another model", ScriptFacts{Devices: []string{"armani", "dior"}}, models, Refuse, "as well, which is another model"},
		{"a ROM name of another model", ScriptFacts{Devices: []string{"armani", "HMNoteLTE"}}, models, Refuse, "another model"},
		{"a name that nobody knows", ScriptFacts{Devices: []string{"armani", "armani2"}}, models, Approve, "not known here"},
		{"no catalogue", ScriptFacts{Devices: []string{"armani", "dior"}}, nil, Approve, "not known here"},
		{"only its ROM name", ScriptFacts{Devices: []string{"HM1SWC"}}, models, Refuse, "it would stop on `armani`"},
		{"not understood", ScriptFacts{Named: []string{"armani"}, Unclear: []string{`f("x")`}}, models, Refuse, `depends on`},
		{"nothing checked", ScriptFacts{}, models, Refuse, "checks no device"},
	} {
		var fs Findings
		judgeGuards(&c.s, true, []string{"armani"}, c.models, &fs)
		if len(fs) == 0 && c.want == "" {
			continue
		}
		if len(fs) != 1 || fs[0].Code != DevAssert || fs[0].Level != c.want || !strings.Contains(fs[0].Message, c.words) {
			t.Errorf("%s: %+v", c.name, fs)
		}
	}
}

// TestGuardedPackages: packages with the device checks of other makers are as good as those of AOSP's release tools.
func TestGuardedPackages(t *testing.T) {
	policy := Policy{Catalogue: manifests.DefaultCatalogue(), Pins: pinsOf(t, fixtures.TestKey().Cert)}
	for name, check := range map[string]string{
		"CyanogenMod": `assert(getprop("ro.product.device") == "armani" || getprop("ro.cm.device") == "armani");`,
		"two names":   `assert(getprop("ro.product.device") == "armani" || getprop("ro.build.product") == "HM1SWC");`,
		"ifelse":      `ifelse(getprop("ro.product.device") != "armani", abort("wrong device"));`,
		"negation":    `assert(!(getprop("ro.product.device") != "armani"));`,
		"LineageOS": `assert(getprop("ro.product.device") == "armani" || getprop("ro.build.product") == "armani" ||
    abort("E3004: This package is for device: armani; this device is " + getprop("ro.product.device") + "."););`,
	} {
		build, err := fixtures.BuildOf("armani", fixtures.Patched)
		if err != nil {
			t.Fatal(err)
		}
		build.Guard = check
		b, err := fixtures.Bytes(build, fixtures.TestKey())
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { only(t, b, policy, harmless) })
	}
}

// TestCaseScriptGuards reads the armani stand-in with other device checks.
func TestCaseScriptGuards(t *testing.T) {
	policy := Policy{Catalogue: manifests.DefaultCatalogue(), Channel: "stable", Pins: casePins(t, "19-script-guards/ota.cert.pem")}
	for name, devices := range map[string][]string{
		"c-cmdevice.zip": {"armani"}, "f-ifelse.zip": {"armani"}, "g-notequal.zip": {"armani"}, "e-variants.zip": {"armani", "HM1SWC"},
	} {
		facts, found := inspectBytes(t, readCase(t, "19-script-guards/"+name), policy)
		if len(found) > 0 || !slices.Equal(facts.Script.Devices, devices) {
			t.Errorf("%s: %v, devices %q", name, found, facts.Script.Devices)
		}
	}
}

// TestCaseSeveralDevices: of a package for two phones the one that nobody knows here does not keep the other from it.
func TestCaseSeveralDevices(t *testing.T) {
	policy := Policy{Catalogue: manifests.DefaultCatalogue(), Channel: "stable", Pins: casePins(t, "ota.cert.pem")}
	standIn := Policy{Catalogue: policy.Catalogue, Channel: "stable", Pins: casePins(t, "19-script-guards/ota.cert.pem")}
	_, found := inspectBytes(t, readCase(t, "06-several-pre-devices/armani-dior.zip"), standIn)
	// Its image was taken from an older build of armani, and says so; a person has to look at that, and nothing is refused.
	if len(found) != 1 || found[0].Code != MetaSplit || found[0].Level != Approve {
		t.Errorf("armani|dior: %v", found)
	}
	_, found = inspectBytes(t, readCase(t, "06-several-pre-devices/two-devices.zip"), policy)
	if len(found) != 1 || found[0].Code != DevUnknown || found[0].Level != Warn || strings.Contains(found[0].Fix, "Correct pre-device") {
		t.Errorf("fuxi|nuwa: %+v", found)
	}
}
