// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Version is what -version says of the program of that name: the version of its module, the revision
// of its source, and the release of Go, in one line.
func Version(name string) string {
	info, _ := debug.ReadBuildInfo()
	return describe(name, info)
}

// describe says what is known; info may be nil.
func describe(name string, info *debug.BuildInfo) string {
	if info == nil {
		return fmt.Sprintf("%s (unknown source) %s %s/%s", name, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	}
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	words := []string{name}
	if v := info.Main.Version; v != "" {
		words = append(words, v)
	}
	if revision := set["vcs.revision"]; revision != "" {
		source := "revision " + revision
		if at := set["vcs.time"]; at != "" {
			source += " of " + at
		}
		if set["vcs.modified"] == "true" {
			source += ", modified"
		}
		words = append(words, "("+source+")")
	}
	words = append(words, info.GoVersion)
	if set["GOOS"] != "" && set["GOARCH"] != "" {
		words = append(words, set["GOOS"]+"/"+set["GOARCH"])
	}
	return strings.Join(words, " ")
}
