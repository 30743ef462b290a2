// SPDX-License-Identifier: Apache-2.0

package updaters

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// object is a JSON object whose members are asked for one by one, so that all that is wrong is found.
type object struct {
	at      string // its place, such as "response[0]."
	members map[string]json.RawMessage
	wrong   []string
}

func readObject(at string, text []byte) *object {
	o := &object{at: at}
	if err := json.Unmarshal(text, &o.members); err != nil || o.members == nil {
		o.wrong = append(o.wrong, strings.TrimSuffix(at, ".")+" is no object")
	}
	return o
}

func (o *object) fault(format string, args ...any) {
	o.wrong = append(o.wrong, o.at+fmt.Sprintf(format, args...))
}

// has says if a member is there and not null.
func (o *object) has(name string) bool {
	raw, is := o.members[name]
	return is && string(raw) != "null"
}

// text is a member that must be a string, and not empty.
func (o *object) text(name string) string {
	var s string
	switch {
	case o.members == nil:
	case !o.has(name):
		o.fault("%s is missing", name)
	case json.Unmarshal(o.members[name], &s) != nil:
		o.fault("%s is %.50s, wanted a string", name, o.members[name])
	case s == "":
		o.fault("%s is empty", name)
	}
	return s
}

// number is a member that must be a whole number, least or more.
func (o *object) number(name string, least int64) int64 {
	if o.members == nil {
		return 0
	}
	if !o.has(name) {
		o.fault("%s is missing", name)
		return 0
	}
	n, err := strconv.ParseInt(string(o.members[name]), 10, 64)
	if err != nil || n < least || n > math.MaxInt64>>1 {
		o.fault("%s is %.50s, wanted a number of %d or more", name, o.members[name], least)
		return 0
	}
	return n
}

// flag is a member that must be true or false.
func (o *object) flag(name string) bool {
	var is bool
	switch {
	case o.members == nil:
	case !o.has(name):
		o.fault("%s is missing", name)
	case json.Unmarshal(o.members[name], &is) != nil:
		o.fault("%s is %.50s, wanted true or false", name, o.members[name])
	}
	return is
}

// list is a member that must be an array.
func (o *object) list(name string) (all []json.RawMessage) {
	switch {
	case o.members == nil:
	case !o.has(name):
		o.fault("%s is missing", name)
	case json.Unmarshal(o.members[name], &all) != nil:
		o.fault("%s is no array", name)
	}
	return all
}

// part is where a part lies, by the member that names it; its size is least or more.
func (o *object) part(name string, least int64) Part {
	return Part{Name: o.text(name), Offset: o.number("offset", 0), Size: o.number("size", least)}
}

// parts holds where parts lie against the size of their package, 0 if that is not known.
func (o *object) parts(all []Part, size int64) {
	for _, p := range all {
		if size > 0 && (p.Offset >= size || p.Size > size-p.Offset) {
			o.fault("%s lies at %d to %d, behind the end of the package at %d", p.Name, p.Offset, p.Offset+p.Size, size)
		}
	}
	for _, name := range streamed {
		if !hasPart(all, name) {
			o.fault("%s is not among the parts", name)
		}
	}
}

// streamed are the parts that a phone asks for by range.
var streamed = []string{"payload_metadata.bin", "payload.bin", "payload_properties.txt"}

func hasPart(all []Part, name string) bool {
	_, is := partOf(all, name)
	return is
}

func partOf(all []Part, name string) (Part, bool) {
	for _, p := range all {
		if p.Name == name {
			return p, true
		}
	}
	return Part{}, false
}
