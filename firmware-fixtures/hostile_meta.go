// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"fmt"
	"strings"
)

// hostileMetadata are file-based packages that say the wrong thing about themselves.
func hostileMetadata() []HostileCase {
	const m = "armani"
	return []HostileCase{
		{Name: "meta-none", Model: m, Want: []string{"META-MISSING"}, Why: "no metadata file",
			Write: forgery{files: func(f map[string][]byte) { delete(f, nameMetadata) }}.of(m)},
		{Name: "meta-no-device", Model: m, Want: []string{"META-MISSING"},
			Why:   "no pre-device: nobody can say which phones it is for",
			Write: forgery{files: replaced(nameMetadata, "pre-device=armani\n", "")}.of(m)},
		{Name: "meta-two-values", Model: m, Want: []string{"META-SPLIT"},
			Why:   "pre-device twice; readers differ in which one counts",
			Write: forgery{files: appended(nameMetadata, "pre-device=cancro\n")}.of(m)},
		{Name: "meta-type-ab", Model: m, Want: []string{"META-TYPE"}, Why: "says A/B and has no payload",
			Write: forgery{files: replaced(nameMetadata, "post-build=", "ota-type=AB\npost-build=")}.of(m)},
		{Name: "meta-brick", Model: "fuxi", Want: []string{"META-TYPE"}, Why: "asks recovery to erase the device",
			Write: forgery{ab: func(p *abPackage) {
				p.otaType, p.textKeys = 3, map[string]string{"ota-type": "BRICK"}
			}}.of("fuxi")},
		{Name: "meta-serial", Model: m, Want: []string{"META-SERIAL"}, Why: "restricted to single handsets",
			Write: forgery{files: appended(nameMetadata, "serialno=STANDIN\n")}.of(m)},
		{Name: "meta-fingerprint", Model: m, Want: []string{"META-FP"}, Why: "a fingerprint that nobody can parse",
			Write: forgery{build: func(b *Build) { b.Fingerprint = "MIUI-of-August" }}.of(m)},
		{Name: "meta-test-keys", Model: m, Want: []string{"META-FP"}, Why: "a userdebug build signed with test keys inside",
			Write: forgery{build: func(b *Build) {
				b.Fingerprint = strings.Replace(b.Fingerprint, "user/release-keys", "userdebug/test-keys", 1)
			}}.of(m)},
		{Name: "dev-unknown", Model: m, Want: []string{"DEV-UNKNOWN"}, Why: "for a device that is in no catalogue",
			Write: forgery{files: func(f map[string][]byte) {
				replaced(nameMetadata, "pre-device=armani", "pre-device=armanii")(f)
				replaced(nameScript, `"armani"`, `"armanii"`)(f)
			}}.of(m)},
		{Name: "dev-other-model", Model: m, Want: []string{"DEV-MODEL"}, Why: "a good package for another model",
			Write: forgery{}.of("cancro")},
		{Name: "dev-file-name", Model: m, Want: []string{"DEV-NAME"}, Why: "named after another model and version",
			File: "miui_HMNoteWGlobal_JHDMIBH40.0_0123456789_4.2.zip", Write: forgery{}.of(m)},
		{Name: "name-md5", Model: m, Want: []string{"NAME-MD5"}, Why: "named after the MD5 of another file",
			File: "miui_HM1SWCGlobal_JHCMIBH46.0_0123456789_4.3.zip", Write: forgery{}.of(m)},
		{Name: "ver-future", Model: m, Want: []string{"VER-FUTURE"}, Why: "built in 2090",
			Write: forgery{build: func(b *Build) { b.UTC = 3786912000 }}.of(m)},
		{Name: "down-flag", Model: "fuxi", Want: []string{"DOWN-FLAG"}, Why: "says that it may move a phone back",
			Write: forgery{ab: func(p *abPackage) { p.downgrade = true }}.of("fuxi")},
		{Name: "inc-same-build", Model: m, Want: []string{"INC-SOURCE"}, Why: "an incremental from a build to itself",
			Write: forgery{files: func(f map[string][]byte) {
				b, _ := BuildOf(m, Patched)
				appended(nameMetadata, "pre-build="+b.Fingerprint+"\n")(f)
				f["patch/system/build.prop.p"] = []byte("BSDIFF40 STAND-IN")
			}}.of(m)},
		{Name: "fam-block", Model: m, Want: []string{"FAM-BLOCK"}, Why: "block-based, which is not supported yet",
			Write: forgery{files: func(f map[string][]byte) {
				f["system.transfer.list"] = []byte("1\n1\nerase 2,0,1\nnew 2,0,1\n")
				f["system.new.dat"] = make([]byte, blockSize)
			}}.of(m)},
		{Name: "fam-unknown", Model: m, Want: []string{"FAM-UNKNOWN"}, Why: "neither a script nor a payload",
			Write: forgery{files: func(f map[string][]byte) { delete(f, nameScript) }}.of(m)},
	}
}

