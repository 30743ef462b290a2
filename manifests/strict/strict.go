// SPDX-License-Identifier: Apache-2.0

// Package strict reads JSON and YAML as documents that cross a trust boundary must be read: exactly one value, nothing
// after it, and no member that the reader does not know. It promises to refuse everything else, and never to guess.
package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// JSON decodes exactly one JSON value and refuses unknown members and trailing bytes.
func JSON(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return one(dec, into)
}

// LenientJSON decodes exactly one JSON value and passes over members that into does not have: as handsets read.
func LenientJSON(text []byte, into any) error {
	return one(json.NewDecoder(bytes.NewReader(text)), into)
}

func one(dec *json.Decoder, into any) error {
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

// YAML decodes exactly one YAML document and refuses unknown keys, and whatever follows: it would not be read, and the
// person who wrote it would never know.
func YAML(text []byte, into any) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(into); errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	} else if err != nil {
		return err
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("more than one YAML document is in the file; only the first would be read")
	}
	return nil
}
