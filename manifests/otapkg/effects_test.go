// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"slices"
	"strings"
	"testing"
)

// TestScriptEffects: what erases user data, writes into it, or replaces the bootloader is found whatever function does
// it and however its text is put together; where nobody can tell, the call is named.
func TestScriptEffects(t *testing.T) {
	const dev = `"/dev/block/platform/msm_sdcc.1/by-name/`
	var long strings.Builder
	for range 100 {
		long.WriteString(`"/system/x", `)
	}
	for script, want := range map[string]string{
		`wipe_block_device(` + dev + `userdata", "1073741824");`:                                                   "wipe",
		`package_extract_file("x.img", ` + dev + `userdata");`:                                                     "wipe",
		`format("ext4", "EMMC", ` + dev + `user" + "data", "0", "/da" + "ta");`:                                    "wipe",
		`format("ext4", "EMMC", ` + dev + `system", "0", (concat("/da", "ta")));`:                                  "wipe",
		`format("ext4", "EMMC", ` + dev + `userdata/.", "0", "/x");`:                                               "wipe",
		`format("yaffs2", "MTD", "userdata");`:                                                                     "wipe",
		`format("ext4", "EMMC", "x", "0", "data");`:                                                                "wipe",
		`write_raw_image("/tmp/x.img", "userdata");`:                                                               "wipe",
		`write_raw_image(package_extract_file("x"), "user" + "data");`:                                             "wipe",
		`block_image_update(` + dev + `userdata", package_extract_file("t"), "new.dat", "p");`:                     "wipe",
		`patch_partition("EMMC:/dev/block/by-name/userdata:1:00", "EMMC:x:1:00");`:                                 "wipe",
		strings.Repeat("(", 200) + `wipe_block_device(` + dev + `USERDATA", "1")` + strings.Repeat(")", 200) + `;`: "wipe",
		`delete_recursive("/data/");`:                                                                              "wipe data",
		`delete_recursive("/");`:                                                                                   "wipe data",
		`symlink(` + dev + `userdata", "/tmp/u"); package_extract_file("x", "/tmp/u");`:                            "wipe",
		`package_extract_file("boot.img", ` + dev + `" + "aboot");`:                                                "boot",
		`package_extract_file("boot.img", "/tmp/../dev/block/aboot");`:                                             "boot",
		`wipe_block_device(` + dev + `modem", "1");`:                                                               "boot",
		`format("ext4", "EMMC", ` + dev + `recovery", "0", "/x");`:                                                 "boot",
		`block_image_update(` + dev + `tz", package_extract_file("t"), "n", "p");`:                                 "boot",
		`patch_partition("EMMC:/dev/block/by-name/xbl_a:1:00", "EMMC:x:1:00");`:                                    "boot",
		`rename("/tmp/a", "/data/app/a.apk");`:                                                                     "data",
		`rename("/data/app/a.apk", "/tmp/a");`:                                                                     "data",
		`set_perm_recursive(0, 0, 0777, 0777, "/data/system");`:                                                    "data",
		`set_metadata("/data/x", "uid", 0);`:                                                                       "data",
		`write_value("1", "/data/x");`:                                                                             "data",
		`apply_patch("/data/app/a", "-", "00", 1, "11", package_extract_file("p"));`:                               "data",
		`package_extract_dir("x", "/" + "data/app");`:                                                              "data",
		`package_extract_dir("x", "data");`:                                                                        "data",
		`package_extract_dir("x", "/");`:                                                                           "data",
		`delete(` + long.String() + `"/data/x");`:                                                                  "data",
		`symlink("/data/app", "/system/d"); package_extract_dir("x", "/system/d/e");`:                              "data",
		`symlink("x", "/data/y");`:                                                                                 "data",
		`mount("ext4", "EMMC", ` + dev + `userdata", "/mnt"); delete_recursive("/mnt/app");`:                       "data",
		`mount("ext4", "EMMC", ` + dev + `userdata", "/mnt/"); delete_recursive("/mnt");`:                          "wipe data",

		`format("ext4", "EMMC", getprop("x"), "0", "/system");`: "unread", `wipe_block_device(getprop("x"), "1");`: "unread",
		`package_extract_file("x", "/a" + getprop("x"));`: "unread", `package_extract_dir("x", ifelse("t", "/data", "/x"));`: "unread",
		`write_raw_image("x", if "t" then "userdata" endif);`: "unread", `rename("/a", read_file("x"));`: "unread",
		`block_image_update(getprop("x"), "t", "n", "p");`: "unread", `delete("/system/a", "/" + getprop("x"));`: "unread",
		`run_program("/sbin/" + getprop("x"));`: "unread", `write_uboot("x");`: "unread", `apply_patch(getprop("x"), "-");`: "unread",
		`mount("ext4", "EMMC", getprop("x"), "/mnt");`: "unread", `symlink(getprop("x"), "/system/a");`: "unread",
		`package_extract_dir("x", "/proc/self/root/data");`: "unread", `package_extract_dir("x", ("y"; "/data"));`: "unread",
		`package_extract_dir("x", "/a" == "/b");`: "unread", `package_extract_dir("x", "` + strings.Repeat("/a", 99) + `");`: "unread",
		`package_extract_dir("x", "/` + strings.Repeat("a", 5000) + `");`: "unread",
		`symlink("/system/a", "/tmp/l"); symlink("/data", "/tmp/l");`:     "unread",

		`package_extract_file("boot.img", ` + dev + `boot"); symlink("toolbox", "/system/bin/ls", "/system/bin/ps");`:               "",
		`set_perm(0, 0, 0644, "/system/x"); mount("ext4", "EMMC", ` + dev + `userdata", "/data"); unmount("/data");`:                "",
		`ui_print("a" + getprop("x")); wipe_cache(); if (is_mounted("/x")) then ("a") else ("b") endif;`:                            "",
		`package_extract_file("x", "/tmp/" + "y"); delete("/tmp/y"); apply_patch("/system/x", "-", "00", 1, "1", read_file("p"));`:  "",
		`symlink("/data/misc/a", "/system/etc/a"); set_metadata_recursive("/system", "uid", 0); tune2fs("-j", ` + dev + `system");`: "",
	} {
		s, _ := readScript([]byte(armaniCheck + script))
		var got []string
		for _, what := range []struct {
			is   bool
			name string
		}{{s.FormatsData, "wipe"}, {s.WritesData, "data"}, {s.WritesBootloader, "boot"}, {len(s.Unread) > 0, "unread"}} {
			if what.is {
				got = append(got, what.name)
			}
		}
		if strings.Join(got, " ") != want || !slices.Equal(s.Devices, []string{"armani"}) {
			t.Errorf("%.120s: %q, wanted %q: %+v", script, got, want, s)
		}
	}
}

// TestFindingOfUnreadPlaces: a person agrees to what nobody can tell from the script.
func TestFindingOfUnreadPlaces(t *testing.T) {
	for _, script := range []string{`package_extract_file("x", getprop("x"));`, `write_uboot("x");`} {
		s, _ := readScript([]byte(script))
		var fs Findings
		judgeScript(&s, &fs)
		if len(fs) != 1 || fs[0].Code != DataWrite || fs[0].Level != Approve || !strings.Contains(fs[0].Message, script[:12]) {
			t.Errorf("%s: %+v", script, fs)
		}
	}
}
