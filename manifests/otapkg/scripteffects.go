// SPDX-License-Identifier: Apache-2.0

package otapkg

import (
	"path"
	"strings"
)

// effects reads what the calls of a script do to the phone, in their order.
type effects struct {
	*ScriptFacts
	links map[string]string // links, and where user data is mounted, to where they lead
}

// Bounds: a script of links alone has some 60,000.
const (
	maxLinks = 10_000
	maxParts = 64   // of a path
	maxPath  = 4096 // bytes, as Linux takes them
)

// unread notes a call that may write anywhere.
func (e *effects) unread(c call, st []token) {
	const most = 12 // tokens, so that calls nested in calls cost no more than their length
	if end := min(c.end, c.at+most); len(e.Unread) < maxListed {
		text := sourceText(st[c.at:end])
		if end < c.end {
			text += "…"
		}
		note(&e.Unread, text)
	}
}

// where follows links, part by part, as the kernel does. ok is false if nobody can tell.
func (e *effects) where(v value) (at string, ok bool) {
	if !v.known || len(v.text) > maxPath || strings.Count(v.text, "/") > maxParts {
		return "", false
	}
	at = "/"
	for part := range strings.SplitSeq(v.text, "/") {
		at = path.Join(at, part)
		if to, is := e.links[at]; is {
			at = to
		}
	}
	return at, !below(at, "/proc") // there are other ways to every place
}

// link notes that what is called name leads to another place. It is false if nobody can tell where.
func (e *effects) link(name value, to string) bool {
	name.text = strings.TrimRight(name.text, "/")
	dir, ok := e.where(value{path.Dir(name.text), name.known})
	if !ok || len(name.text) > maxName || len(to) > maxName || len(e.links) >= maxLinks {
		return false
	}
	if !strings.HasPrefix(to, "/") {
		to = dir + "/" + to
	}
	if to, ok = e.where(value{to, true}); !ok {
		return false
	}
	at := path.Join(dir, path.Base(name.text))
	old, is := e.links[at]
	switch {
	case at == to || is && old == to:
		return true
	case is || at == "/" || below(at, "/dev"): // it may hide another, if one of the two is in a branch
		return false
	case below(at, "/data"):
		return !below(to, "/dev")
	}
	e.links[at] = to
	return true
}

// files notes that a call writes or deletes files, or below them.
func (e *effects) files(c call, st []token, args []value) {
	for _, a := range args {
		at, ok := e.where(a)
		if !ok {
			e.unread(c, st)
		}
		e.WritesData = e.WritesData || ok && (below(at, "/data") || at == "/")
	}
}

// image notes that a partition, by its path or its name alone, is written or erased as a whole.
func (e *effects) image(c call, st []token, from string, v value) {
	if kind, rest, ok := strings.Cut(v.text, ":"); ok && (kind == "EMMC" || kind == "MTD") {
		v.text, _, _ = strings.Cut(rest, ":")
	}
	at, ok := e.where(v)
	if !ok {
		e.unread(c, st)
	}
	note(&e.Images, from+" → "+v.shown())
	e.WritesBootloader = e.WritesBootloader || isBootloader(path.Base(at)) || isBootloader(path.Base(from))
	e.FormatsData = e.FormatsData || isUserdata(at)
}

// erased notes that a call erases a partition or what is mounted somewhere.
func (e *effects) erased(c call, st []token, args []value) {
	for _, a := range args {
		at, ok := e.where(a)
		switch {
		case !ok:
			e.unread(c, st)
		case isUserdata(at):
			e.FormatsData = true
		case isBootloader(path.Base(at)):
			e.image(c, st, c.name, a)
		}
	}
}

func (v value) shown() string {
	if !v.known {
		return ""
	}
	return v.text
}

// isUserdata reports whether a path is that of the partition of user data, or where it is mounted.
func isUserdata(at string) bool {
	name := partitionName(path.Base(at))
	return at == "/data" || name == "userdata" || name == "usrdata" || name == "data" && below(at, "/dev")
}

// partitionName is a name without slot and extension, in lower case.
func partitionName(name string) string {
	name = strings.ToLower(name)
	name = strings.TrimSuffix(name, path.Ext(name))
	return strings.TrimSuffix(strings.TrimSuffix(name, "_a"), "_b")
}
