// SPDX-License-Identifier: Apache-2.0

package tufrepo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
)

const maxDepth = 24

// strictJSON refuses text that two JSON readers could take for two documents: doubled or
// non-ASCII keys, invalid UTF-8, lone surrogates, null, fractions, exponents, -0, integers
// beyond 2^53-1, control characters, deep nesting, trailing bytes.
func strictJSON(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("not valid UTF-8")
	}
	if !json.Valid(text) {
		return errors.New("not exactly one JSON value")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := walk(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

func walk(dec *json.Decoder, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return walkObject(dec, depth)
		}
		for dec.More() {
			if err := walk(dec, depth+1); err != nil {
				return err
			}
		}
		_, err := dec.Token()
		return err
	case json.Number:
		return checkNumber(t.String())
	case string:
		return checkText(t)
	case nil:
		return errors.New("null; leave the field out")
	}
	return nil
}

func walkObject(dec *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		key := token.(string) // json.Valid has seen to it
		for _, c := range []byte(key) {
			if c < 0x20 || c > 0x7e {
				return fmt.Errorf("field name %q: wanted printable ASCII, clients sort others differently", key)
			}
		}
		if seen[key] {
			return fmt.Errorf("field %q occurs twice", key)
		}
		seen[key] = true
		if err := walk(dec, depth+1); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	_, err := dec.Token()
	return err
}

func checkNumber(n string) error {
	if strings.ContainsAny(n, ".eE") {
		return fmt.Errorf("number %s: wanted an integer; signed JSON has no fractions", n)
	}
	i, err := strconv.ParseInt(n, 10, 64)
	if err != nil || i > maxInteger || i < -maxInteger || n == "-0" {
		return fmt.Errorf("number %s: wanted an integer within ±(2^53-1)", n)
	}
	return nil
}

func checkText(s string) error {
	for _, c := range s {
		if c == utf8.RuneError || (c < 0x20 && c != '\n') || c == 0x7f {
			return fmt.Errorf("text %.40q holds a control character or a broken one", s)
		}
	}
	return nil
}

// canonical is the form of JSON over which TUF signs (OLPC canonical JSON).
func canonical(value any) ([]byte, error) { return cjson.EncodeCanonical(value) }

// exactly decodes text into a pointer and refuses it unless what was decoded says all that
// text says and no more: encoding/json alone forgives fields in other cases and missing ones.
func exactly(text []byte, into any) error {
	said, err := canonical(json.RawMessage(text))
	if err != nil {
		return err
	}
	return exactlySaid(text, said, into)
}

// exactlySaid is exactly for a caller that has the canonical form of text already.
func exactlySaid(text, said []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	understood, err := canonical(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(said, understood) {
		return fmt.Errorf("a field is missing, empty or spelt in another way; %s", firstDifference(said, understood))
	}
	return nil
}

func firstDifference(said, understood []byte) string {
	i := 0
	for i < len(said) && i < len(understood) && said[i] == understood[i] {
		i++
	}
	from := max(0, i-30)
	return fmt.Sprintf("the file says %q where %q was understood", said[from:min(len(said), i+30)],
		understood[from:min(len(understood), i+30)])
}

// marshal writes compact JSON and leaves <, > and & alone.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// readFile reads one of our own files: bounded, strict, nothing unknown.
func readFile(text []byte, what string, limit int, into any) error {
	if len(text) > limit {
		return fmt.Errorf("%s: the file has %d bytes, the limit is %d", what, len(text), limit)
	}
	if err := strictJSON(text); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := exactly(text, into); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// writeFile marshals one of our own files, for people as well.
func writeFile(value any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(value); err != nil {
		panic(err) // only strings, integers and bytes: it cannot fail
	}
	return b.Bytes()
}
