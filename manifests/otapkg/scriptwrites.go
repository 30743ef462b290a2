// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"path"
	"strings"
)

// writesNothing are the functions that write nothing, or nothing that outlasts the update: those of AOSP's edify/expr.cpp
// and of updater/install.cpp and blockimg.cpp that print, ask, compare, mount or check. apply_patch_space may delete
// old files in the cache. What is not here is taken to write, above all functions that makers add.
var writesNothing = map[string]bool{
	"ifelse": true, "abort": true, "assert": true, "concat": true, "is_substring": true, "stdout": true, "sleep": true,
	"less_than_int": true, "greater_than_int": true,
	"ui_print": true, "show_progress": true, "set_progress": true, "getprop": true, "file_getprop": true, "read_file": true,
	"sha1_check": true, "is_mounted": true, "mount": true, "unmount": true, "get_stage": true, "enable_reboot": true,
	"apply_patch_check": true, "apply_patch_space": true, "patch_partition_check": true,
	"block_image_verify": true, "range_sha1": true, "check_first_block": true,
}

// writers are the functions of AOSP's updaters that do write.
var writers = map[string]bool{
	"format": true, "wipe": true, "wipe_block_device": true, "tune2fs": true, "delete": true, "delete_recursive": true,
	"rename": true, "symlink": true, "write_raw_image": true, "write_firmware_image": true, "run_program": true,
	"apply_patch": true, "patch_partition": true, "block_image_update": true, "block_image_recover": true,
	"package_extract_file": true, "package_extract_dir": true, "write_value": true, "set_perm": true,
	"set_perm_recursive": true, "set_metadata": true, "set_metadata_recursive": true, "retouch_binaries": true,
	"undo_retouch_binaries": true, "wipe_cache": true, "set_stage": true, "reboot_now": true,
}

// alters says if a call changes the phone, so that a check behind it comes too late.
func alters(n *node) bool {
	switch n.text {
	case "package_extract_file", "package_extract_dir":
		if len(n.kids) < 2 {
			return true
		}
		to, ok := literal(n.kids[1])
		return !ok || !below(absolute(to), "/tmp")
	case "mount":
		for _, k := range n.kids { // what is written to /tmp must not go anywhere else
			if at, ok := literal(k); !ok || absolute(at) == "/" || below(absolute(at), "/tmp") {
				return true
			}
		}
	}
	return !writesNothing[n.text]
}

// literal reads a text that the script puts together of literals alone.
func literal(n *node) (text string, ok bool) {
	if n.op == "lit" {
		return n.text, true
	}
	if n.op != "+" && (n.op != "call" || n.text != "concat") {
		return "", false
	}
	for _, k := range n.kids {
		more, ok := literal(k)
		if text += more; !ok || len(text) > maxName {
			return "", false
		}
	}
	return text, true
}

// absolute is a path as the updater sees it, which runs in the root.
func absolute(p string) string { return path.Clean("/" + p) }

// below reports whether p, which is clean, is dir or in it.
func below(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// propFiles are the files of the system, and of recovery, from which properties are made (AOSP system/core/init).
var propFiles = map[string]bool{
	"/default.prop": true, "/prop.default": true, "/system/build.prop": true, "/system/default.prop": true,
	"/system/etc/prop.default": true, "/vendor/build.prop": true, "/vendor/default.prop": true, "/product/build.prop": true,
	"/odm/build.prop": true, "/system_root/system/build.prop": true, "/system_root/default.prop": true,
}
