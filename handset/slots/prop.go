// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// PropFile and ConfFile are the files a system must have, relative to /system.
const (
	PropFile = "build.prop"
	ConfFile = "etc/cloud_messaging.conf"
)

// readBuild reads build.prop of a system: key=value lines, the first of a key counts, as in init.
func readBuild(system fs.FS) (Build, error) {
	text, err := fs.ReadFile(system, PropFile)
	if err != nil {
		return Build{}, fmt.Errorf("slots: the system has no %s: %w", PropFile, err)
	}
	props := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		key, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if _, seen := props[key]; ok && !seen && !strings.HasPrefix(key, "#") {
			props[key] = value
		}
	}
	utc, err := strconv.ParseInt(props["ro.build.date.utc"], 10, 64)
	b := Build{
		Model: props["ro.product.device"], Variant: props["ro.product.mod_device"],
		Fingerprint: props["ro.build.fingerprint"], Incremental: props["ro.build.version.incremental"], UTC: utc,
	}
	if b.Variant == "" {
		b.Variant = b.Model
	}
	if err != nil || b.Model == "" || b.Fingerprint == "" {
		return Build{}, errors.New("slots: build.prop wants ro.product.device, ro.build.fingerprint and ro.build.date.utc")
	}
	return b, nil
}
