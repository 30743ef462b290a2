// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"landed/manifests/strict"
)

// The two members that any object of a signed document may have. They keep their names and their meaning for ever.
const (
	schemaMember         = "schema"          // version of the document, an integer; absent is 1
	mustUnderstandMember = "must_understand" // names of members that whoever does not know them may not read past
)

// NeedsError says that a document was made for a newer program than this one. It is no fault of anybody: a handset
// waits, and reads the document again when its program was updated.
type NeedsError struct {
	What    string   // the document, in words
	Version int64    // of it, if this program reads none so high; else 0
	Known   int64    // the highest version that this program reads
	Members []string // that it asks its readers to know, and this program does not
}

// Error says what is needed, in words for people. Names are quoted and bounded, whoever wrote them.
func (e *NeedsError) Error() string {
	if e.Version != 0 {
		return fmt.Sprintf("version %d of the %s; this program reads up to version %d", e.Version, e.What, e.Known)
	}
	var names []string
	for _, name := range e.Members[:min(len(e.Members), 5)] {
		names = append(names, fmt.Sprintf("%.40q", name))
	}
	if more := len(e.Members) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("a program that knows %s in the %s", strings.Join(names, ", "), e.What)
}

// Understand reads a JSON object as a handset must, whose program may be years older than the document: members that
// it does not know are passed over, on every level. It gives a *NeedsError if the object is of a higher version than
// known, or lists under must_understand what into has no field for. Names count exactly as they are written, and
// none may stand twice in an object: two readers shall never see different values. What is known is read as strictly
// as [strict.JSON] does.
func Understand(text []byte, what string, known int64, into any) error {
	if err := uniqueNames(text); err != nil {
		return err
	}
	var head map[string]json.RawMessage
	if err := json.Unmarshal(text, &head); err != nil {
		return err
	}
	if raw, ok := head[schemaMember]; ok {
		var version int64
		if err := json.Unmarshal(raw, &version); err != nil {
			return fmt.Errorf("%s: wanted an integer: %w", schemaMember, err)
		}
		if version > known {
			return &NeedsError{What: what, Version: version, Known: known}
		}
	}
	pruned, err := prune(text, reflect.TypeOf(into), what)
	if err != nil {
		return err
	}
	return strict.JSON(pruned, into)
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// prune leaves out of text the members that t has no field for. Types that read themselves are given all there is.
func prune(text json.RawMessage, t reflect.Type, what string) (json.RawMessage, error) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) {
		return text, nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return pruneObject(text, func(name string) reflect.Type { return fieldType(t, name) }, what)
	case reflect.Map:
		return pruneObject(text, func(string) reflect.Type { return t.Elem() }, what)
	case reflect.Slice, reflect.Array:
		var list []json.RawMessage
		if !isA(text, '[') || json.Unmarshal(text, &list) != nil {
			return text, nil // of another kind than wanted, which the strict reader says
		}
		for i := range list {
			var err error
			if list[i], err = prune(list[i], t.Elem(), what); err != nil {
				return nil, err
			}
		}
		return json.Marshal(list)
	}
	return text, nil
}

// pruneObject keeps the members to which known gives a type, after a look at must_understand.
func pruneObject(text json.RawMessage, known func(string) reflect.Type, what string) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if !isA(text, '{') || json.Unmarshal(text, &members) != nil {
		return text, nil
	}
	if err := checkMustUnderstand(members[mustUnderstandMember], known, what); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		t := known(name)
		if t == nil || name == mustUnderstandMember {
			delete(members, name)
			continue
		}
		var err error
		if members[name], err = prune(members[name], t, what); err != nil {
			return nil, err
		}
	}
	return json.Marshal(members)
}

func checkMustUnderstand(raw json.RawMessage, known func(string) reflect.Type, what string) error {
	if raw == nil {
		return nil
	}
	var names, unknown []string
	if err := json.Unmarshal(raw, &names); err != nil {
		return fmt.Errorf("%s: wanted a list of names: %w", mustUnderstandMember, err)
	}
	for _, name := range names {
		if name != schemaMember && name != mustUnderstandMember && known(name) == nil {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return &NeedsError{What: what, Members: unknown}
	}
	return nil
}

// fieldType is the type of the field of t that has this name in JSON, nil if there is none.
func fieldType(t reflect.Type, name string) reflect.Type {
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && !f.Anonymous && tag != "-" && (tag == name || tag == "" && f.Name == name) {
			return f.Type
		}
	}
	return nil
}

func isA(text json.RawMessage, first byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && text[0] == first
}

// SameJSON says if two texts are one JSON value: every member of every object, in any order, known to this program or
// not. Numbers are the same if they are written the same: no reader's arithmetic decides. A text that is no JSON, or
// has a name twice in one object, is the same as nothing.
func SameJSON(a, b []byte) bool {
	if uniqueNames(a) != nil || uniqueNames(b) != nil {
		return false
	}
	x, err := decodeAny(a)
	y, err2 := decodeAny(b)
	return err == nil && err2 == nil && reflect.DeepEqual(x, y)
}

func decodeAny(text []byte) (value any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&value)
	return value, err
}

// maxDepth is how deep objects and lists may lie in one another. What is signed today goes to 6.
const maxDepth = 64

// uniqueNames refuses what is not exactly one JSON value, and a name that stands twice in one object.
func uniqueNames(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := walkUnique(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

func walkUnique(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth == maxDepth {
		return fmt.Errorf("the JSON is nested more than %d deep", maxDepth)
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			if seen[name.(string)] {
				return fmt.Errorf("the name %.40q stands twice in one object", name)
			}
			seen[name.(string)] = true
		}
		if err := walkUnique(dec, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}
