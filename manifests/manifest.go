// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"landed/manifests/effect/probe"
	"landed/manifests/strict"
)

// ManifestSchema is the version of the handset manifest that is written now.
const ManifestSchema = 2

// MaxManifest is the largest handset manifest in bytes: every handset downloads it.
const MaxManifest = 2048

// Manifest is the signed statement about one build of a release for one model and variant, for the handset: what it
// gets, and what it will be asked. It is a TUF target of the model's role, builds/<role>/<release>.<variant>.json.
type Manifest struct {
	Schema  int       `json:"schema"` // 2; 1 is read, see manifest1
	Release string    `json:"release"`
	Model   string    `json:"model"`   // ro.product.device
	Variant string    `json:"variant"` // image variant
	Channel string    `json:"channel"` // the one on which it may be offered
	Counter int64     `json:"counter"` // release counter: a handset never installs a lower one
	Build   Build     `json:"build"`   // after
	Package Package   `json:"package"`
	Effect  string    `json:"effect,omitempty"` // name, "" for none
	Ask     probe.Ask `json:"ask,omitzero"`
	// EffectDocument and NotesDocument bind the targets that handsets do not fetch.
	EffectDocument *Package `json:"effect_document,omitempty"`
	NotesDocument  *Package `json:"notes_document,omitempty"`

	Notes map[string]string `json:"-"` // of schema 1 alone
}

// manifest1 is the handset manifest as it was while Cloud Messaging was the one effect.
type manifest1 struct {
	Schema  int               `json:"schema"`
	Release string            `json:"release"`
	Model   string            `json:"model"`
	Variant string            `json:"variant"`
	Channel string            `json:"channel"`
	Counter int64             `json:"counter"`
	Build   Build             `json:"build"`
	Package Package           `json:"package"`
	Effect  effect1           `json:"effect"`
	Notes   map[string]string `json:"notes,omitempty"`
}

// effect1 is the effect as schema 1 of manifest and custom part spelled it out.
type effect1 struct {
	Name      string          `json:"name"`
	Feature   int             `json:"feature"`
	Migration probe.Migration `json:"migration"`
	PromptDay string          `json:"prompt_day"`
}

// Custom is the part of m that stands in the TUF metadata beside the package, given the SHA-256 of m as published.
func (m Manifest) Custom(sha256 string) Custom {
	return Custom{Schema: CustomSchema, Model: m.Model, Variant: m.Variant, Channel: m.Channel, Release: m.Release,
		Counter: m.Counter, Build: m.Build, Effect: m.Effect, Manifest: sha256}
}

// ParseManifest reads a manifest of any schema as publishers and signers do: unknown fields, trailing bytes and what
// Validate refuses are refused.
func ParseManifest(text []byte) (Manifest, error) {
	return parseManifest(text, strict.JSON)
}

// ReadManifest reads a manifest of any schema as a handset does: see [Understand].
func ReadManifest(text []byte) (Manifest, error) {
	return parseManifest(text, func(text []byte, into any) error {
		return Understand(text, "release manifest", ManifestSchema, into)
	})
}

func parseManifest(text []byte, decode func([]byte, any) error) (Manifest, error) {
	var m Manifest
	var version struct {
		Schema int64 `json:"schema"`
	}
	err := strict.LenientJSON(text, &version)
	switch {
	case err != nil:
	case version.Schema == 1:
		var old manifest1
		if err = decode(text, &old); err == nil {
			m, err = old.manifest()
		}
	default:
		err = decode(text, &m)
		m.Ask.Probes = probe.Expand(m.Ask.Probes)
	}
	if err == nil {
		err = m.Validate()
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("release manifest: %w", err)
	}
	return m, nil
}

// optIn is the effect that every manifest of schema 1 has, and its feature.
const (
	optIn        = "cloud-messaging-opt-in"
	optInFeature = 1
	optInHours   = 24
)

