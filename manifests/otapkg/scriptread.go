// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"path"
	"strings"
)

// readCall reads what one call does (AOSP bootable/recovery, updater/install.cpp and blockimg.cpp).
func (e *effects) readCall(c call, st []token) {
	from := func(i int) []value { return c.args[min(i, len(c.args)):] }
	one := func(i int) []value { return c.args[min(i, len(c.args)):min(i+1, len(c.args))] }
	switch c.name {
	case "format", "wipe":
		// format(fs, type, location, size, mount point); older forms leave out the end.
		what := c.text(len(c.args) - 1)
		if !strings.HasPrefix(what, "/") {
			what = c.text(2)
		}
		note(&e.Formats, what)
		e.erased(c, st, c.args)
	case "wipe_block_device":
		note(&e.Formats, c.text(0))
		e.erased(c, st, one(0))
	case "delete", "delete_recursive":
		e.readDelete(c, st)
	case "package_extract_dir", "package_extract_file":
		e.readExtract(c, st)
	case "write_raw_image", "write_firmware_image":
		e.images(c, st, c.text(0), one(1))
	case "block_image_update":
		e.images(c, st, c.text(1), one(0))
	case "block_image_recover":
		e.images(c, st, c.name, one(0))
	case "patch_partition":
		e.images(c, st, "patch", one(0))
	case "apply_patch":
		e.readPatch(c, st)
	case "run_program":
		if len(c.args) > 0 && !c.args[0].known {
			e.unread(c, st)
		} else {
			note(&e.Runs, c.text(0))
		}
	case "symlink", "mount":
		e.readLink(c, st)
	case "rename", "retouch_binaries", "undo_retouch_binaries":
		e.readFiles(c, st, c.args)
	case "write_value":
		e.readFiles(c, st, one(1))
	case "set_metadata", "set_metadata_recursive":
		e.readFiles(c, st, one(0))
	case "set_perm":
		e.readFiles(c, st, from(3))
	case "set_perm_recursive":
		e.readFiles(c, st, from(4))
	case "tune2fs":
		e.readFiles(c, st, from(len(c.args)-1))
	default:
		if !writesNothing[c.name] && !writers[c.name] {
			e.unread(c, st)
		}
	}
}

func (e *effects) images(c call, st []token, from string, to []value) {
	for _, v := range to {
		e.image(c, st, from, v)
	}
}

// readFiles is files, or partitions where they are below /dev.
func (e *effects) readFiles(c call, st []token, args []value) {
	for i, a := range args {
		if at, ok := e.where(a); ok && below(at, "/dev") {
			e.image(c, st, c.name, a)
		} else {
			e.files(c, st, args[i:i+1])
		}
	}
}

func (e *effects) readDelete(c call, st []token) {
	for i := range c.args {
		note(&e.Deletes, c.text(i))
		at, _ := e.where(c.args[i])
		e.FormatsData = e.FormatsData || c.name == "delete_recursive" && (at == "/data" || at == "/")
	}
	e.files(c, st, c.args)
}

func (e *effects) readExtract(c call, st []token) {
	if len(c.args) < 2 { // a file as a value
		note(&e.Extracts, c.text(0)+" → ")
		return
	}
	if at, ok := e.where(c.args[1]); ok && c.name == "package_extract_file" && below(at, "/dev") {
		e.image(c, st, c.text(0), c.args[1])
		return
	}
	note(&e.Extracts, c.text(0)+" → "+c.text(1))
	e.files(c, st, c.args[1:2])
}

// readPatch reads apply_patch(source, target, …), whose target "-" is the source.
func (e *effects) readPatch(c call, st []token) {
	e.Patches++
	to := c.args[:min(1, len(c.args))]
	if len(c.args) > 1 && c.args[1] != (value{"-", true}) {
		to = c.args[1:2]
	}
	for _, v := range to {
		if strings.HasPrefix(v.text, "EMMC:") || strings.HasPrefix(v.text, "MTD:") {
			e.image(c, st, "patch", v)
		} else {
			e.readFiles(c, st, to)
		}
	}
}

// readLink reads symlink(target, link…) and mount([fs,] type, location, mount point[, options]).
func (e *effects) readLink(c call, st []token) {
	if c.name == "symlink" && len(c.args) > 0 {
		for _, v := range c.args[1:] {
			if !c.args[0].known || !e.link(v, c.args[0].text) {
				e.unread(c, st)
			} else if dir, _ := e.where(value{path.Dir(v.text), true}); below(dir, "/data") {
				e.WritesData = true
			}
		}
		return
	}
	place := 2
	if len(c.args) == 3 {
		place = 1
	}
	if len(c.args) <= place+1 {
		return
	}
	device, ok := e.where(c.args[place])
	point := c.args[place+1]
	if !ok || !point.known || isUserdata(device) && !e.link(point, "/data") {
		e.unread(c, st)
	}
}
