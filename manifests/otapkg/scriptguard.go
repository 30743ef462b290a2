// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"slices"
	"strings"
)

// deviceGuard returns the devices that a statement lets pass, nil if it is no check that stops on every other one.
// Two forms are understood, those that AOSP's release tools and makers write:
//
//	assert(getprop("ro.product.device") == "a" || getprop("ro.build.product") == "a");
//	getprop("ro.product.device") == "a" || abort("This package is for a.");
//
// Anything beside such comparisons (another property, a constant, a branch, a negation) may let other phones pass,
// so a statement that holds it is no check.
func deviceGuard(st []token) (devices []string) {
	stops := false
	if n := len(st); n > 3 && st[0] == (token{"assert", 'w'}) && closes(st, 1) == n-1 {
		st, stops = st[2:n-1], true
	}
	// LineageOS ends the last alternative with one, inside the brackets
	for len(st) > 0 && st[len(st)-1] == (token{";", 'o'}) {
		st = st[:len(st)-1]
	}
	parts := alternatives(st)
	if last := parts[len(parts)-1]; len(last) > 2 && last[0] == (token{"abort", 'w'}) && closes(last, 1) == len(last)-1 {
		parts, stops = parts[:len(parts)-1], true
	}
	for _, p := range parts {
		device, ok := comparison(p)
		if !ok {
			return nil
		}
		devices = append(devices, device)
	}
	if !stops {
		return nil
	}
	return devices
}

// closes finds the bracket that closes the one at i; -1 if there is none at i, or none that closes it.
func closes(st []token, i int) int {
	if i >= len(st) || st[i] != (token{"(", 'o'}) {
		return -1
	}
	for depth := 0; i < len(st); i++ {
		switch st[i] {
		case token{"(", 'o'}:
			depth++
		case token{")", 'o'}:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// alternatives splits a statement at the || outside of all brackets.
func alternatives(st []token) (parts [][]token) {
	depth, from := 0, 0
	for i, t := range st {
		switch t {
		case token{"(", 'o'}:
			depth++
		case token{")", 'o'}:
			depth--
		case token{"||", 'o'}:
			if depth == 0 {
				parts, from = append(parts, st[from:i]), i+1
			}
		}
	}
	return append(parts, st[from:])
}

// comparison reads getprop("ro.product.device") == "a", either way round and with or without brackets.
func comparison(st []token) (device string, ok bool) {
	for range 4 { // pairs of brackets; nobody writes more, and each costs a search
		if len(st) > 2 && closes(st, 0) == len(st)-1 {
			st = st[1 : len(st)-1]
		}
	}
	if n := len(st); n > 2 && st[1] == (token{"==", 'o'}) {
		st = slices.Concat(st[2:], st[1:2], st[:1])
	}
	n := len(st)
	if n < 6 || st[n-1].kind == 'o' || st[n-2] != (token{"==", 'o'}) || closes(st, 1) != n-3 {
		return "", false
	}
	fileArgs := n == 8 && st[0] == (token{"file_getprop", 'w'}) && st[2].kind != 'o' && st[3] == (token{",", 'o'})
	if !fileArgs && (n != 6 || st[0] != (token{"getprop", 'w'})) {
		return "", false
	}
	prop := st[n-4]
	return st[n-1].text, prop.kind != 'o' && (prop.text == "ro.product.device" || prop.text == "ro.build.product")
}

// alters says if a call changes the phone, so that a check behind it comes too late.
func alters(c call) bool {
	switch c.name {
	case "package_extract_file", "package_extract_dir":
		return len(c.args) < 2 || !strings.HasPrefix(c.args[1], "/tmp/")
	case "format", "wipe", "wipe_block_device", "tune2fs", "delete", "delete_recursive", "rename", "symlink",
		"write_raw_image",
		"write_firmware_image", "run_program", "apply_patch", "patch_partition", "block_image_update", "block_image_recover":
		return true
	}
	return false
}
