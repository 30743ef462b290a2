// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"cmp"
	"fmt"
	"strings"
)

// Names that readers of packages look for.
const (
	nameMetadata      = "META-INF/com/android/metadata"
	nameMetadataPB    = "META-INF/com/android/metadata.pb"
	nameOtacert       = "META-INF/com/android/otacert"
	nameScript        = "META-INF/com/google/android/updater-script"
	nameBinary        = "META-INF/com/google/android/update-binary"
	nameStandin       = "META-INF/README.standin"
	namePadding       = "META-INF/padding.standin"
	namePayload       = "payload.bin"
	nameProperties    = "payload_properties.txt"
	nameCareMap       = "care_map.pb"
	nameCareMapText   = "care_map.txt"
	nameCompatibility = "compatibility.zip"
)

const updateBinary = `#!/sbin/sh
# STAND-IN for the update-binary (Edify interpreter) that a real package carries. It installs nothing.
echo "ui_print This is a test fixture." >&1
exit 1
`

// fileEntries is a full file-based package.
func (b Build) fileEntries(k Key, padTo int64) ([]entry, error) {
	files, err := b.files()
	if err != nil {
		return nil, err
	}
	return signedEntries(plainEntries(files), k, padTo)
}

// files is what the maker puts into the package before signing.
func (b Build) files() (map[string][]byte, error) {
	board := b.board
	if m, err := modelOf(b.Model); err == nil {
		board = m.board
	} else if board.system == "" {
		return nil, err
	}
	files := map[string][]byte{
		nameMetadata: b.metadata(),
		nameBinary:   []byte(updateBinary),
		nameScript:   []byte(b.script(board)),
		nameStandin:  []byte(standinNote),
		"boot.img":   b.bootImage(),
	}
	for name, data := range b.SystemFiles() {
		files["system/"+name] = data
	}
	return files, nil
}

func plainEntries(files map[string][]byte) []entry {
	var entries []entry
	for _, name := range sortedNames(files) {
		entries = append(entries, deflated(name, files[name]))
	}
	return entries
}

// signedEntries adds what signapk adds, in its order: stored entries (the padding) first, then the others,
// then otacert, then the jar signature, which recovery ignores and packages of that time have.
func signedEntries(entries []entry, k Key, padTo int64) ([]entry, error) {
	entries = append(entries, deflated(nameOtacert, k.CertPEM()))
	if padTo > 0 {
		entries = append([]entry{{name: namePadding, body: padding("padding", padTo)}}, entries...)
	}
	jar, err := jarSignature(entries, k)
	return append(entries, jar...), err
}

// metadata has the three keys of a full package of 2014, sorted, and the one more of an incremental.
func (b Build) metadata() []byte {
	pre := ""
	if len(b.From) > 0 {
		pre = "pre-build=" + strings.Join(b.From, "|") + "\n"
	}
	return fmt.Appendf(nil, "post-build=%s\npost-timestamp=%d\n%spre-device=%s\n", b.Fingerprint, b.UTC, pre,
		strings.Join(append([]string{b.Model}, b.Also...), "|"))
}

// bootImage begins like a boot.img (magic, sizes and page size as in AOSP's bootimg.h, version 0).
func (b Build) bootImage() []byte {
	head := append([]byte("ANDROID!"), le(nil, uint32(2048), uint32(0x80008000), uint32(1024), uint32(0x81000000),
		uint32(0), uint32(0), uint32(0x80000100), uint32(2048), uint32(0), uint32(0))...)
	head = append(head, make([]byte, 2048-len(head))...)
	return append(head, standinBody(b, "boot.img", 4<<10)...)
}

// guard is the device check of AOSP's release tools.
func (b Build) guard() string {
	var s strings.Builder
	fmt.Fprintf(&s, "assert(getprop(\"ro.product.device\") == %q ||\n", b.Model)
	for _, other := range b.Also {
		fmt.Fprintf(&s, "       getprop(\"ro.product.device\") == %q ||\n", other)
		fmt.Fprintf(&s, "       getprop(\"ro.build.product\") == %q ||\n", other)
	}
	fmt.Fprintf(&s, "       getprop(\"ro.build.product\") == %q);", b.Model)
	return s.String()
}

// script is the Edify program of a full package: guards first, then system, links, owners, kernel.
func (b Build) script(d board) string {
	var s strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&s, format+"\n", args...) }
	line(`assert(!less_than_int(%d, getprop("ro.build.date.utc")));`, b.UTC)
	line("%s", cmp.Or(b.Guard, b.guard()))
	line(`show_progress(0.500000, 0);`)
	line(`ui_print("Stand-in package, not the maker's software.");`)
	line(`format("ext4", "EMMC", "%s", "0", "/system");`, d.system)
	line(`mount("ext4", "EMMC", "%s", "/system");`, d.system)
	line(`package_extract_dir("system", "/system");`)
	line(`symlink("toolbox", "/system/bin/cat", "/system/bin/chmod", "/system/bin/ls",`)
	line(`        "/system/bin/ps");`)
	line(`set_perm_recursive(0, 0, 0755, 0644, "/system");`)
	line(`set_perm_recursive(0, 2000, 0755, 0755, "/system/bin");`)
	line(`set_perm(0, 0, 0644, "/system/%s");`, ConfName)
	line(`show_progress(0.200000, 10);`)
	if d.mtk {
		line(`assert(package_extract_file("boot.img", "/tmp/boot.img"),`)
		line(`       write_raw_image("/tmp/boot.img", "bootimg"),`)
		line(`       delete("/tmp/boot.img"));`)
	} else {
		line(`package_extract_file("boot.img", "%s");`, d.boot)
	}
	line(`show_progress(0.100000, 0);`)
	line(`unmount("/system");`)
	return s.String()
}
