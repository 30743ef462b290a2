// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	fixtures "landed/firmware-fixtures"
	"landed/internal/format"
	"landed/manifests"
)

func ptr[T any](v T) *T { return &v }

// only runs one package and wants exactly these codes, besides base, which the hand-made packages all have.
func only(t *testing.T, b []byte, p Policy, base []Code, want ...Code) Findings {
	t.Helper()
	_, found := inspectBytes(t, b, p)
	var got []Code
	for _, c := range found.Codes() {
		if !slices.Contains(base, c) {
			got = append(got, c)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s%v", diff, found)
	}
	for _, f := range found {
		if f.Message == "" || f.Level == "" || len(f.Message) > 1000 {
			t.Errorf("finding is not fit for people: %+v", f)
		}
	}
	return found
}

// unicodePath is the extra field by which Info-ZIP and others give an entry another name (APPNOTE 4.6.9).
func unicodePath(name string) []byte {
	body := append([]byte{1, 0, 0, 0, 0}, name...)
	return append([]byte{0x75, 0x70, byte(len(body)), 0}, body...)
}

var unsignedOnly = []Code{SigNone}

func TestZipFindings(t *testing.T) {
	good := makeZip(goodFiles(), zipEdit{})
	inner := string(makeZip([]file{{name: "payload.bin", body: "other"}}, zipEdit{}))
	for _, c := range []struct {
		name string
		zip  []byte
		want []Code
	}{
		{"nothing wrong", good, nil},
		{"descriptor", makeZip(goodFiles(file{name: "system/a", body: "aaaa", deflate: true, descriptor: true}), zipEdit{}), nil},
		{"padding of zipalign in an extra field", makeZip(goodFiles(file{name: "system/a", body: "a", extra: []byte{0, 0, 0}}), zipEdit{}), nil},
		{"stored zip as the last entry", makeZip(goodFiles(file{name: "system/app.apk", body: inner}), zipEdit{}), nil},
		{"folder", makeZip(goodFiles(file{name: "system/bin/"}), zipEdit{}), nil},
		{"file where a folder is", makeZip(goodFiles(file{name: "system/app", body: "x"}, file{name: "system/app/Mms.apk", body: "y"}),
			zipEdit{}), []Code{ZipDup}},
		{"file where a folder is, in another case", makeZip(goodFiles(file{name: "SYSTEM", body: "x"}), zipEdit{}), []Code{ZipDup}},
		{"second name for other readers, in the directory", makeZip(goodFiles(file{name: "system/a", body: "x", cextra: unicodePath("system/b")}),
			zipEdit{}), []Code{ZipMismatch}},
		{"second name for other readers, in its own header", makeZip(goodFiles(file{name: "system/a", body: "x", extra: unicodePath("system/b")}),
			zipEdit{}), []Code{ZipMismatch}},
		{"second archive in the comment", makeZip(goodFiles(), zipEdit{comment: inner}), []Code{ZipTwoDir}},
		{"four bytes of a directory in the comment", makeZip(goodFiles(), zipEdit{comment: "xxPK\x05\x06xx"}), []Code{ZipTwoDir}},
		{"bytes before", makeZip(goodFiles(), zipEdit{prefix: "#!/bin/sh\n"}), []Code{ZipPrefix}},
		{"bytes before, counted in", makeZip(goodFiles(), zipEdit{prefix: "#!/bin/sh\n", shiftless: true}), []Code{ZipPrefix}},
		{"bytes after", makeZip(goodFiles(), zipEdit{trail: "tail"}), []Code{ZipTrail}},
		{"same name twice", makeZip(goodFiles(file{name: "boot.img", body: "other"}), zipEdit{}), []Code{ZipDup}},
		{"same name in capitals", makeZip(goodFiles(file{name: "BOOT.img", body: "other"}), zipEdit{}), []Code{ZipDup}},
		{"same name by another path", makeZip(goodFiles(file{name: "system/./build.prop", body: "other"}), zipEdit{}), []Code{ZipDup}},
		{"other name in the local header", makeZip(goodFiles(file{name: "system/a", centralName: "system/b", body: "x"}), zipEdit{}),
			[]Code{ZipMismatch}},
		{"other size in the directory", makeZip(goodFiles(file{name: "system/a", body: "x", deflate: true, centralSize: ptr(uint32(2))}),
			zipEdit{}), []Code{ZipMismatch}},
		{"other checksum in both headers", bytes.Replace(good, []byte("ANDROID!"), []byte("ANDROID?"), 1), []Code{ZipMismatch}},
		{"stored with two sizes", makeZip(goodFiles(file{name: "system/a", body: "x", centralSize: ptr(uint32(2))}), zipEdit{}),
			[]Code{ZipMismatch}},
		{"more entries promised", makeZip(goodFiles(), zipEdit{count: 1}), []Code{ZipMismatch}},
		{"Zip64 end without need", makeZip(goodFiles(), zipEdit{zip64: true}), []Code{ZipStream}},
		{"Zip64 field without need", makeZip(goodFiles(file{name: "system/a", cextra: []byte("\x01\x00\x08\x0012345678")}), zipEdit{}),
			[]Code{ZipMismatch}},
		{"Zip64 field missing", makeZip(goodFiles(file{name: "system/a", body: "x", centralSize: ptr(uint32(0xFFFFFFFF))}), zipEdit{}),
			[]Code{ZipMismatch}},
		{"missing descriptor", makeZip(goodFiles(file{name: "system/a", body: "x", badDescriptor: true}, file{name: "system/b"}), zipEdit{}),
			[]Code{ZipMismatch}},
		{"two entries on one header", makeZip(goodFiles(file{name: "boot.img", body: "ANDROID!", sameHeaderAs: 4, directoryAlone: true,
			centralName: "boot2.img"}), zipEdit{}), []Code{ZipMismatch, ZipOverlap}},
		{"bytes between entries", makeZip(goodFiles(file{name: "system/a", before: "hidden"}), zipEdit{}), []Code{ZipGap}},
		{"bytes behind the directory", makeZip(goodFiles(), zipEdit{dirGap: "hidden"}), []Code{ZipGap}},
		{"path upwards", makeZip(goodFiles(file{name: "system/../../x"}), zipEdit{}), []Code{ZipPath}},
		{"absolute path", makeZip(goodFiles(file{name: "/system/x"}), zipEdit{}), []Code{ZipPath}},
		{"backslash", makeZip(goodFiles(file{name: `system\x`}), zipEdit{}), []Code{ZipPath}},
		{"NUL in a name", makeZip(goodFiles(file{name: "a\x00b"}), zipEdit{}), []Code{ZipPath}},
		{"empty name", makeZip(goodFiles(file{}), zipEdit{}), []Code{ZipPath}},
		{"name that is no UTF-8", makeZip(goodFiles(file{name: "\xff\xfe"}), zipEdit{}), []Code{ZipPath}},
		{"very long name", makeZip(goodFiles(file{name: strings.Repeat("a", 256)}), zipEdit{}), []Code{ZipPath}},
		{"symbolic link", makeZip(goodFiles(file{name: "system/a", body: "/data", attr: 0o120777 << 16}), zipEdit{}), []Code{ZipPath}},
		{"encrypted", makeZip(goodFiles(file{name: "system/a", flags: 1}), zipEdit{}), []Code{ZipMethod}},
		{"bzip2", makeZip(goodFiles(file{name: "system/a", method: 12}), zipEdit{}), []Code{ZipMethod}},
		{"several disks", makeZip(goodFiles(), zipEdit{disk: 1}), []Code{ZipMethod}},
		{"entry on another disk", makeZip(goodFiles(file{name: "system/a", disk: 1}), zipEdit{}), []Code{ZipMethod}},
		{"bomb", makeZip(goodFiles(file{name: "system/a", body: strings.Repeat("\x00", 40<<20), deflate: true}), zipEdit{}), []Code{ZipBomb}},
		{"metadata too large", makeZip(fileBased(armaniMeta+strings.Repeat("#\n", 64<<10), armaniCheck), zipEdit{}),
			[]Code{ZipBomb}},
		{"size that no DEFLATE stream has",
			makeZip(goodFiles(file{name: "system/a", body: "x", deflate: true, centralSize: ptr(uint32(1 << 30))}), zipEdit{}),
			[]Code{ZipBomb, ZipMismatch}},
	} {
		t.Run(c.name, func(t *testing.T) {
			only(t, c.zip, Policy{}, unsignedOnly, c.want...)
		})
	}
}

func TestNotAZip(t *testing.T) {
	good := makeZip(goodFiles(), zipEdit{})
	for _, c := range []struct {
		name, file string
		bytes      []byte
		want       Code
	}{
		{"empty", "", nil, ZipNot},
		{"text", "", []byte("no package"), ZipNot},
		{"cut off", "", good[:len(good)-30], ZipNot},
		{"cut within the comment", "", makeZip(goodFiles(), zipEdit{comment: "0123456789"})[:len(makeZip(goodFiles(), zipEdit{}))+3], ZipNot},
		{"gzip", "", []byte("\x1f\x8b\x08rest of it, long enough for a directory"), ZipFastboot},
		{"fastboot by name", "armani_images_JHCMIBH45.0_20140810.0000.1_4.3_global_0123456789.tgz", []byte("\x1f\x8b\x08"), ZipFastboot},
	} {
		t.Run(c.name, func(t *testing.T) {
			facts, _ := inspectBytes(t, c.bytes, Policy{})
			if facts.SHA256 != format.SHA256(c.bytes) {
				t.Errorf("SHA-256 = %s", facts.SHA256)
			}
			only(t, c.bytes, Policy{Name: c.file}, nil, c.want)
		})
	}
}

func TestMetadataAndScriptFindings(t *testing.T) {
	zip := func(meta, script string, more ...file) []byte {
		return makeZip(fileBased(meta, script, more...), zipEdit{})
	}
	all := armaniCheck + armaniGuard + armaniWork
	known := Policy{Catalogue: manifests.DefaultCatalogue()}
	replaced := func(old, new string) string { return strings.ReplaceAll(armaniMeta, old, new) }
	for _, c := range []struct {
		name   string
		zip    []byte
		policy Policy
		want   []Code
	}{
		{"nothing wrong", zip(armaniMeta, all), known, nil},
		{"blanks and maker's keys", zip(" pre-task = 7\n\n"+replaced("=", " = "), all), known, nil},
		{"no pre-device", zip(replaced("pre-device=armani\n", ""), all), Policy{}, []Code{MetaMissing}},
		{"timestamp in words", zip(replaced("1407600000", "yesterday"), all), Policy{}, []Code{MetaMissing}},
		{"two values", zip(armaniMeta+"pre-device=cancro\n", all), known, []Code{MetaSplit}},
		{"serial number", zip(armaniMeta+"serialno=0123\n", all), known, []Code{MetaSerial}},
		{"serial numbers in a very long line", zip(armaniMeta+"serialno="+strings.Repeat("0123|", 4000)+"\n", all), known, []Code{MetaSerial}},
		{"serial number with a very long name", zip(armaniMeta+strings.Repeat(" ", 300)+"serialno=0123\n", all), known, []Code{MetaSerial}},
		{"blank that only Unicode knows", zip(replaced("pre-device=armani", "pre-device=armani\u00a0"), all), known,
			[]Code{DevAssert, DevUnknown}},
		{"device check that anything passes", zip(armaniMeta, strings.Replace(all, `== "armani");`, `== "armani" || "t");`, 1)),
			known, []Code{DevAssert}},
		{"device check beside another", zip(armaniMeta, strings.Replace(all, "assert(", `assert(getprop("ro.product.brand") == "Xiaomi" || `, 1)),
			known, []Code{DevAssert}},
		{"device check in a branch", zip(armaniMeta, `if is_mounted("/x") then `+strings.TrimSuffix(armaniCheck, ";\n")+" endif;"+armaniGuard+
			armaniWork), known, []Code{DevAssert}},
		{"device check that is negated",
			zip(armaniMeta, strings.Replace(all, `assert(getprop("ro.product.device") == "armani" || getprop("ro.build.product") == "armani")`,
				`assert(!(getprop("ro.product.device") == "armani"))`, 1)), known, []Code{DevAssert}},
		{"device check after the work", zip(armaniMeta, armaniWork+armaniCheck), known, []Code{DevAssert}},
		{"device check after a patched partition", zip(armaniMeta, `patch_partition("EMMC:/dev/block/boot:1:a", "EMMC:/dev/block/boot:1:b");`+
			armaniCheck+armaniGuard+armaniWork), known, []Code{DevAssert}},
		{"device check with abort",
			zip(armaniMeta,
				`getprop("ro.product.device") == "armani" || abort("This is for armani; this is a " + getprop("ro.product.device") + ".");`+armaniGuard+
					armaniWork), known, nil},
		{"device check with abort and a semicolon inside, as LineageOS writes it",
			zip(armaniMeta,
				`assert(getprop("ro.product.device") == "armani" || getprop("ro.build.product") == "armani" || abort("E3004: This package is for device: armani; this device is " + getprop("ro.product.device") + "."););`+armaniGuard+armaniWork), known, nil},
		{"device check the other way round", zip(armaniMeta, `"armani" == getprop("ro.product.device") || abort("not for this one");`+armaniGuard+
			armaniWork), known, nil},
		{"BLOCK without transfer lists", zip(armaniMeta+"ota-type=BLOCK\n", all), known, []Code{MetaType}},
		{"a type that phones do not know", zip(armaniMeta+"ota-type=FILE\n", all), known, []Code{MetaType}},
		{"odd fingerprint", zip(replaced(armaniPrint, "JHCMIBH45.0"), all), known, []Code{MetaFP}},
		{"a fingerprint with a character that nobody sees", zip(replaced("JHCMIBH45.0", "JHCMIBH45.0\u200b"), all), known, []Code{MetaFP}},
		{"debug build", zip(replaced(":user/", ":userdebug/"), all), known, []Code{MetaFP}},
		{"test keys", zip(replaced("release-keys", "test-keys"), all), known, []Code{MetaFP}},
		{"AB without payload", zip(armaniMeta+"ota-type=AB\n", all), known, []Code{MetaType}},
		{"BRICK", zip(armaniMeta+"ota-type=BRICK\n", all), known, []Code{MetaType}},
		{"device with a letter too many", zip(replaced("pre-device=armani", "pre-device=armanni"), strings.ReplaceAll(all, `"armani"`,
			`"armanni"`)), known, []Code{DevUnknown}},
		{"for another model", zip(armaniMeta, all), Policy{Catalogue: known.Catalogue, Model: "dior"}, []Code{DevModel}},
		{"family of another model", zip(replaced("pre-device=armani", "pre-device=fuxi"), strings.ReplaceAll(all, `"armani"`, `"fuxi"`)),
			known, []Code{MetaType}},
		{"no device check", zip(armaniMeta, armaniGuard+armaniWork), known, []Code{DevAssert}},
		{"device check in a comment", zip(armaniMeta, "# "+armaniCheck+armaniWork), known, []Code{DevAssert}},
		{"device compared, nothing aborted", zip(armaniMeta, `ui_print(getprop("ro.product.device") == "armani");`+armaniWork),
			known, []Code{DevAssert}},
		{"other device", zip(armaniMeta, strings.ReplaceAll(all, `"armani"`, `"cancro"`)), known, []Code{DevAssert}},
		{"one device more", zip(armaniMeta, strings.Replace(all, "assert(", `assert(getprop("ro.product.device") == "cancro" || `, 1)),
			known, []Code{DevAssert}},
		{"script without end", zip(armaniMeta, armaniCheck+`ui_print("`), known, []Code{DevAssert}},
		{"future", zip(armaniMeta, all), Policy{Now: time.Unix(1407600000-90000, 0)}, []Code{VerFuture}},
		{"not yet future", zip(armaniMeta, all), Policy{Now: time.Unix(1407600000-80000, 0)}, nil},
		{"downgrade", zip(armaniMeta+"ota-downgrade=yes\npre-build="+strings.ReplaceAll(armaniPrint, "45.0", "46.0")+"\n", all),
			known, []Code{DownFlag}},
		{"wipe by the script alone", zip(armaniMeta, all+`format("ext4", "EMMC", "/dev/block/userdata", "0", "/data");`), known, []Code{Wipe}},
		{"wipe by both", zip(armaniMeta+"ota-wipe=yes\n", all+`format("ext4", "EMMC", "/dev/block/userdata", "0", "/data");`),
			known, []Code{Wipe}},
		{"bootloader", zip(armaniMeta, all+`write_raw_image("/tmp/uboot.img", "uboot");`), known, []Code{BootWrite}},
		{"modem by path", zip(armaniMeta, all+`package_extract_file("NON-HLOS.bin", "/dev/block/platform/msm_sdcc.1/by-name/modem");`),
			known, []Code{BootWrite}},
		{"user data", zip(armaniMeta, all+`package_extract_dir("data", "/data");`), known, []Code{DataWrite}},
		{"program", zip(armaniMeta, all+`run_program("/tmp/relink");`), known, []Code{DataWrite}},
		{"patches without a source", zip(armaniMeta, all+`apply_patch("/system/a", "-", "00", 1, "11", package_extract_file("patch/a.p"));`),
			known, []Code{IncSource}},
		{"source is target", zip(armaniMeta+"pre-build="+armaniPrint+"\n", all), known, []Code{IncSource}},
		{"source of another device", zip(armaniMeta+"pre-build=Xiaomi/dior/dior:4.4/K/1:user/release-keys\n", all), known, []Code{IncSource}},
		{"neither payload nor files", makeZip([]file{{name: nameMetadata, body: armaniMeta}}, zipEdit{}), Policy{}, []Code{FamUnknown}},
		{"block-based", zip(armaniMeta+"ota-type=BLOCK\n", all, file{name: "system.transfer.list", body: "4\n0\n"}), Policy{}, []Code{FamBlock}},
		{"signed as a jar", zip(armaniMeta, all, file{name: "META-INF/CERT.RSA", body: "x"}), known, []Code{SigJarOnly}},
		{"other MD5 in the name", zip(armaniMeta, all), Policy{Name: "miui_HM1SWCGlobal_JHCMIBH45.0_0123456789_4.3.zip"}, []Code{NameMD5}},
		{"other model in the name", zip(armaniMeta, all), Policy{Catalogue: known.Catalogue, Name: "miui_HMNoteW_JHCMIBH45.0_0123456789_4.3.zip"},
			[]Code{DevName, NameMD5}},
		{"other version in the name", zip(armaniMeta, all), Policy{Name: "miui-ota-armani-JHCMIBF1.0-JHCMIBH46.0-0123456789-4.3.zip"},
			[]Code{DevName, NameMD5}},
	} {
		t.Run(c.name, func(t *testing.T) { only(t, c.zip, c.policy, unsignedOnly, c.want...) })
	}
}

// TestManyFindingsCostNothing: two million bad operations fit into 8 MB of manifest.
func TestManyFindingsCostNothing(t *testing.T) {
	var p Payload
	var found Findings
	x := partition{PartitionFact: PartitionFact{Name: "system", Operations: 1}}
	hash := make([]byte, 32)
	bad := func() {
		p.judgeOperation(&x, operation{kind: opReplace}, &found)
		p.judgeOperation(&x, operation{kind: 3}, &found)
		p.judgeOperation(&x, operation{kind: opZero, placed: true}, &found)
		p.judgeOperation(&x, operation{kind: 77, placed: true, size: 1, offset: p.blobEnd + 1, hash: hash}, &found)
	}
	for range 2 * maxPerCode {
		bad()
	}
	if n := testing.AllocsPerRun(10, bad); n > 0 {
		t.Errorf("%v allocations for findings that are not kept", n)
	}
}

// TestLegacyRecovery: the zip reader of 2014 (AOSP bootable/recovery/minzip/Zip.c) takes printable ASCII only, and
// knows nothing of Zip64.
func TestLegacyRecovery(t *testing.T) {
	models := func(device string) Policy { return Policy{Catalogue: manifests.DefaultCatalogue(), Model: device} }
	accents := file{name: "system/media/caf\u00e9.ogg", body: "x"}
	only(t, makeZip(goodFiles(accents), zipEdit{}), models("armani"), unsignedOnly, ZipPath)
	only(t, makeZip(goodFiles(), zipEdit{zip64: true, marked: true}), models("armani"), unsignedOnly, ZipMethod)
	only(t, makeZip(abFiles(t, goodPayload(), "", "", accents), zipEdit{marked: true, zip64: true}), models("fuxi"), unsignedOnly)
}

func TestLevels(t *testing.T) {
	all := armaniCheck + armaniGuard + armaniWork
	wipe := all + `format("ext4", "EMMC", "/dev/block/userdata", "0", "/data");`
	level := func(meta, script string, p Policy, code Code) Level {
		_, found := inspectBytes(t, makeZip(fileBased(meta, script), zipEdit{}), p)
		i := slices.IndexFunc(found, func(f Finding) bool { return f.Code == code })
		if i < 0 {
			t.Fatalf("%s not found: %v", code, found.Codes())
		}
		return found[i].Level
	}
	for _, c := range []struct {
		name string
		got  Level
		want Level
	}{
		{"wipe that only the script knows", level(armaniMeta, wipe, Policy{}, Wipe), Refuse},
		{"wipe that all know", level(armaniMeta+"ota-wipe=yes\n", wipe, Policy{}, Wipe), Approve},
		{"downgrade from anywhere", level(armaniMeta+"ota-downgrade=yes\n", all, Policy{}, DownFlag), Refuse},
		{"test build in the lab", level(strings.ReplaceAll(armaniMeta, "release", "test"), all, Policy{Channel: Lab}, MetaFP), Warn},
		{"test build on stable", level(strings.ReplaceAll(armaniMeta, "release", "test"), all, Policy{Channel: "stable"}, MetaFP), Refuse},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
}

func TestABFindings(t *testing.T) {
	key := Policy{Pins: pinsOf(t, fixtures.TestKey().Cert)}
	spec := func(edit func(*payloadSpec)) []file {
		s := goodPayload()
		edit(&s)
		return abFiles(t, s, "", "")
	}
	good := func(*payloadSpec) {}
	with := func(meta, props string, more ...file) []file { return abFiles(t, goodPayload(), meta, props, more...) }
	deflated := spec(good)
	deflated[0].deflate = true
	short := spec(good)
	short[0].body = short[0].body[:payloadHeader-1]
	early := append([]file{{name: "a", body: "x", deflate: true, descriptor: true}}, spec(good)...)
	plain := append([]file{{name: "a", body: "x", deflate: true}}, spec(good)...)
	other := goodPayload()
	other.time++
	_, otherProps := other.make(t)
	swapped := spec(good)
	swapped[1].body = otherProps
	pb := func(edit func(m, post []byte) ([]byte, []byte)) file {
		post := tag(msg(nil, 2, []byte("Xiaomi/fuxi/fuxi:13/TKQ1/V14.0.1:user/release-keys")), 4, 1407600000)
		m, post := edit(msg(tag(nil, 1, 1), 5, msg(nil, 1, []byte("fuxi"))), post)
		return file{name: nameMetadataPB, body: string(msg(m, 6, post))}
	}
	for _, c := range []struct {
		name  string
		files []file
		want  []Code
	}{
		{"nothing wrong", spec(good), nil},
		{"metadata.pb that agrees", with("", "", pb(func(m, p []byte) ([]byte, []byte) { return m, p })), nil},
		{"no cache, which is 0 in one half and absent in the other",
			with("ota-required-cache=0\n", "", pb(func(m, p []byte) ([]byte, []byte) { return m, p })), nil},
		{"cache of two sizes", with("ota-required-cache=5\n", "", pb(func(m, p []byte) ([]byte, []byte) { return tag(m, 8, 7), p })),
			[]Code{MetaSplit}},
		{"cache in one half", with("", "", pb(func(m, p []byte) ([]byte, []byte) { return tag(m, 8, 7), p })), []Code{MetaSplit}},
		{"metadata.pb that wipes", with("", "", pb(func(m, p []byte) ([]byte, []byte) { return tag(m, 2, 1), p })), []Code{MetaSplit}},
		{"metadata.pb with another device",
			with("", "", pb(func(m, p []byte) ([]byte, []byte) { return msg(m, 5, msg(nil, 1, []byte("armani"))), p })), []Code{MetaSplit}},
		{"metadata.pb with a patch level", with("", "", pb(func(m, p []byte) ([]byte, []byte) { return m, msg(p, 6, []byte("2023-01-01")) })),
			[]Code{MetaSplit}},
		{"metadata.pb that is none", with("", "", file{name: nameMetadataPB, body: "\xff\xff\xff"}), []Code{MetaSplit}},
		{"compressed payload", deflated, []Code{ABStored}},
		{"descriptor before", early, []Code{ABOrder}},
		{"compressed entry before, with its sizes in its header", plain, nil},
		{"magic", spec(func(s *payloadSpec) { s.magic = "CrAX" }), []Code{ABMagic}},
		{"major version", spec(func(s *payloadSpec) { s.major = 1 }), []Code{ABMajor}},
		{"huge manifest", spec(func(s *payloadSpec) { s.claimManifest = 1 << 62 }), []Code{ABMagic}},
		{"partition name with a path", spec(func(s *payloadSpec) { s.partition = "../x" }), []Code{ABMagic}},
		{"full with minor version", spec(func(s *payloadSpec) { s.minor = 4 }), []Code{ABMinor}},
		{"operation of format 1", spec(func(s *payloadSpec) { s.ops[0].kind = 3 }), []Code{ABMinor}},
		{"payload that ends in its header", short, []Code{ABMagic}},
		{"a block that nothing writes", spec(func(s *payloadSpec) { s.size += 4096 }), []Code{ABRange}},
		{"properties of another payload", swapped, []Code{ABHash}},
		{"no properties", slices.Delete(spec(good), 1, 2), []Code{ABHash}},
		{"no signatures", spec(func(s *payloadSpec) { s.unsigned = true }), []Code{ABSig}},
		{"other key", spec(func(s *payloadSpec) { s.otherKey = true }), []Code{ABSig}},
		{"wrong offsets", with("ota-property-files=payload_metadata.bin:41:10,payload.bin:57:20,payload_properties.txt:1:2,metadata:3:4  \n", ""),
			[]Code{ABProps}},
		{"property of the network", with("", "NETWORK_PROXY=10.0.0.1\n"), []Code{ABKeys}},
		{"other build time", spec(func(s *payloadSpec) { s.time++ }), []Code{ABTime}},
		{"data beyond the blobs", spec(func(s *payloadSpec) { s.ops[0].size = 5000 }), []Code{ABRange}},
		{"data that overlaps", spec(func(s *payloadSpec) {
			s.ops = append(s.ops, op{offset: 8, size: 4000, start: 2, blocks: 1})
			s.size += 4096
		}), []Code{ABRange}},
		{"data without hash", spec(func(s *payloadSpec) { s.ops[0].noHash = true }), []Code{ABRange}},
		{"more blocks than the partition", spec(func(s *payloadSpec) { s.ops[1].blocks = 9 }), []Code{ABRange}},
		{"data that nothing uses, in front", spec(func(s *payloadSpec) {
			s.blobs = append(append([]byte{}, s.blobs...), s.blobs...)
			s.ops[0].offset = 4096
		}), []Code{ABRange}},
		{"data that nothing uses, at the end", spec(func(s *payloadSpec) { s.blobs = append(append([]byte{}, s.blobs...), "more"...) }),
			[]Code{ABRange}},
		{"data of an operation that takes none", spec(func(s *payloadSpec) { s.ops[1].data = 4 }), []Code{ABRange}},
		{"data without a place", spec(func(s *payloadSpec) { s.ops[0].noOffset = true }), []Code{ABRange}},
		{"blocks outside of the partition", spec(func(s *payloadSpec) { s.ops[1].start = 7 }), []Code{ABRange}},
		{"blocks written twice", spec(func(s *payloadSpec) { s.ops[1].start = 0 }), []Code{ABRange}},
		{"operation without a type", spec(func(s *payloadSpec) { s.ops[0].noKind = true }), []Code{ABMagic}},
		{"operations of format 1", spec(func(s *payloadSpec) { s.more = msg(nil, 1, tag(nil, 1, opZero)) }), []Code{ABMagic}},
		{"system of format 1", spec(func(s *payloadSpec) { s.more = msg(nil, 9, tag(nil, 1, 4096)) }), []Code{ABMagic}},
		{"no build time", spec(func(s *payloadSpec) { s.time = 0 }), []Code{ABTime}},
		{"partition of odd size", spec(func(s *payloadSpec) { s.size = 8000 }), []Code{ABRange}},
		{"group too small", spec(func(s *payloadSpec) { s.group = 4096 }), []Code{ABRange}},
		{"signature outside", spec(func(s *payloadSpec) { s.claimSigOffset = ptr(uint64(1 << 60)) }), []Code{ABRange, ABSig}},
		{"bootloader", spec(func(s *payloadSpec) { s.partition = "abl" }), []Code{BootWrite}},
		{"wipe by properties alone", with("", "POWERWASH=1\n"), []Code{Wipe}},
		{"wipe by both", with("ota-wipe=yes\n", "POWERWASH=1\n"), []Code{Wipe}},
	} {
		t.Run(c.name, func(t *testing.T) { only(t, makeZip(c.files, zipEdit{}), key, unsignedOnly, c.want...) })
	}
}
