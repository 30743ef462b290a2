// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"slices"
	"strings"
	"testing"
)

// TestWritesBeforeTheGuard: a check of the device counts only if nothing was written before it, whatever writes; what
// is known to write nothing may stand there.
func TestWritesBeforeTheGuard(t *testing.T) {
	const boot = `package_extract_file("boot.img", "/dev/block/platform/msm_sdcc.1/by-name/boot")`
	nested := func(open, shut string) string {
		return strings.Repeat(open, 101) + boot + strings.Repeat(shut, 101) + ";"
	}
	for _, before := range []string{
		nested("(", ")"), nested("!", ""), nested("if 1 then ", " endif"), nested("concat(", ")"),
		boot + " = 1;", "f(" + boot + ",);",
		strings.Replace(boot, "/dev", "/tmp/../dev", 1) + ";",
		strings.Replace(boot, `"/dev`, `"/tmp/" + "../dev`, 1) + ";",
		`package_extract_file("boot.img", "/dev/block/boot\x00/../../../tmp/boot");`,
		`package_extract_file("boot.img", getprop("ro.x"));`, `package_extract_dir("system", "/tmpx");`,
		`write_value("1", "/sys/x");`, `set_perm_recursive(0, 0, 0755, 0644, "/system");`, `set_metadata("/system/x", "uid", 0);`,
		`retouch_binaries("/system/lib/x.so", "1");`, `symlink("a", "/system/b");`, `patch_partition("a", "b");`,
		`wipe_cache();`, `reboot_now("/dev/block/misc", "");`, `set_stage("/dev/block/misc", "2/3");`, `write_uboot("x");`,
		`mount("ext4", "EMMC", "/dev/block/userdata", "/tmp/");`, `mount("ext4", "EMMC", "/dev/block/userdata", "/");`,
		`ui_print(whatever("x"));`, `assert(whatever("x"));`, `whatever("x") || abort();`,
	} {
		s, _ := readScript([]byte(before + "\n" + armaniCheck + armaniWork))
		if len(s.Devices) > 0 {
			t.Errorf("%.80s: devices %q, wanted none", before, s.Devices)
		}
	}
	for _, before := range []string{
		`ui_print("x" + getprop("ro.x")); show_progress(0.5, 0); set_progress(0.1); sleep(1); stdout("x");`,
		`mount("ext4", "EMMC", "/dev/block/system", "/system"); is_mounted("/system"); unmount("/system");`,
		`assert(less_than_int(1, getprop("x")) || greater_than_int(1, 2) || is_substring("a", concat("b", "c")));`,
		`apply_patch_check("/system/x", "00"); apply_patch_space(1) || abort(); sha1_check(read_file("/system/x"), "00");`,
		`package_extract_dir("META-INF/x", "/tmp"); package_extract_file("x", "/tmp/" + "y"); get_stage("/dev/block/misc");`,
		`package_extract_file("x", "/tmp/a/../y");`,
	} {
		s, _ := readScript([]byte(before + "\n" + armaniCheck + armaniWork))
		if !slices.Equal(s.Devices, []string{"armani"}) {
			t.Errorf("%.80s: devices %q, unclear %q, wanted armani", before, s.Devices, s.Unclear)
		}
	}
}

// TestPropertiesOfFiles: only a file that the phone came with tells which phone it is.
func TestPropertiesOfFiles(t *testing.T) {
	for file, want := range map[string]string{
		`"/default.prop"`: "armani", `"/system/build.prop"`: "armani", `"/system/./build.prop"`: "armani", `"/vendor/build.prop"`: "armani",
		`"/tmp/fake.prop"`: "", `"/system/../tmp/fake.prop"`: "", `"/sdcard/build.prop"`: "", `"/data/local.prop"`: "", `getprop("x")`: "",
		`"/tmp/x\x00/../../system/build.prop"`: "",
	} {
		s, _ := readScript([]byte(`package_extract_file("META-INF/fake.prop", "/tmp/fake.prop");
assert(file_getprop(` + file + `, "ro.product.device") == "armani");` + armaniWork))
		if strings.Join(s.Devices, "|") != want || (want == "") != (len(s.Unclear) == 1) {
			t.Errorf("%s: devices %q, unclear %q, wanted %q", file, s.Devices, s.Unclear, want)
		}
	}
}

// TestUnknownBeforeTheGuard: a person is told what was not understood.
func TestUnknownBeforeTheGuard(t *testing.T) {
	for _, before := range []string{`whatever("x")`, strings.Repeat("(", 101) + `"x"` + strings.Repeat(")", 101)} {
		s, _ := readScript([]byte(before + ";\n" + armaniCheck + armaniWork))
		var fs Findings
		judgeGuards(&s, true, []string{"armani"}, nil, &fs)
		if len(fs) != 1 || fs[0].Level != Refuse || !strings.Contains(fs[0].Found, before[:9]) || !strings.Contains(fs[0].Message, before[:9]) {
			t.Errorf("%.20s: %+v", before, fs)
		}
	}
}
