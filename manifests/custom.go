// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"encoding/json"
	"fmt"

	"landed/manifests/strict"
)

// CustomSchema is the version of the custom part that is written now.
const CustomSchema = 2

// Custom is the custom part of the TUF target of a package. The offline role signs it and the offers document repeats
// it; a handset compares every member of both, those too that it does not know.
type Custom struct {
	Schema   int    `json:"schema"` // 2; schema 1 had no such member, and the effect as an object
	Model    string `json:"model"`
	Variant  string `json:"variant"`
	Channel  string `json:"channel"` // a build for testers is not offered to everybody, whoever signs the offers
	Release  string `json:"release"`
	Counter  int64  `json:"counter"`
	Build    Build  `json:"build"`
	Effect   string `json:"effect"`   // the effect's name, "" for none
	Manifest string `json:"manifest"` // SHA-256 of the handset manifest, 64 hex digits; "" in schema 1
}

// UnmarshalJSON reads a custom part of any schema and passes over members that it does not know, as handsets must:
// whoever publishes holds it against what was meant, byte for byte.
func (c *Custom) UnmarshalJSON(text []byte) error {
	type plain Custom
	var read struct {
		plain
		Effect json.RawMessage `json:"effect"`
	}
	if err := strict.LenientJSON(text, &read); err != nil {
		return err
	}
	*c = Custom(read.plain)
	if len(read.Effect) > 0 && read.Effect[0] == '{' {
		var old effect1
		if err := strict.LenientJSON(read.Effect, &old); err != nil {
			return fmt.Errorf("effect: %w", err)
		}
		c.Schema, c.Effect = 1, old.Name
		return nil
	}
	if len(read.Effect) > 0 {
		return strict.LenientJSON(read.Effect, &c.Effect)
	}
	return nil
}

// ParseCustom reads a custom part of any schema.
func ParseCustom(text []byte) (Custom, error) {
	var c Custom
	if err := strict.LenientJSON(text, &c); err != nil {
		return Custom{}, fmt.Errorf("custom part: %w", err)
	}
	return c, nil
}