// hostileScript are updater-scripts that do more, or check less, than they should.
func hostileScript() []HostileCase {
	const m = "armani"
	const byName = "/dev/block/platform/msm_sdcc.1/by-name/"
	const writeBoot = `package_extract_file("boot.img", "` + byName + `boot")`
	script := func(text string) func(map[string][]byte) { return appended(nameScript, text+"\n") }
	return []HostileCase{
		{Name: "dev-assert-other", Model: m, Want: []string{"DEV-ASSERT"},
			Why:   "metadata is for armani, the script accepts cancro",
			Write: forgery{files: replaced(nameScript, `"armani"`, `"cancro"`)}.of(m)},
		{Name: "dev-assert-none", Model: m, Want: []string{"DEV-ASSERT"},
			Why: "the script checks no device, and nothing else would in 2014",
			Write: forgery{files: func(f map[string][]byte) {
				replaced(nameScript, fmt.Sprintf("assert(getprop(\"ro.product.device\") == %q ||\n       "+
					"getprop(\"ro.build.product\") == %q);\n", m, m), "")(f)
			}}.of(m)},
		{Name: "dev-assert-unclear", Model: m, Want: []string{"DEV-ASSERT"},
			Why: "a property that says nothing about the device lets every phone pass that has it",
			Write: forgery{files: replaced(nameScript, `assert(getprop("ro.product.device")`,
				`assert(getprop("ro.hardware") == "qcom" || getprop("ro.product.device")`)}.of(m)},
		{Name: "dev-assert-late", Model: m, Want: []string{"DEV-ASSERT"},
			Why:   "it writes before it checks the device, in brackets too deep to be parsed",
			Write: forgery{files: prepended(nameScript, strings.Repeat("(", 101)+writeBoot+strings.Repeat(")", 101)+";\n")}.of(m)},
		{Name: "dev-assert-dots", Model: m, Want: []string{"DEV-ASSERT"},
			Why:   "it writes before it checks the device, by a path that leaves /tmp",
			Write: forgery{files: prepended(nameScript, strings.Replace(writeBoot, "/dev", "/tmp/../dev", 1)+";\n")}.of(m)},
		{Name: "dev-assert-unknown", Model: m, Want: []string{"DEV-ASSERT"},
			Why:   "it calls a function that nobody knows before it checks the device",
			Write: forgery{files: prepended(nameScript, `write_kernel("boot.img");`+"\n")}.of(m)},
		{Name: "dev-assert-own-file", Model: m, Want: []string{"DEV-ASSERT"},
			Why: "it asks a file of its own which device it runs on",
			Write: forgery{build: func(b *Build) {
				b.Guard = `package_extract_file("META-INF/fake.prop", "/tmp/fake.prop");` + "\n" +
					`assert(file_getprop("/tmp/fake.prop", "ro.product.device") == "armani");`
			}, files: func(f map[string][]byte) {
				f["META-INF/fake.prop"] = []byte("ro.product.device=armani\n")
			}}.of(m)},
		{Name: "wipe-block-device", Model: m, Want: []string{"WIPE"}, Why: "erases the partition of user data",
			Write: forgery{files: script(`wipe_block_device("` + byName + `userdata", "1073741824");`)}.of(m)},
		{Name: "wipe-image", Model: m, Want: []string{"WIPE"}, Why: "writes an image over user data",
			Write: forgery{files: script(`package_extract_file("boot.img", "` + byName + `userdata");`)}.of(m)},
		{Name: "wipe-joined", Model: m, Want: []string{"WIPE"}, Why: "formats /data by a name in two parts",
			Write: forgery{files: script(`format("ext4", "EMMC", "` + byName + `user" + "data", "0", "/da" + "ta");`)}.of(m)},
		{Name: "boot-write-joined", Model: m, Want: []string{"BOOT-WRITE"}, Why: "writes the bootloader by a path in two parts",
			Write: forgery{files: script(`package_extract_file("boot.img", "` + byName + `" + "aboot");`)}.of(m)},
		{Name: "data-write-rename", Model: m, Want: []string{"DATA-WRITE"}, Why: "moves a file into user data",
			Write: forgery{files: script(`rename("/system/app/a.apk", "/data/app/a.apk");`)}.of(m)},
		{Name: "data-write-unread", Model: m, Want: []string{"DATA-WRITE"}, Why: "writes where a property of the phone says",
			Write: forgery{files: script(`package_extract_file("boot.img", getprop("ro.place"));`)}.of(m)},
		{Name: "wipe-script", Model: m, Want: []string{"WIPE"}, Why: "formats /data and does not say so",
			Write: forgery{files: script(
				`format("ext4", "EMMC", "/dev/block/platform/msm_sdcc.1/by-name/userdata", "0", "/data");`)}.of(m)},
		{Name: "wipe-flag", Model: "fuxi", Want: []string{"WIPE"}, Why: "erases user data and says so, consistently",
			Write: forgery{ab: func(p *abPackage) {
				p.wipe, p.properties = true, func(s string) string { return s + "POWERWASH=1\n" }
			}}.of("fuxi")},
		{Name: "wipe-split", Model: "fuxi", Want: []string{"WIPE"},
			Why: "the payload erases user data, the metadata is silent",
			Write: forgery{ab: func(p *abPackage) {
				p.properties = func(s string) string { return s + "POWERWASH=1\n" }
			}}.of("fuxi")},
		{Name: "boot-write-bootloader", Model: "lcsh92_wet_jb9", Want: []string{"BOOT-WRITE"},
			Why: "also writes the bootloader",
			Write: forgery{files: func(f map[string][]byte) {
				f["uboot.img"] = []byte("STAND-IN")
				script(`package_extract_file("uboot.img", "/tmp/uboot.img");` + "\n" +
					`write_raw_image("/tmp/uboot.img", "uboot");`)(f)
			}}.of("lcsh92_wet_jb9")},
		{Name: "boot-write-modem", Model: "fuxi", Want: []string{"BOOT-WRITE"}, Why: "the payload also writes the modem",
			Write: forgery{ab: func(p *abPackage) {
				p.payload.partitions = append(p.payload.partitions,
					partition{name: "modem", data: bytesBody(blocks([]byte("STAND-IN")))})
			}}.of("fuxi")},
		{Name: "data-write-files", Model: m, Want: []string{"DATA-WRITE"}, Why: "unpacks files over user data",
			Write: forgery{files: func(f map[string][]byte) {
				f["data/miui/standin.txt"] = []byte(standinNote)
				script(`package_extract_dir("data", "/data");`)(f)
			}}.of(m)},
		{Name: "data-write-run", Model: m, Want: []string{"DATA-WRITE"}, Why: "brings a program and runs it as root",
			Write: forgery{files: func(f map[string][]byte) {
				f["META-INF/com/miui/relink"] = []byte("#!/sbin/sh\n# STAND-IN\n")
				script(`package_extract_file("META-INF/com/miui/relink", "/tmp/relink");` + "\n" + `run_program("/tmp/relink");`)(f)
			}}.of(m)},
	}
}
