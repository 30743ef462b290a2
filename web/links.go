// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/url"
	"strings"
)

// Links make the addresses that pages and answers hold: every link, form, redirection and static file. What they are given
// is a local path: "/models/armani", with a query or a fragment perhaps.
type Links struct {
	Base     string // that the outside world puts before every path: "", or "/landed"
	Language string // "" where readers are asked for theirs; else every link keeps to this one, by its tag
}

// To is the address of a local path.
func (l Links) To(path string) string { return l.root() + path }

func (l Links) root() string {
	if l.Language == "" {
		return l.Base
	}
	return l.Base + "/" + l.Language
}

// Local takes a path apart that To made, or that a proxy took Base from; any other it gives as it is.
func (l Links) Local(path string) string {
	if rest, ok := cutPath(path, l.Base); ok {
		path = rest
	}
	if l.Language != "" {
		if rest, ok := cutPath(path, "/"+l.Language); ok {
			path = rest
		}
	}
	return path
}

// cutPath takes whole segments off the front of a path.
func cutPath(path, front string) (string, bool) {
	rest, ok := strings.CutPrefix(path, front)
	if !ok || rest != "" && rest[0] != '/' {
		return path, false
	}
	if rest == "" {
		rest = "/"
	}
	return rest, true
}

// link is To for templates: segments are escaped and put behind path.
func (l Links) link(path string, segments ...any) string {
	for _, s := range segments {
		path += "/" + url.PathEscape(fmt.Sprint(s))
	}
	return l.To(path)
}

// Asset is the address of a static file, which is the same in every language.
func (l Links) Asset(name string) string { return l.Base + Asset(name) }
