// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"encoding/json"
	"errors"
	"fmt"

	"landed/manifests/strict"
)

// CustomSchema is the version of the custom part that is written now, and the highest that is read.
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

// customWire is Custom in any schema.
type customWire struct {
	Schema   int        `json:"schema"`
	Model    string     `json:"model"`
	Variant  string     `json:"variant"`
	Channel  string     `json:"channel"`
	Release  string     `json:"release"`
	Counter  int64      `json:"counter"`
	Build    Build      `json:"build"`
	Effect   effectName `json:"effect"`
	Manifest string     `json:"manifest"`
}

// effectName is an effect by its name; in schema 1 it was an object that had one.
type effectName string

// UnmarshalJSON reads either form.
func (n *effectName) UnmarshalJSON(text []byte) error {
	if !isA(text, '{') {
		return json.Unmarshal(text, (*string)(n))
	}
	var old effect1
	err := json.Unmarshal(text, &old)
	*n = effectName(old.Name)
	return err
}

// UnmarshalJSON reads a custom part as [ParseCustom] does.
func (c *Custom) UnmarshalJSON(text []byte) error {
	read, err := ParseCustom(text)
	if err == nil {
		*c = read
	}
	return err
}

// ParseCustom reads the custom part of a package's target, of any schema, as a handset does: see [Understand]. Whether
// two custom parts are equal is never asked of what this returns, but of the bytes, by [SameJSON].
func ParseCustom(raw []byte) (Custom, error) {
	var w customWire
	err := Understand(raw, "custom part", CustomSchema, &w)
	c := Custom{max(w.Schema, 1), w.Model, w.Variant, w.Channel, w.Release, w.Counter, w.Build,
		string(w.Effect), w.Manifest}
	if err == nil {
		err = c.faults()
	}
	if err != nil {
		return Custom{}, fmt.Errorf("custom part: %w", err)
	}
	return c, nil
}

// faults are about what a handset keeps, shows or compares: bounded and printable, and never of another shape.
func (c Custom) faults() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(!deviceName.MatchString(c.Model), "model %.50q is not a device name", c.Model)
	fault(!deviceName.MatchString(c.Variant), "variant %.50q is not a device name", c.Variant)
	fault(!ValidChannel(c.Channel), "channel %.50q is not the name of a channel", c.Channel)
	fault(!releaseName.MatchString(c.Release), "release %.80q is not the name of a release", c.Release)
	fault(c.Counter < 1 || c.Counter > maxSafeInteger, "counter is %d, wanted 1 or more", c.Counter)
	fault(c.Build.UTC < 1 || c.Build.UTC > maxSafeInteger, "build.utc is %d, wanted seconds since 1970", c.Build.UTC)
	fault(c.Build.Fingerprint == "" || len(c.Build.Fingerprint) > 256,
		"build.fingerprint has %d bytes, wanted 1 to 256", len(c.Build.Fingerprint))
	fault(c.Effect != "" && !releaseName.MatchString(c.Effect), "effect %.80q is not the name of an effect", c.Effect)
	fault(c.Schema >= CustomSchema && !hexDigest.MatchString(c.Manifest), "manifest %.80q: wanted 64 hex digits",
		c.Manifest)
	return errors.Join(faults...)
}

// ParseCustomStrict reads a custom part as those who publish and sign do: of a schema that they know, with every member
// of it and no other.
func ParseCustomStrict(raw []byte) (Custom, error) {
	c, err := ParseCustom(raw)
	if err != nil {
		return Custom{}, err
	}
	type closed Custom // without its own lenient reader
	var again any = closed(c)
	if c.Schema == 1 {
		var old Custom1
		if err := strict.JSON(raw, &old); err != nil {
			return Custom{}, fmt.Errorf("custom part: %w", err)
		}
		again = old
	}
	text, err := json.Marshal(again)
	if err == nil && !SameJSON(text, raw) {
		err = fmt.Errorf("custom part: wanted every member of schema %d and no other", c.Schema)
	}
	return c, err
}