func (o manifest1) manifest() (Manifest, error) {
	m := Manifest{Schema: 1, Release: o.Release, Model: o.Model, Variant: o.Variant, Channel: o.Channel,
		Counter: o.Counter, Build: o.Build, Package: o.Package, Effect: o.Effect.Name, Notes: o.Notes,
		Ask: probe.Ask{Hours: optInHours, PromptDay: o.Effect.PromptDay, Migration: o.Effect.Migration}}
	if o.Effect.Name != optIn || o.Effect.Feature != optInFeature {
		return m, fmt.Errorf("effect %q with feature %d; in schema 1 it is %s with feature %d",
			o.Effect.Name, o.Effect.Feature, optIn, optInFeature)
	}
	return m, nil
}

func (m Manifest) schema1() manifest1 {
	return manifest1{Schema: 1, Release: m.Release, Model: m.Model, Variant: m.Variant, Channel: m.Channel,
		Counter: m.Counter, Build: m.Build, Package: m.Package, Notes: m.Notes,
		Effect: effect1{optIn, optInFeature, m.Ask.Migration, m.Ask.PromptDay}}
}

// Bytes marshals m in its schema, without blanks; ParseManifest(m.Bytes()) gives m again.
func (m Manifest) Bytes() []byte {
	m.Ask.Probes = probe.Compact(m.Ask.Probes) // a copy: m is one
	var document any = m
	if m.Schema == 1 {
		document = m.schema1()
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // only strings, booleans and integers: it cannot fail
	}
	return append(text, '\n')
}

// Validate returns every fault of m, joined.
func (m Manifest) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(m.Schema != 1 && m.Schema != ManifestSchema, "schema is %d, this program reads 1 and %d",
		m.Schema, ManifestSchema)
	fault(!releaseName.MatchString(m.Release), "release name %q: wanted lower-case letters, digits and hyphens", m.Release)
	fault(!deviceName.MatchString(m.Model), "model %q is not a device name", m.Model)
	fault(!deviceName.MatchString(m.Variant), "variant %q is not a device name", m.Variant)
	fault(!ValidChannel(m.Channel), "channel %q: wanted a lower-case letter, then letters, digits and hyphens", m.Channel)
	fault(m.Counter < 1 || m.Counter > maxSafeInteger, "counter is %d, wanted 1 or more", m.Counter)
	fault(m.Build.Fingerprint == "", "build.fingerprint is empty")
	fault(m.Build.UTC < 1 || m.Build.UTC > maxSafeInteger, "build.utc is %d, wanted seconds since 1970", m.Build.UTC)
	faults = append(faults, m.Package.Faults("package")...)
	fault(m.Effect == "" && !reflect.DeepEqual(m.Ask, probe.Ask{}), "something is asked of handsets without an effect")
	if err := m.Ask.Validate(); err != nil {
		faults = append(faults, fmt.Errorf("ask: %w", err))
	}
	if m.Schema == 1 {
		return errors.Join(faults...)
	}
	fault((m.Effect == "") != (m.EffectDocument == nil), "an effect has an effect_document, and nothing else has one")
	fault(m.NotesDocument == nil, "notes_document is missing")
	if m.EffectDocument != nil {
		faults = append(faults, m.EffectDocument.Faults("effect_document")...)
	}
	if m.NotesDocument != nil {
		faults = append(faults, m.NotesDocument.Faults("notes_document")...)
	}
	return errors.Join(faults...)
}

// Faults are all that is wrong with p, which is called name.
func (p Package) Faults(name string) []error {
	var faults []error
	if p.Path == "" {
		faults = append(faults, fmt.Errorf("%s.path is empty", name))
	}
	if p.Length < 1 || p.Length > maxSafeInteger {
		faults = append(faults, fmt.Errorf("%s.length is %d", name, p.Length))
	}
	if !hexDigest.MatchString(p.SHA256) {
		faults = append(faults, fmt.Errorf("%s.sha256 %q: wanted 64 hex digits", name, p.SHA256))
	}
	return faults
}
