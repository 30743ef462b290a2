// SPDX-License-Identifier: Apache-2.0

package fixtures

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The files that a virtual handset reads, relative to /system. An image need not have the last one.
const (
	PropName       = "build.prop"
	ConfName       = "etc/cloud_messaging.conf"
	BackupConfName = "etc/app_backup.conf"
)

// SystemFiles is what ends up on the handset, by name relative to /system. The caller owns the map.
func (b Build) SystemFiles() map[string][]byte {
	files := map[string][]byte{
		PropName:                         b.buildProp(),
		ConfName:                         b.Config.Text(),
		"etc/hosts":                      []byte("127.0.0.1\tlocalhost\n"),
		"etc/standin.txt":                []byte(standinNote),
		"app/CloudMessaging.apk":         standinBody(b, "CloudMessaging.apk", 6<<10),
		"app/XiaomiServiceFramework.apk": standinBody(b, "XiaomiServiceFramework.apk", 9<<10),
		"bin/toolbox":                    standinBody(b, "toolbox", 3<<10),
		"framework/framework-res.apk":    standinBody(b, "framework-res.apk", 12<<10),
		"lib/libc.so":                    standinBody(b, "libc.so", 5<<10),
	}
	if b.Backup != nil {
		files[BackupConfName] = b.Backup.Text()
	}
	return files
}

const standinNote = `STAND-IN. This package was made by a test fixture and holds no maker's software.
No genuine patched MIUI package of August 2014 is public. Do not flash it.
`

// standinBody is a labelled file of random-looking bytes that differ from build to build.
func standinBody(b Build, name string, size int64) []byte {
	head := "STAND-IN " + name + " of " + b.Fingerprint + "\n"
	return append([]byte(head), readAll(padding(b.Fingerprint+"/"+name, size))...)
}

// buildProp follows the order of a build.prop of that time; ro.landed.standin says what it is.
func (b Build) buildProp() []byte {
	release, id := fingerprintParts(b.Fingerprint)
	var s strings.Builder
	s.WriteString("# begin build properties\n")
	for _, p := range [][2]string{
		{"ro.build.id", id},
		{"ro.build.display.id", id},
		{"ro.build.version.incremental", b.Incremental},
		{"ro.build.version.release", release},
		{"ro.build.date", time.Unix(b.UTC, 0).UTC().Format("Mon Jan _2 15:04:05 UTC 2006")},
		{"ro.build.date.utc", fmt.Sprint(b.UTC)},
		{"ro.build.type", "user"},
		{"ro.build.tags", "release-keys"},
		{"ro.product.brand", "Xiaomi"},
		{"ro.product.device", b.Model},
		{"ro.product.mod_device", b.Variant},
		{"ro.build.product", b.Model},
		{"ro.build.fingerprint", b.Fingerprint},
		{"ro.miui.ui.version.name", b.miui()},
		{"ro.landed.standin", "true"},
	} {
		fmt.Fprintf(&s, "%s=%s\n", p[0], p[1])
	}
	s.WriteString("# end build properties\n")
	return []byte(s.String())
}

func (b Build) miui() string {
	if b.AB {
		return "V816"
	}
	return "V5"
}

// fingerprintParts gives release and id of brand/product/device:release/id/incremental:type/tags.
func fingerprintParts(fp string) (release, id string) {
	_, rest, _ := strings.Cut(fp, ":")
	release, rest, _ = strings.Cut(rest, "/")
	id, _, _ = strings.Cut(rest, "/")
	return release, id
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
